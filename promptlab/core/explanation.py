"""What a code of a reason says to those who look it up."""

from __future__ import annotations

from typing import NamedTuple


class Explanation(NamedTuple):
    """What a code means, what to do about it, and the keys of its `about`."""

    meaning: str
    remedy: str
    about: tuple[str, ...] = ()
