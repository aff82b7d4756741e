"""How numbers, intervals and lists are written, the same in every view and for every renderer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from promptlab.core.decision import Verdict
from promptlab.stats.intervals import Interval

UNKNOWN = "-"
_LEAST_USD = 1e-7
NO_VERDICT = "no verdict"
"""What people read for the verdict `refused`: a model refuses, a comparison has no verdict."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 trial, 1,000 trials."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def verdict_word(verdict: Verdict) -> str:
    """Return a verdict as people read it; documents keep its name."""
    return NO_VERDICT if verdict == "refused" else verdict


def listed(words: Sequence[str], most: int, between: str = ", ") -> str:
    """Join words, and count those beyond the first `most`."""
    more_than = f" and {len(words) - most} more" if len(words) > most else ""
    return between.join(words[:most]) + more_than


def difference(value: float | None, *, is_rate: bool) -> str:
    """Return a difference with its sign; for rates in percentage points."""
    if value is None:
        return UNKNOWN
    return f"{value * 100:+.1f}" if is_rate else f"{value:+.4g}"


def bounds(interval: Interval | None, *, is_rate: bool) -> str:
    """Return an interval of a difference."""
    if interval is None:
        return UNKNOWN
    low, high = (difference(bound, is_rate=is_rate) for bound in interval)
    return f"{low} to {high}"


def mean(value: float | None, *, is_rate: bool) -> str:
    """Return a mean; a rate as a percentage."""
    if value is None:
        return UNKNOWN
    return f"{value * 100:.1f} %" if is_rate else f"{value:.4g}"


def mean_interval(low: float | None, high: float | None, *, is_rate: bool) -> str:
    """Return the interval of a mean; that of a rate as percentages."""
    if low is None or high is None:
        return UNKNOWN
    return f"{low * 100:.1f} to {high * 100:.1f} %" if is_rate else f"{low:.4g} to {high:.4g}"


def size(effect: float, *, is_rate: bool) -> str:
    """Return the size of a difference, without a sign."""
    return f"{effect * 100:.2g} points" if is_rate else f"{effect:.3g}"


def percent(alpha: float) -> str:
    """Return the level of an interval that errs with the probability `alpha`: 99.75 %."""
    return f"{(1 - alpha) * 100:g} %"


def level(alpha: float, size: int = 1) -> str:
    """Return what the intervals of a family hold for: 95 % intervals, 95 % for all 6 together."""
    held = percent(alpha)
    return f"{held} intervals" if size == 1 else f"{held} for all {size} together"


def p_heading(size: int = 1) -> str:
    """Return the heading of p-values, which names what they are corrected for."""
    return "p" if size == 1 else f"p (Holm, {size})"


def short_p_heading(size: int = 1) -> str:
    """Return the same without the size of the family, which the title of a table has too."""
    return "p" if size == 1 else "p Holm"


def p_value(p: float | None) -> str:
    """Return a p-value with three digits, or as less than 0.001."""
    if p is None:
        return UNKNOWN
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def p_equation(p: float | None) -> str:
    """Return a p-value for use in a sentence: p = 0.012."""
    return "p < 0.001" if p is not None and p < 0.001 else f"p = {p_value(p)}"


def more(ratio: float | None) -> str:
    """Return how much more b takes than a: +31 %, or x2.4 if at least twice as much."""
    if ratio is None:
        return UNKNOWN
    return f"x{ratio:.3g}" if ratio >= 2 else f"{(ratio - 1) * 100:+.0f} %"


def quantity(value: float | None, digits: int = 0) -> str:
    """Return a quantity with this number of digits."""
    return UNKNOWN if value is None else f"{value:,.{digits}f}"


def rate(per_second: float) -> str:
    """Return how many per second: two digits below 100, then whole numbers."""
    return f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.2g}"


def length(value: float) -> str:
    """Return a number of tokens or characters; a mean that is not whole with one digit."""
    return quantity(value, 0 if value == int(value) else 1)


def usd(amount: float, digits: int = 4) -> str:
    """Return an amount of US dollars for people: 1.2500, 0.000027; never 2.7e-05.

    It has this number of digits after the point, or as many as show two that count.
    """
    if not amount:
        return f"{0:.{digits}f}"
    if amount < _LEAST_USD:
        return f"<{_LEAST_USD:.7f}"
    return f"{amount:,.{max(digits, 1 - math.floor(math.log10(amount)))}f}"


def more_usd(amount: float) -> str:
    """Return a difference in US dollars, with its sign."""
    return f"{'-' if amount < 0 else '+'}{usd(abs(amount))}"


def duration(seconds: float) -> str:
    """Return a duration for people: 8 s, 2 min 5 s, 1 h 4 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
