"""Whether a call that failed is tried again, and when."""

from __future__ import annotations

import random

from promptlab.core.capacity import Patience
from promptlab.core.failure import Failure, Fault

_FIRST_S = 0.5
_LONGEST_S = 30.0
_LONGEST_AWAY_S = 5.0  # trying to reach a server that is down costs nothing
_WAITED_FOR = (Fault.BUSY, Fault.UNREACHABLE)  # until the time limit, however many tries it takes
_COMPLAINTS = 3  # tries of a request that the server answers with an error, as if it were one
_JITTER = 0.1  # of a server's own delay: so that not all calls return at the same moment


def wait_before_retry(
    patience: Patience, failure: Failure | None, tries: int, elapsed_s: float, key: str
) -> float | None:
    """Return how long to wait before the next try, None if there is none.

    `tries` were made in `elapsed_s`. Unless the server names a delay, the wait is random between 0
    and a bound that doubles with every try ("full jitter", M. Brooker, AWS Architecture Blog
    2015); `key` seeds the draw, so that calls differ and runs repeat.
    """
    if failure is None or not failure.passing:
        return None
    if failure.fault is Fault.COMPLAINT and tries >= _COMPLAINTS:
        return None
    if tries > patience.retries and failure.fault not in _WAITED_FOR:
        return None
    share = random.Random(f"{key}/{tries}").random()  # noqa: S311 - only spreads calls
    longest = _LONGEST_AWAY_S if failure.fault is Fault.UNREACHABLE else _LONGEST_S
    wait = share * min(longest, _FIRST_S * 2 ** min(tries - 1, 10))
    if failure.wait_s:  # even a server that asks for no wait is not hammered
        wait = failure.wait_s + share * min(1.0, _JITTER * failure.wait_s)
    return wait if elapsed_s + wait <= patience.limit_s else None
