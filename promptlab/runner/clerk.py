"""The budget of a run: grants calls, and charges every answer at its backend's price."""

from __future__ import annotations

from collections.abc import Mapping

from promptlab.backends import Backend
from promptlab.core.budget import Budget
from promptlab.core.errors import PromptlabError
from promptlab.core.prices import highest_cost
from promptlab.core.types import Outcome, Turn


class Clerk:
    """Grants the calls of a run, and counts what they cost."""

    def __init__(self, budget: Budget, backends: Mapping[str, Backend], *, offline: bool) -> None:
        """An `offline` run may not make any calls."""
        self._budget = budget
        self._backends = backends
        self._batched = {name: backend.capacity.batch > 1 for name, backend in backends.items()}
        self._offline = offline

    def reserve(self, backend: str, calls: int) -> int:
        """Return how many of `calls` the run may still make, and count them as made."""
        if self._offline:
            raise PromptlabError(
                f"an answer of backend {backend!r} is not stored",
                hint="run without --offline to measure it",
            )
        return self._budget.reserve(calls)

    def confirm(self) -> bool:
        """Return whether a call that is already counted may be made now."""
        return self._budget.confirm()

    def charge(self, backend: str, turn: Turn) -> None:
        """Count an answer and its cost, or the most it may have cost if that is unknown."""
        self._budget.heard(batched=self._batched[backend])
        if turn.completion.outcome is Outcome.ERROR:
            return
        cost, source = turn.completion.cost_usd, self._backends[backend]
        known = cost is not None or (source.price is None and not source.charges)
        if cost is None and source.price is not None:
            cost = highest_cost(turn.request, source.price)
        self._budget.charge(cost or 0.0, known=known)
