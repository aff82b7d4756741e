"""Find out whether a model can read packed steps, and its cache shape: by its config, then a trial.

For transformers models.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache

from promptlab.local_model.batching.answers import describe_error, is_out_of_memory
from promptlab.local_model.batching.trial import agrees
from promptlab.local_model.files.generation import OTHER_PENALTIES, changes_scores
from promptlab.local_model.forward_pass.attention import Unsupported
from promptlab.local_model.forward_pass.kv import Geometry, Layer

_LAYERS = {"full_attention", "sliding_attention"}
_UNSTEADY = {
    "dynamic",
    "longrope",
}  # rotary embeddings that depend on the batch's longest prompt
_SHARED = "num_kv_shared_layers"


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a model cannot read packed steps."""

    reason: str


def fitness(model: Any) -> Geometry | Unfit:
    """Return the shape of the model's cache, or why it cannot read packed steps."""
    if reason := _unfit_config(model):
        return Unfit(reason)
    try:
        with torch.inference_mode():
            geometry = _geometry(model)
            return geometry if agrees(model, geometry) else Unfit("its logits would not agree")
    except Unsupported as error:
        return Unfit(str(error))
    except Exception as error:  # noqa: BLE001 - a model's own code, like a plugin's
        return Unfit("out of memory" if is_out_of_memory(error) else describe_error(error))


def _unfit_config(model: Any) -> str | None:
    config = model.config.get_text_config()
    layers = set(getattr(config, "layer_types", None) or ()) - _LAYERS
    parameters = inspect.signature(model.forward).parameters
    takes = {"position_ids", "past_key_values"} <= set(parameters) or any(
        parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()
    )
    rope = getattr(config, "rope_parameters", None) or {}
    reasons = {
        "it is no decoder alone": model.config.is_encoder_decoder,
        "its attention cannot be chosen": not getattr(model, "_supports_attention_backend", False),
        f"it has layers of another kind ({', '.join(sorted(layers))})": layers,
        "its layers share keys and values": getattr(config, _SHARED, None),
        "it takes no positions": not takes,
        "its positions depend on the longest prompt": _rope_types(rope) & _UNSTEADY,
        "its settings change scores": _changes_scores(model.generation_config),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _rope_types(rope: Any) -> set[str]:
    inner = [value for value in rope.values() if isinstance(value, dict)]
    return {settings.get("rope_type", "default") for settings in (*inner, rope)}


def _changes_scores(config: Any) -> bool:
    """Return whether `generate` would change scores, repetition aside, which is punished here."""
    return any(changes_scores(name, getattr(config, name, None)) for name in OTHER_PENALTIES)


def _geometry(model: Any) -> Geometry:
    """Read the shape of each layer's cache off one that transformers has filled."""
    cache = DynamicCache(config=model.config)
    model(input_ids=torch.tensor([[0, 1]], device=model.device), past_key_values=cache)
    layers = []
    for layer in cache.layers:
        if type(layer).__name__ not in ("DynamicLayer", "DynamicSlidingWindowLayer"):
            raise Unsupported(f"it caches in a {type(layer).__name__}")
        window = layer.sliding_window if layer.is_sliding else None
        layers.append(
            Layer(layer.keys.shape[1], layer.keys.shape[3], layer.values.shape[3], window)
        )
    first = cache.layers[0].keys
    return Geometry(tuple(layers), first.dtype, first.device)
