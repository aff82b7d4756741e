"""Run a model's own forward pass over a step."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import torch

from promptlab.core.lazy import lazy_module
from promptlab.local_model.forward_pass.attention import attending
from promptlab.local_model.forward_pass.kv import Geometry
from promptlab.local_model.forward_pass.llama import Llama
from promptlab.local_model.forward_pass.step import Step, StepCache
from promptlab.local_model.forward_pass.weigh import picks_logits

if TYPE_CHECKING:
    from promptlab.local_model.forward_pass import hook
else:
    hook = lazy_module("promptlab.local_model.forward_pass.hook")


class Forward:
    """A model that runs steps. `cancelled` is checked once per layer."""

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
