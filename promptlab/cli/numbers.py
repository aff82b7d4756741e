"""Numbers as options: each has a finite range, and a mistake is told in words."""

from __future__ import annotations

import math
import re

import click

_WHOLE = re.compile(r"[+-]?[0-9]+")
_LARGEST = 2**63 - 1  # what SQLite holds
_DIGITS = 25  # beyond which a number is too large anyway, and Python may not read it


class Whole(click.IntRange):
    """A whole number within bounds, both of which belong to it."""

    name = "n"

    def __init__(self, least: int = 0, most: int = _LARGEST) -> None:
        super().__init__(least, most)

    def _describe_range(self) -> str:
        """Return the bounds as help shows them; one that only SQLite sets is none."""
        if self.max == _LARGEST:
            return f"x>={self.min}"
        return super()._describe_range()

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return the number; fail with what was wanted."""
        text = str(value).strip()
        if not _WHOLE.fullmatch(text):
            self.fail(f"{text!r} is not a whole number", param, ctx)
        number = int(text[:_DIGITS])
        if self.min is not None and number < self.min:
            self.fail(f"{_short(text)} is too small: at least {self.min:,}", param, ctx)
        if self.max is not None and number > self.max:
            self.fail(f"{_short(text)} is too large: at most {self.max:,}", param, ctx)
        return number


class Amount(click.FloatRange):
    """A finite number: not negative, and by default without another bound."""

    name = "number"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number; fail on infinities and on what is none."""
        try:
            number = float(str(value))
        except ValueError:
            self.fail(f"{_short(str(value))!r} is not a number", param, ctx)
        if not math.isfinite(number):
            self.fail(f"{_short(str(value))} is not a number", param, ctx)
        return float(super().convert(number, param, ctx))


def _short(text: str) -> str:
    return text if len(text) <= _DIGITS else f"{text[:_DIGITS]}..."
