"""Make transformers models use our attention and our cache."""

from __future__ import annotations

import threading

from transformers import AttentionInterface
from transformers.cache_utils import Cache

from promptlab.local_model.forward_pass.attention import NAME, attend
from promptlab.local_model.forward_pass.kv import Geometry
from promptlab.local_model.forward_pass.step import Step, StepCache

AttentionInterface.register(NAME, attend)


class HookedCache(StepCache, Cache):  # type: ignore[misc]
    """A step's cache that transformers accepts as its own."""

    def __init__(self, step: Step, geometry: Geometry, cancelled: threading.Event) -> None:
        StepCache.__init__(self, step, geometry, cancelled)
        Cache.__init__(self, layers=[])
