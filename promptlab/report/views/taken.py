"""What a trial of one arm takes more than one of another, in words: tokens, seconds and money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptlab.analysis.changes import Change
from promptlab.analysis.compare import Comparison
from promptlab.report.wording import UNKNOWN, more_usd, usd

HEADINGS = {
    "tokens": "tokens more",
    "tokens_interval": "interval",
    "seconds": "s more",
    "seconds_interval": "interval",
    "usd": "USD more",
    "usd_a_point": "USD a point",
    "usd_a_point_interval": "interval",
}
"""The numbers of `Taken` in the order of a table, with their headings."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a trial of b takes more than one of a, in words; `usd_a_point` is that of one point."""

    tokens: str
    tokens_interval: str
    seconds: str
    seconds_interval: str
    usd: str
    usd_a_point: str
    usd_a_point_interval: str


def known_cells(taken: Sequence[Taken]) -> dict[str, list[str]]:
    """Return the columns of a table that has a row for each: what is unknown of all has none.

    There is no table where neither seconds nor money is known: other tables have the tokens.
    """
    if all(each.seconds == UNKNOWN and each.usd == UNKNOWN for each in taken):
        return {}
    columns = {name: [str(getattr(each, name)) for each in taken] for name in HEADINGS}
    return {name: cells for name, cells in columns.items() if set(cells) != {UNKNOWN}}


def taken_by(comparison: Comparison) -> Taken:
    """Return what a trial of b takes more than one of a."""
    tokens, tokens_interval = _change(comparison.tokens, 0)
    seconds, seconds_interval = _change(comparison.latency_s, 2)
    price, prices = comparison.usd_per_point, comparison.usd_per_point_ci or ()
    unit = 0.01 if comparison.is_rate else 1.0  # a point is a hundredth if scores are rates
    return Taken(
        tokens=tokens,
        tokens_interval=tokens_interval,
        seconds=seconds,
        seconds_interval=seconds_interval,
        usd=UNKNOWN if comparison.cost_usd is None else more_usd(comparison.cost_usd.delta),
        usd_a_point=UNKNOWN if price is None else usd(price * unit),
        usd_a_point_interval=" to ".join(usd(end * unit) for end in prices) or UNKNOWN,
    )


def _change(change: Change | None, digits: int) -> tuple[str, str]:
    if change is None:
        return UNKNOWN, UNKNOWN
    signed = [f"{value:+,.{digits}f}" for value in (change.delta, *(change.ci or ()))]
    return signed[0], " to ".join(signed[1:]) or UNKNOWN
