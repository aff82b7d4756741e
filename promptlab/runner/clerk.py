"""What may still be sent: the budget of a run, charged for every answer at its backend's price."""

from __future__ import annotations

from collections.abc import Mapping

from promptlab.backends import Backend
from promptlab.core.budget import Budget
from promptlab.core.errors import PromptlabError
from promptlab.core.prices import highest_cost
from promptlab.core.types import Outcome, Turn


class Clerk:
    """Grants calls of a run, and counts what they cost."""

    def __init__(self, budget: Budget, backends: Mapping[str, Backend], *, offline: bool) -> None:
        """An `offline` run may make no call at all."""
        self._budget = budget
        self._backends = backends
        self._batched = {name: each.capacity.batch > 1 for name, each in backends.items()}
        self._offline = offline

    def reserve(self, backend: str, calls: int) -> int:
        """Return how many of so many calls the run may still make, and count them as made."""
        if self._offline:
            raise PromptlabError(
                f"an answer of backend {backend!r} is not stored",
                hint="run without --offline to measure it",
            )
        return self._budget.reserve(calls)

    def confirm(self) -> bool:
        """Say whether a call that is counted may be made now."""
        return self._budget.confirm()

    def charge(self, backend: str, turn: Turn) -> None:
        """Count an answer and what it cost; where the server does not tell, what it may have."""
        self._budget.heard(batched=self._batched[backend])
        if turn.completion.outcome is Outcome.ERROR:
            return
        cost, asked = turn.completion.cost_usd, self._backends[backend]
        known = cost is not None or (asked.price is None and not asked.charges)
        if cost is None and asked.price is not None:
            cost = highest_cost(turn.request, asked.price)
        self._budget.charge(cost or 0.0, known=known)
