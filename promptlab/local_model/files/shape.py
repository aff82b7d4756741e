"""Read the settings of a Llama model strictly: an unknown setting might change the arithmetic, so
transformers must then read the model.
"""

from __future__ import annotations

import json
from collections.abc import Set
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

WEIGHTS = "model.safetensors"
# Settings without effect in inference, greedy or with our own sampling.
_IDLE = {
    *("_model_name_or_path", "_from_model_config", "transformers_version", "dtype", "use_cache"),
    *("bos_token_id", "pad_token_id", "unk_token_id", "initializer_range", "attention_dropout"),
    *("pretraining_tp", "output_attentions", "output_hidden_states"),
    *("do_sample", "temperature", "top_p", "top_k"),
}


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rope(_Strict):
    """How positions rotate queries and keys."""

    rope_theta: PositiveFloat
    rope_type: Literal["default"]


class Shape(_Strict):
    """Every setting of `config.json` that affects the arithmetic."""

    architectures: tuple[Literal["LlamaForCausalLM"]]
    model_type: Literal["llama"]
    attention_bias: Literal[False]
    mlp_bias: Literal[False]
    hidden_act: Literal["silu"]
    vocab_size: PositiveInt
    hidden_size: PositiveInt
    intermediate_size: PositiveInt
    num_hidden_layers: PositiveInt
    num_attention_heads: PositiveInt
    num_key_value_heads: PositiveInt
    head_dim: PositiveInt
    max_position_embeddings: PositiveInt
    rms_norm_eps: PositiveFloat
    rope_parameters: Rope
    tie_word_embeddings: bool


class Generation(BaseModel):
    """Every setting of `generation_config.json` that affects answers. Mutable."""

    model_config = ConfigDict(extra="forbid")

    eos_token_id: int | list[int] | None = None

    def joined(self, other: Generation) -> Generation:
        """Return settings with the end tokens of both."""
        both = [self.eos_token_id, other.eos_token_id]
        ids = {i for ends in both for i in ([ends] if isinstance(ends, int) else ends or ())}
        return Generation(eos_token_id=sorted(ids) or None)


def read_shape(folder: Path) -> tuple[Shape, Generation] | None:
    """Read the settings in a model's folder; return None unless all of them are known here."""
    if not (folder / WEIGHTS).is_file():
        return None
    try:
        settings = _settings(folder / "config.json", _IDLE)
        ends = Generation(eos_token_id=settings.pop("eos_token_id", None))
        shape = Shape.model_validate(settings)
        generation = Generation.model_validate(_settings(folder / "generation_config.json", _IDLE))
    except (OSError, ValueError):
        return None
    return shape, generation.joined(ends)


def _settings(file: Path, idle: Set[str]) -> dict[str, Any]:
    settings = json.loads(file.read_bytes())
    return {name: value for name, value in settings.items() if name not in idle}
