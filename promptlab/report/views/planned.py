"""What of a plan is said of wordings, and of where the next call buys most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from promptlab.analysis.claims import WORDINGS
from promptlab.analysis.planning import Source
from promptlab.analysis.prospect import Prospect
from promptlab.analysis.texts import Texts, sources_of
from promptlab.report.wording import counted, size


def planned_size(prospect: Prospect, effect: float | None) -> str:
    """Return a difference in words; one that no scores can have is none."""
    bounded = prospect.pilot is None or prospect.pilot.bounded
    if effect is None or (bounded and effect > 1):
        return "no difference"
    return size(effect, is_rate=prospect.is_rate)


def need(what: str) -> str:
    """Return the verb for a difference in words."""
    return "need" if what.endswith("points") else "needs"


def on_wordings(prospect: Prospect) -> Iterator[str]:
    """Say of which practices too few wordings are run to speak of more than these."""
    few = {name: count for name, count in prospect.wordings.items() if count < WORDINGS}
    if few:
        listed = ", ".join(f"{name} {count}" for name, count in few.items())
        yield (
            f"A verdict on a practice takes {WORDINGS} wordings of it ({listed}):"
            " with fewer it is about these alone."
        )


def needed_wordings(
    prospect: Prospect, known: Sequence[tuple[str, Texts, int | None]]
) -> Iterator[str]:
    """Say how many wordings show the effect, by how far those of the pilot lie apart.

    `known` has for each pair its name, its wordings, and how many it takes.
    """
    if not known:
        return
    pair, texts, needed = max(known, key=lambda row: row[2] or inf)
    what = "pairs of wordings" if texts.paired else "wordings a side"
    apart = [planned_size(prospect, each) for each in (texts.likely, texts.upper)]
    yield (
        f"{texts.number} {what} of {pair.split()[1]} lie {apart[0]} apart"
        f" (standard deviation; upper 80 % limit {apart[1]})."
    )
    wanted = planned_size(prospect, prospect.aim.effect)
    cases = counted(len(prospect.plan.cases), "case")
    if needed is None:
        yield f"No number of wordings shows {wanted} on {cases}."
    else:
        yield f"On {cases} {wanted} {need(wanted)} {needed:,} {what}."
    yield from buys_most(sources_of(texts))


def buys_most(every: Sequence[Source]) -> Iterator[str]:
    """Say where the next call buys most, if that is known."""
    if every:
        best = max(every, key=lambda source: source.gain)
        shares = ", ".join(f"{source.name} {source.share * 100:.0f} %" for source in every)
        yield f"The next call buys most in more {best.name} (of the variance: {shares})."
