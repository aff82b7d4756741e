"""The clearest of several comparisons as one sentence, in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptlab.analysis.compare import Comparison
from promptlab.core.decision import Rule, Verdict
from promptlab.report.views.contrast import family_size, ratio
from promptlab.report.views.names import Names
from promptlab.report.wording import bounds, counted, difference, level, more, p_equation


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The clearest comparison as the parts of a sentence; those that do not apply are None."""

    b: str
    verdict: Verdict
    a: str
    place: str | None
    delta: str
    level: str
    interval: str
    p: str
    won: str
    lost: str
    tokens: str | None

    @property
    def sentence(self) -> str:
        """Return the parts as one sentence."""
        place = "" if self.place is None else f" {self.place}"
        tokens = "" if self.tokens is None else f"; {self.tokens}"
        return (
            f"{self.b} is {self.verdict} than {self.a}{place}: {self.delta},"
            f" {self.level} {self.interval}, {self.p}; {self.won}, {self.lost}{tokens}."
        )


def clearest(comparisons: Sequence[Comparison]) -> Comparison | None:
    """Return the comparison that a conclusion is about, preferring all backends to one.

    None if none is decided, and for groups.
    """
    decided = [
        comparison for comparison in comparisons if comparison.verdict in ("better", "worse")
    ]
    if not decided or any(comparison.group is not None for comparison in comparisons):
        return None
    against_first = [comparison for comparison in decided if comparison.a == comparisons[0].a]
    return max(
        against_first or decided,
        key=lambda comparison: (comparison.backend is None, abs(comparison.delta or 0.0)),
    )


def conclusion(comparisons: Sequence[Comparison], names: Names, rule: Rule) -> Conclusion | None:
    """Return the clearest conclusion, preferring all backends to one; None for groups."""
    best = clearest(comparisons)
    if best is None:
        return None
    unit = " points" if best.is_rate else ""
    return Conclusion(
        b=names.short(best.b),
        verdict=best.verdict,
        a=names.short(best.a),
        place=names.apart(best),
        delta=f"{difference(best.delta, is_rate=best.is_rate)}{unit}",
        level=level(rule, family_size([best])).removesuffix("s"),
        interval=bounds(best.ci_simultaneous, is_rate=best.is_rate),
        p=p_equation(best.p_family),
        won=f"{counted(len(best.won), 'case')} won",
        lost=f"{len(best.lost)} lost",
        tokens=None if best.tokens is None else f"{more(ratio(best.tokens))} tokens",
    )
