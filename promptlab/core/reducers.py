"""How the repeats of a case become one score: by a name, which may hold a number (`pass_at_3`).

`stats.reducers` computes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PLAIN = ("mean", "median", "mode", "max")
COUNTING = ("at_least", "pass_at", "all")
_COUNTED = re.compile(rf"({'|'.join(COUNTING)})_([1-9][0-9]{{0,3}})")


@dataclass(frozen=True, slots=True)
class Reducer:
    """One way to reduce repeats: `how` is one of `PLAIN`, or of `COUNTING` with the number `k`.

    A repeat passes if its score is 1. `at_least` k must pass; `pass_at` and `all` are the
    probabilities that one of k repeats passes, and that all of them do.
    """

    how: str
    k: int = 1

    @property
    def least(self) -> int:
        """Return how many repeats it needs."""
        return self.k

    def of(self, repeats: int) -> str | None:
        """Return it as the heading of scores has it, None for the mean."""
        return None if self == MEAN else f"{self} of {repeats} repeat{'s' * (repeats != 1)}"

    def __str__(self) -> str:
        return self.how if self.how in PLAIN else f"{self.how}_{self.k}"


MEAN = Reducer("mean")


def read_reducer(text: str) -> Reducer:
    """Read the name of a reducer.

    Raises:
        ValueError: there is none of that name; the message says which there are.
    """
    if text in PLAIN:
        return Reducer(text)
    if match := _COUNTED.fullmatch(text):
        return Reducer(match[1], int(match[2]))
    names = ", ".join([*PLAIN, *(f"{how}_k" for how in COUNTING)])
    raise ValueError(f"repeats can be reduced by {names}, with a number for k such as pass_at_3")
