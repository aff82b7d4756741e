"""How a verb without a display waits for a database that another program has locked."""

from __future__ import annotations

from collections.abc import Callable

from promptlab.store import Waits, wait_a_while

_FIRST_S, _AGAIN_S = 2.0, 60.0


def patient(tell: Callable[[str], None] | None) -> Waits:
    """Return what waits without a limit and tells it; in silence, there is a limit."""
    if tell is None:
        return wait_a_while
    next_at = _FIRST_S

    def wait(seconds: float) -> None:
        nonlocal next_at
        if seconds < next_at - _AGAIN_S:
            next_at = _FIRST_S  # another lock
        if seconds >= next_at:
            next_at = seconds + _AGAIN_S
            tell(
                f"another program has locked the database for {seconds:.0f} s, perhaps by a change"
                " that it has not saved; waiting until it is done"
            )

    return wait
