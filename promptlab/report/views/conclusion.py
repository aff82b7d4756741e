"""What several comparisons come to: the clearest as a sentence, in parts, or that none is decided.

Who names the best of several has chosen it: the sentence says so, and names those that may be as
good (STATISTICS: selection). Its interval holds for all comparisons together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from promptlab.analysis.compare import Comparison
from promptlab.core.decision import Rule, Verdict
from promptlab.report.views.causes import what_moved
from promptlab.report.views.contrast import family_size, ratio
from promptlab.report.views.names import Names
from promptlab.report.wording import (
    bounds,
    counted,
    difference,
    level,
    listed,
    more,
    p_equation,
    size,
    verdict_word,
)

_NAMED = 3  # of the arms that may be as good


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
    margin: str
    best_of: int | None
    as_good: tuple[str, ...]
    moved: str | None

    @property
    def sentence(self) -> str:
        """Return the parts as one sentence."""
        place = "" if self.place is None else f" {self.place}"
        moved = "" if self.moved is None else f"; {self.moved}"
        tokens = "" if self.tokens is None else f"; {self.tokens}"
        return (
            f"{self.b} is {self.verdict} than {self.a}{self.margin}{place}: {self.delta},"
            f" {self.level} {self.interval}, {self.p}; {self.won}, {self.lost}{moved}{tokens}."
            f"{self._selection}"
        )

    @property
    def _selection(self) -> str:
        """Return that the arm was chosen, from how many, and which others may be as good."""
        if self.best_of is None:
            return ""
        chosen = f" It is the best of {self.best_of} on these cases: expect less on new ones."
        if not self.as_good:
            return chosen
        names = listed(self.as_good, _NAMED)
        return f"{chosen} Between it and {names} nothing is decided."


def clearest(comparisons: Sequence[Comparison]) -> Comparison | None:
    """Return the comparison that a conclusion is about, preferring all backends to one.

    None if none is decided, and for groups and tags.
    """
    decided = [
        comparison for comparison in comparisons if comparison.verdict in ("better", "worse")
    ]
    if not decided or any(comparison.part is not None for comparison in comparisons):
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
    reduced = "" if best.reduced is None else f"{best.reduced} "
    return Conclusion(
        b=names.short(best.b),
        verdict=best.verdict,
        a=names.short(best.a),
        place=names.apart(best),
        delta=f"{reduced}{difference(best.delta, is_rate=best.is_rate)}{unit}",
        level=level(best.alpha(rule), family_size([best])).removesuffix("s"),
        interval=bounds(best.ci_simultaneous, is_rate=best.is_rate),
        p=p_equation(best.p_family),
        won=f"{counted(len(best.won), 'case')} won",
        lost=f"{len(best.lost)} lost",
        tokens=None if best.tokens is None else f"{more(ratio(best.tokens))} tokens",
        margin=_margin(rule, is_rate=best.is_rate),
        best_of=_chosen_from(best, comparisons),
        as_good=tuple(names.short(name) for name in _as_good(best, comparisons)),
        moved=what_moved(best, names.short),
    )


def headline(concluded: Conclusion | None, comparisons: Sequence[Comparison], names: Names) -> str:
    """Return the conclusion, or how many comparisons ended without one."""
    if concluded is not None:
        return concluded.sentence
    counts = Counter(comparison.verdict for comparison in comparisons)
    if len(comparisons) == 1:
        [only] = comparisons
        pair = f"{names.short(only.b)} against {names.short(only.a)}"
        return f"{pair}: {verdict_word(only.verdict)}{_why(only)}."
    parts = [f"{count} {verdict_word(verdict)}" for verdict, count in counts.items()]
    return f"Of {len(comparisons)} comparisons: {', '.join(parts)}."


def _margin(rule: Rule, *, is_rate: bool) -> str:
    return f" by more than {size(rule.min_effect, is_rate=is_rate)}" if rule.min_effect else ""


def _why(comparison: Comparison) -> str:
    return f" ({comparison.reason})" if comparison.reason else ""


def _chosen_from(best: Comparison, comparisons: Sequence[Comparison]) -> int | None:
    """Return from how many arms a better one was chosen, None if there was no choice."""
    rivals = [
        comparison
        for comparison in comparisons
        if best.a in (comparison.a, comparison.b) and comparison.backend == best.backend
    ]
    return len(rivals) if best.verdict == "better" and len(rivals) > 1 else None


def _as_good(best: Comparison, comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Yield the arms that are better than the same one, and undecided against the best."""
    better = {
        comparison.b
        for comparison in comparisons
        if comparison.a == best.a
        and comparison.backend == best.backend
        and comparison.verdict == "better"
    }
    for comparison in comparisons:
        pair = {comparison.a, comparison.b}
        open_between = comparison.backend == best.backend and comparison.verdict == "undecided"
        if open_between and best.b in pair:
            yield from sorted((pair - {best.b}) & better)
