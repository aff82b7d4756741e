"""What a run may still spend: calls and dollars, for all of its backends together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has spent: calls that were made, answered or not, and US dollars.

    What a server does not tell is counted at the most that it may have cost, where a price is
    known. `unpriced` counts the answers whose cost is not known.
    """

    calls: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0


NOTHING = Spent()


class Budget:
    """Counts calls before they are made and costs when they are known.

    A call that is in flight when the money runs out is paid and kept: the limit can be passed by
    the calls in flight, and by no more.
    """

    def __init__(
        self,
        max_calls: int | None = None,
        max_cost: float | None = None,
        before: Spent = NOTHING,
    ) -> None:
        """`before` is what the run has spent before."""
        self.max_calls = max_calls
        self.max_cost = max_cost
        self.refused = False
        self._before = before
        self._granted = before.calls
        self._confirmed = 0
        self._heard = {True: 0, False: 0}
        self._cost = before.cost_usd
        self._unpriced = before.unpriced

    @property
    def spent(self) -> Spent:
        """Return what the run has spent, from its beginning. Any thread may ask."""
        # Not every executor confirms what it sends at once; then the answers are the calls.
        made = max(self._confirmed, self._heard[False]) + self._heard[True]
        return Spent(self._before.calls + made, self._cost, self._unpriced)

    def reserve(self, wanted: int) -> int:
        """Return how many of `wanted` calls may be made, and count them as made."""
        granted = 0 if self._broke else wanted
        if self.max_calls is not None:
            granted = min(granted, max(0, self.max_calls - self._granted))
        self.refused = self.refused or granted < wanted
        self._granted += granted
        return granted

    def confirm(self) -> bool:
        """Say whether a call that is counted may be made now; one that may not is not counted."""
        if self._broke:
            self.refused = True
            self._granted -= 1
            return False
        self._confirmed += 1
        return True

    @property
    def _broke(self) -> bool:
        return self.max_cost is not None and self._cost >= self.max_cost

    def heard(self, *, batched: bool) -> None:
        """Count what came of a call; one of a batch is made when it is answered, not before."""
        self._heard[batched] += 1

    def charge(self, cost: float, *, known: bool = True) -> None:
        """Add what an answer has cost, in US dollars, or the most that it may have."""
        self._cost += cost
        self._unpriced += not known

    @property
    def limit(self) -> str:
        """Say which limit has stopped the run: `--max-calls 10`."""
        if self._broke:
            return f"--max-cost {self.max_cost:g}"
        return f"--max-calls {self.max_calls}"
