"""Run a model's own forward pass over a step."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import torch

from promptlab.hf_model.attention import attending
from promptlab.hf_model.kv import Geometry
from promptlab.hf_model.llama import Llama
from promptlab.hf_model.step import Step, StepCache
from promptlab.hf_model.weigh import picks_logits
from promptlab.lazy import lazy_module

if TYPE_CHECKING:
    from promptlab.hf_model import hook
else:
    hook = lazy_module("promptlab.hf_model.hook")


class Forward:
    """A model that answers steps. `cancelled` is looked at once a layer."""

    def __init__(self, model: Any, geometry: Geometry) -> None:
        self.model = model
        self._geometry = geometry
        self.cancelled = threading.Event()
        self._cache = StepCache if isinstance(model, Llama) else hook.HookedCache
        self._picks = picks_logits(model)

    def __call__(self, step: Step) -> torch.Tensor:
        """Return the logits [tokens kept, vocabulary] of the step, in float32."""
        device = self.model.device
        keep = torch.tensor(step.keep, dtype=torch.long, device=device)
        cache = self._cache(step, self._geometry, self.cancelled)
        with attending(self.model, cache):
            logits: torch.Tensor = self.model(
                input_ids=torch.tensor([step.ids], device=device),
                position_ids=torch.tensor([step.positions], device=device),
                past_key_values=cache,
                use_cache=True,
                **({"logits_to_keep": keep} if self._picks else {}),
            ).logits[0]
        return (logits if self._picks else logits[keep]).float()
