"""Tiny random models of many kinds, and prompts that share prefixes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
import torch
import transformers as tf

from promptlab.local_model.loading import from_transformers  # noqa: F401 - silences it

VOCABULARY = 120
WINDOW = 16
_BASE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
    "bos_token_id": None,
    "eos_token_id": 1,
    "pad_token_id": 0,
    "initializer_range": 0.4,
}
_GROUPED: dict[str, Any] = {**_BASE, "num_key_value_heads": 2}
_GEMMA: dict[str, Any] = {
    **_GROUPED, "head_dim": 16, "sliding_window": WINDOW, "query_pre_attn_scalar": 16,
}  # fmt: skip
_SMALL: dict[str, Any] = {
    "vocab_size": VOCABULARY, "bos_token_id": None, "eos_token_id": 1, "pad_token_id": 0,
}  # fmt: skip


def _qwen2_with_window() -> Any:
    config = tf.Qwen2Config(
        **_GROUPED, use_sliding_window=True, sliding_window=WINDOW, max_window_layers=1
    )
    return tf.Qwen2ForCausalLM(config)


def _gpt2() -> Any:
    config = tf.GPT2Config(
        **_SMALL, n_embd=32, n_layer=3, n_head=4, n_positions=512, initializer_range=0.4
    )
    return tf.GPT2LMHeadModel(config)


def _gpt_oss() -> Any:
    config = tf.GptOssConfig(
        **_GROUPED, head_dim=16, sliding_window=WINDOW, num_local_experts=4,
        num_experts_per_tok=2, rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )  # fmt: skip
    model = tf.GptOssForCausalLM(config)
    for parameter in model.parameters():  # its sinks and router are not random by themselves
        torch.nn.init.normal_(parameter, std=0.4)
    return model


PACKED: dict[str, Callable[[], Any]] = {
    "llama": lambda: tf.LlamaForCausalLM(tf.LlamaConfig(**_GROUPED)),
    "qwen2": lambda: tf.Qwen2ForCausalLM(tf.Qwen2Config(**_GROUPED)),
    "qwen2 with a window": _qwen2_with_window,
    "qwen3": lambda: tf.Qwen3ForCausalLM(tf.Qwen3Config(**_GROUPED, head_dim=16)),
    "gemma2": lambda: tf.Gemma2ForCausalLM(tf.Gemma2Config(**_GEMMA)),
    "gemma3": lambda: tf.Gemma3ForCausalLM(tf.Gemma3TextConfig(**_GEMMA)),
    "mistral": lambda: tf.MistralForCausalLM(tf.MistralConfig(**_GROUPED, sliding_window=WINDOW)),
    "gpt-neox": lambda: tf.GPTNeoXForCausalLM(tf.GPTNeoXConfig(**_BASE)),
    "gpt2": _gpt2,
    "gpt-oss": _gpt_oss,
}
PADDED: dict[str, Callable[[], Any]] = {
    "mamba": lambda: tf.MambaForCausalLM(
        tf.MambaConfig(**_SMALL, hidden_size=32, num_hidden_layers=2, state_size=8)
    ),
    "bloom": lambda: tf.BloomForCausalLM(
        tf.BloomConfig(**_SMALL, hidden_size=32, n_layer=2, n_head=4)
    ),
    "llama with dynamic positions": lambda: tf.LlamaForCausalLM(
        tf.LlamaConfig(
            **_GROUPED,
            rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0},
        )
    ),
}


# The kinds that differ in how they attend; the others are variants of these.
UNLIKE = {"llama", "qwen2 with a window", "gemma2", "gpt2", "gpt-oss", "bloom"}


def kinds(names: Iterable[str]) -> list[Any]:
    """Return parameters of a test; models like others are left to the slow tests."""
    return [
        pytest.param(name, marks=[] if name in UNLIKE else [pytest.mark.slow]) for name in names
    ]


def build(make: Callable[[], Any]) -> Any:
    torch.manual_seed(0)
    return make().eval()


class Cramped(tf.LlamaForCausalLM):  # type: ignore[misc]
    """A model on a machine with memory for a limited number of tokens per step."""

    tokens = 20
    error: Exception = torch.OutOfMemoryError("CUDA out of memory")

    def forward(self, input_ids: Any = None, **kwargs: Any) -> Any:
        if input_ids.shape[1] > self.tokens:
            raise self.error
        return super().forward(input_ids=input_ids, **kwargs)


def cramped(tokens: int) -> Any:
    model = build(PACKED["llama"])
    small = Cramped(model.config).eval()
    small.load_state_dict(model.state_dict())
    small.tokens = tokens
    return small


def spell(ids: Sequence[int]) -> str:
    return " ".join(map(str, ids))


def prompts() -> list[list[int]]:
    """Return templates with cases; one occurs twice, and one is a prefix of another."""
    rng = random.Random(1)

    def some(count: int) -> list[int]:
        return [rng.randrange(2, VOCABULARY) for _ in range(count)]

    texts = []
    root = some(12)
    for _ in range(3):
        template = root + some(20)
        for _ in range(3):
            shared = template + some(3)
            texts += [shared + some(rng.randrange(1, 25)) for _ in range(2)]
    return [*texts, texts[0], some(3), texts[3] + some(60)]


def alone(model: Any, ids: list[int], count: int) -> list[int]:
    """Return what `generate` answers to one prompt."""
    given = torch.tensor([ids])
    said = model.generate(
        given, attention_mask=torch.ones_like(given), max_new_tokens=count, do_sample=False
    )
    return list(said[0, len(ids) :].tolist())
