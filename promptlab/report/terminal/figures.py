"""How differences, p-values and multiples are written, the same in every table."""

from __future__ import annotations

from promptlab.analysis.contrast import Change
from promptlab.core.decision import Rule
from promptlab.stats.intervals import Interval


def difference(value: float | None, *, is_rate: bool) -> str:
    """Return a difference with its sign; that of two rates in points of a hundred."""
    if value is None:
        return "-"
    return f"{value * 100:+.1f}" if is_rate else f"{value:+.4g}"


def bounds(interval: Interval | None, *, is_rate: bool) -> str:
    """Return an interval of a difference."""
    if interval is None:
        return "-"
    low, high = (difference(bound, is_rate=is_rate) for bound in interval)
    return f"{low} to {high}"


def mean(value: float | None, *, is_rate: bool) -> str:
    """Return a mean, a rate in per cent."""
    if value is None:
        return "-"
    return f"{value * 100:.1f} %" if is_rate else f"{value:.4g}"


def level(rule: Rule) -> str:
    """Return what the intervals of a table are: 95 % intervals."""
    return f"{rule.level * 100:g} % intervals"


def p_value(p: float | None) -> str:
    """Return a p-value as it is read: three digits, or less than 0.001."""
    if p is None:
        return "-"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def more(change: Change | None) -> str:
    """Return how much more b takes than a: +31 %, or x2.4 from twice as much on."""
    ratio = None if change is None else change.ratio
    if ratio is None:
        return "-"
    return f"x{ratio:.3g}" if ratio >= 2 else f"{(ratio - 1) * 100:+.0f} %"
