"""What a run may still spend: calls and dollars, over all of its backends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has spent: calls made, answered or not, and US dollars.

    An answer whose cost the server does not report counts at the most it can have cost, where a
    price is known. `unpriced` counts the answers of unknown cost.
    """

    calls: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0


NOTHING = Spent()


class Budget:
    """Counts calls before they are made and costs when they are known.

    A call in flight when the money runs out is paid for and kept: the limit can be exceeded by the
    calls in flight, and by no more.
    """

    def __init__(
        self,
        max_calls: int | None = None,
        max_cost: float | None = None,
        before: Spent = NOTHING,
    ) -> None:
        """Start from `before`, what the run has already spent."""
        self.max_calls = max_calls
        self.max_cost = max_cost
        self.refused = False
        self._before = before
        self._granted = before.calls
        self._confirmed = 0
        self._answers = {True: 0, False: 0}  # by whether they came in a batch
        self._cost = before.cost_usd
        self._unpriced = before.unpriced

    @property
    def spent(self) -> Spent:
        """Return what the run has spent, from its beginning. Safe to read from any thread."""
        # Not every executor confirms its calls as it sends them; then the answers are the calls.
        calls = max(self._confirmed, self._answers[False]) + self._answers[True]
        return Spent(self._before.calls + calls, self._cost, self._unpriced)

    def reserve(self, wanted: int) -> int:
        """Return how many of `wanted` calls may be made, and count them as made."""
        granted = 0 if self._broke else wanted
        if self.max_calls is not None:
            granted = min(granted, max(0, self.max_calls - self._granted))
        self.refused = self.refused or granted < wanted
        self._granted += granted
        return granted

    def confirm(self) -> bool:
        """Return whether a counted call may be made now; if not, stop counting it."""
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
        """Count an answer; a call in a batch counts as made only once it is answered."""
        self._answers[batched] += 1

    def charge(self, cost: float, *, known: bool = True) -> None:
        """Add what an answer cost in US dollars, or the most it can have cost."""
        self._cost += cost
        self._unpriced += not known

    @property
    def limit(self) -> str:
        """Return the limit that stopped the run: `--max-calls 10`."""
        if self._broke:
            return f"--max-cost {self.max_cost:g}"
        return f"--max-calls {self.max_calls}"
