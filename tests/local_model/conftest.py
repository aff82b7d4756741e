"""A tiny random model and a byte tokenizer: real transformers objects, made in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from promptlab.local_model.loading import from_transformers  # noqa: F401 - silences it

LETTERS = " abcdefghijklmnopqrstuvwxyz"
TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'system' and m.content == 'refuse' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tokenizer(
    template: str | dict[str, str] | None = TEMPLATE,
    words: Sequence[str] = (),
    ends: str = "",
    special: Sequence[str] = ("<|im_start|>", "<|x|>"),
) -> Any:
    """Make a tokenizer; `words` are further tokens, and `ends` is appended to bare texts."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_only = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    bytes_only.add_special_tokens([AddedToken(t, special=True) for t in special])
    bytes_only.add_tokens([AddedToken(t, special=False, normalized=False) for t in words])
    if ends:
        number = bytes_only.token_to_id(ends)
        bytes_only.post_processor = processors.TemplateProcessing(
            single=f"$A {ends}", special_tokens=[(ends, number)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=bytes_only,
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        chat_template=template,
    )


def make_model(tokenizer: Any, kind: type[Any] = LlamaForCausalLM) -> Any:
    """Make a random model that generates letters and spaces and never ends by itself."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.5,
    )
    model = kind(config).eval()
    spoken = torch.zeros(len(tokenizer), 1)
    spoken[tokenizer(LETTERS)["input_ids"]] = 1.0
    with torch.no_grad():
        model.lm_head.weight.mul_(spoken)
    return model


@pytest.fixture(scope="session")
def tiny_tokenizer() -> Any:
    return make_tokenizer()


@pytest.fixture
def tiny_model(tiny_tokenizer: Any) -> Any:
    return make_model(tiny_tokenizer)
