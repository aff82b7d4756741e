"""A run that is ready to be carried out: its job, its gates, and notes on it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptlab.backends import Backend
from promptlab.core.budget import NOTHING, Budget, Spent
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.watch import Watch
from promptlab.runner.flow import Job

if TYPE_CHECKING:
    from promptlab.experiments.gates import Gate

Flow = Callable[[Job, Watch], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that is ready to be carried out. `notes` are shown when it begins."""

    job: Job
    flow: Flow
    gates: tuple[Gate, ...]
    rule: Rule
    notes: tuple[str, ...] = ()


def make_budget(
    max_calls: int | None,
    max_cost: float | None,
    backends: Mapping[str, Backend],
    before: Spent = NOTHING,
) -> Budget:
    """Create the budget of a run that has already spent `before`."""
    unknown = [name for name, backend in backends.items() if backend.charges and not backend.price]
    if max_cost is not None and unknown:
        raise PromptlabError(
            f"--max-cost needs the price of backend {unknown[0]!r}",
            hint="add price = {input = ..., output = ...} to its table, in US dollars"
            " per million tokens",
        )
    return Budget(max_calls, max_cost, before)
