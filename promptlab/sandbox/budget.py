"""How much one rendering may do: steps, characters, and seconds of computing.

Whatever multiplies asks here before it does, and whatever was made is weighed here after it. The
numbers are far above what a prompt needs, and are the same on every machine; the time is only for
what they cannot foresee.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from types import NoneType
from typing import Any

from promptlab.sandbox.errors import ExpressionError

MAX_STEPS = 1_000_000  # iterations, calls, filters and operations
MAX_LENGTH = 10_000_000  # characters of one text, or of one value written out
MAX_WORK = 50_000_000  # characters that are made in all, also those that are thrown away
MAX_SECONDS = 2.0  # of the processor, once they have passed on the wall
MAX_BITS = 10_000  # of a whole number: Python writes none of more than 4,300 digits

_ITEM = 10  # what an item of a list takes, in characters
_LOOK_AT_CLOCK = 32  # steps between two looks
_SHORT = 1 << 64
_LIGHT = frozenset((bool, float, NoneType))  # types of values that take next to nothing
_HEAVY = frozenset((list, tuple, dict))  # types of values that hold others


class _Left:
    """What is left for one rendering."""

    __slots__ = ("began", "end", "seconds", "steps", "weighed", "work")

    def __init__(self, seconds: float) -> None:
        self.steps = MAX_STEPS
        self.work = MAX_WORK
        self.seconds = seconds
        self.began = time.monotonic()
        self.end: float | None = None  # by the clock of the processor; None: it is early
        # By identity; the value itself is kept, so that none can take its place.
        self.weighed: dict[int, tuple[object, int]] = {}

    def is_late(self) -> bool:
        """Return whether the time is up.

        The clock of the processor can take a thousand times longer to read than the one on the
        wall, which is never behind it: nothing is measured until that one says that time may be up.
        """
        if self.end is None:
            if time.monotonic() - self.began > self.seconds:
                self.end = time.thread_time() + self.seconds
            return False
        return time.thread_time() > self.end


class Budget(threading.local):
    """What is left for the rendering under way in this thread; `start` begins another.

    What belongs to a thread is slow to look up: each method does so once.
    """

    def __init__(self) -> None:
        self.start()

    def start(self, seconds: float = MAX_SECONDS) -> None:
        """Give a new rendering all there is, and so many seconds of this thread's computing."""
        self._left = _Left(seconds)

    def seconds_left(self) -> float:
        """Return how long the rendering under way may go on computing."""
        left = self._left
        if left.end is None:
            return max(0.0, left.seconds - (time.monotonic() - left.began))
        return max(0.0, left.end - time.thread_time())

    def step(self, count: int = 1) -> None:
        """Count steps, and look at the clock now and then."""
        left = self._left
        before = left.steps
        left.steps = steps = before - count
        if steps < 0:
            raise _too_much(f"takes more than {MAX_STEPS:,} steps", "loop less often")
        if steps // _LOOK_AT_CLOCK != before // _LOOK_AT_CLOCK and left.is_late():
            raise _too_much(f"takes more than {MAX_SECONDS:g} seconds", "do less in the template")

    def work(self, characters: int) -> None:
        """Count characters that were made or read through."""
        left = self._left
        left.work -= characters
        if left.work < 0:
            raise _too_much(f"makes more than {MAX_WORK:,} characters in all", "copy less text")

    def need(self, characters: int) -> None:
        """Refuse, before it is made, a text of more characters than any may have."""
        if characters > MAX_LENGTH:
            raise _too_much(f"makes a text of {characters:,} characters", f"at most {MAX_LENGTH:,}")

    def made(self, value: Any) -> Any:
        """Weigh a value that an expression made, and return it."""
        kind = type(value)
        if kind in _LIGHT:
            return value
        size = len(value) if kind is str else self.weigh(value)
        if size > MAX_LENGTH:
            self.need(size)
        self.work(size)
        return value

    def weigh(self, value: Any) -> int:
        """Return about how many characters a value takes where it is written out.

        Lists that hold one another in many places are short in memory and long on paper.
        """
        kind = type(value)
        if kind is str or isinstance(value, str):
            return len(value)
        if kind in _HEAVY:
            known = self._left.weighed.get(id(value))
            return known[1] if known else self._weigh_items(value)
        if kind is int and not -_SHORT < value < _SHORT and value.bit_length() > MAX_BITS:
            raise _too_much("makes a number of thousands of digits", "use smaller numbers")
        return self._weigh_items(value) if isinstance(value, (list, tuple, dict)) else _ITEM

    def _weigh_items(self, value: Any) -> int:
        size = _ITEM + _ITEM * len(value)
        for items in (value, value.values()) if isinstance(value, dict) else (value,):
            for item in items:
                size += len(item) if type(item) is str else self.weigh(item)
        self.work(len(value))
        self._left.weighed[id(value)] = value, size
        return size

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        """Pass items on, each of which is a step."""
        for item in items:
            self.step()
            if type(item) in _HEAVY:
                self.need(self.weigh(item))
            yield item


def _too_much(what: str, hint: str) -> ExpressionError:
    return ExpressionError(f"rendering {what}", hint)
