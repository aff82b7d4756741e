"""What a run may still spend: calls and dollars, for all of its backends together."""

from __future__ import annotations


class Budget:
    """Counts calls before they are made and costs when they are known.

    A call that is in flight when the money runs out is paid and kept: the limit can be passed by
    the calls in flight, and by no more.
    """

    def __init__(
        self,
        max_calls: int | None = None,
        max_cost: float | None = None,
        *,
        calls: int = 0,
        cost: float = 0.0,
    ) -> None:
        """`calls` and `cost` are what the run has spent before."""
        self.max_calls = max_calls
        self.max_cost = max_cost
        self.calls = calls
        self.cost = cost
        self.refused = False

    def reserve(self, wanted: int) -> int:
        """Return how many of `wanted` calls may be made, and count them as made."""
        granted = 0 if self._broke else wanted
        if self.max_calls is not None:
            granted = min(granted, max(0, self.max_calls - self.calls))
        self.refused = self.refused or granted < wanted
        self.calls += granted
        return granted

    def confirm(self) -> bool:
        """Say whether a call that is counted may be made now; one that may not is not counted."""
        if self._broke:
            self.refused = True
            self.calls -= 1
        return not self._broke

    @property
    def _broke(self) -> bool:
        return self.max_cost is not None and self.cost >= self.max_cost

    def charge(self, cost: float) -> None:
        """Add what a call has cost, in US dollars."""
        self.cost += cost

    @property
    def limit(self) -> str:
        """Say which limit has stopped the run: `--max-calls 10`."""
        if self._broke:
            return f"--max-cost {self.max_cost:g}"
        return f"--max-calls {self.max_calls}"
