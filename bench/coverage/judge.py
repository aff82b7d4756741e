"""What was said in one run, held against what is true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.coverage.draws import RULE, Drawn, table_of
from promptlab.analysis.compare import Comparison, compare
from promptlab.analysis.contrast import Contrast
from promptlab.core.decision import Rule, Verdict
from promptlab.stats.intervals import Interval

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Told:
    """One row as it was told, and the true difference. `ci` is the interval beside the verdict."""

    truth: float
    delta: float | None
    ci: Interval | None
    verdict: Verdict
    no_worse: bool = False

    @property
    def covered(self) -> bool | None:
        """Say whether the interval holds the truth, None without one."""
        if self.ci is None:
            return None
        return self.ci[0] - ROUNDING <= self.truth <= self.ci[1] + ROUNDING


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run showed: its rows, and further things that happened or not (`marks`)."""

    rows: tuple[Told, ...]
    rule: Rule = RULE
    no_worse: float | None = None
    marks: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def covered(self) -> float | None:
        """Return the share of the intervals that hold the truth."""
        known = [one.covered for one in self.rows if one.covered is not None]
        return sum(known) / len(known) if known else None

    @property
    def at_once(self) -> float | None:
        """Return 1 if all intervals do, 0 if not."""
        known = [one.covered for one in self.rows if one.covered is not None]
        return float(all(known)) if known else None

    @property
    def false(self) -> bool:
        """Say whether the truth contradicts any verdict."""
        return any(false(one, self.rule, self.no_worse) for one in self.rows)

    @property
    def refused(self) -> float | None:
        """Return the share of rows that were refused."""
        if not self.rows:
            return None
        return sum(one.verdict == "refused" for one in self.rows) / len(self.rows)

    @property
    def found(self) -> float | None:
        """Return the share of right verdicts among the rows that have one."""
        least = self.rule.min_effect
        right = {one: _right(one.truth, least) for one in self.rows}
        known = [one.verdict == told for one, told in right.items() if told is not None]
        return sum(known) / len(known) if known else None

    def like(self, other: Seen) -> bool:
        """Say whether another way to conclude said the same of each row, rounding aside."""
        return len(self.rows) == len(other.rows) and all(
            one.verdict == its.verdict
            and one.no_worse == its.no_worse
            and _near((one.delta, *(one.ci or ())), (its.delta, *(its.ci or ())))
            for one, its in zip(self.rows, other.rows, strict=True)
        )

    def contradictions(self) -> Iterator[str]:
        """Describe each row whose interval and verdict contradict each other."""
        for one in self.rows:
            text = contradiction(one.verdict, one.delta, one.ci, self.rule)
            if text is not None:
                yield text


def _near(some: Sequence[float | None], others: Sequence[float | None]) -> bool:
    return len(some) == len(others) and all(
        x == y or (x is not None and y is not None and abs(x - y) <= ROUNDING * max(1, abs(x)))
        for x, y in zip(some, others, strict=True)
    )


def _right(truth: float, least: float) -> Verdict | None:
    if abs(truth) > least + ROUNDING:
        return "better" if truth > 0 else "worse"
    return "equivalent" if abs(truth) < least - ROUNDING else None


def false(one: Told, rule: Rule, no_worse: float | None = None) -> bool:
    """Say whether the truth contradicts a row. At a margin itself nothing may be said of it."""
    least, truth = rule.min_effect, one.truth
    if no_worse is not None and one.no_worse and truth <= -no_worse + ROUNDING:
        return True
    return (
        (one.verdict == "better" and truth <= least + ROUNDING)
        or (one.verdict == "worse" and truth >= -least - ROUNDING)
        or (one.verdict == "equivalent" and abs(truth) >= least - ROUNDING)
    )


def contradiction(
    verdict: Verdict, delta: float | None, ci: Interval | None, rule: Rule
) -> str | None:
    """Say how a verdict contradicts the interval beside it, None if it does not."""
    least = rule.min_effect
    told = f"{verdict}, {delta}, {ci}"
    if verdict == "refused":
        return None
    if ci is None or delta is None:
        return None if verdict == "undecided" else told
    low, high = ci
    if not low - ROUNDING <= delta <= high + ROUNDING:
        return f"{told}: the difference is outside"
    beyond = {
        "better": low >= least - ROUNDING and delta > least,
        "worse": high <= -least + ROUNDING and delta < -least,
        "equivalent": -least - ROUNDING <= low and high <= least + ROUNDING,
    }
    if verdict != "undecided":
        return None if beyond[verdict] else told
    open_ = low <= least + ROUNDING and high >= -least - ROUNDING
    within = least > 0 and -least + ROUNDING < low and high < least - ROUNDING
    return None if open_ and not within else told


def shown(one: Contrast) -> Interval | None:
    """Return the interval that is shown for the verdict: that of the whole family."""
    return getattr(one, "ci_simultaneous", None) or one.ci


def told(one: Contrast, truth: float, no_worse: float | None = None) -> Told:
    """Return a row with its truth."""
    holds = no_worse is not None and one.ci is not None and one.ci[0] > -no_worse
    return Told(truth, one.delta, shown(one), one.verdict, holds and not one.reasons)


def compare_rows(drawn: Drawn) -> list[Comparison]:
    """Go the way of `promptlab compare`: join, estimate, conclude as a family."""
    table = table_of(drawn)
    return compare(table, drawn.rule, baseline=table.arms[0].label if drawn.baseline else None)


def compared(drawn: Drawn) -> Seen:
    """Return what `promptlab compare` says of a run."""
    return seen(drawn, compare_rows(drawn))


def seen(
    drawn: Drawn, rows: Sequence[Comparison], marks: Mapping[str, float | None] | None = None
) -> Seen:
    """Return what was said of a run, with its truth; notes that were told are marks too."""
    return Seen(
        tuple(told(one, truth(drawn, one), drawn.no_worse) for one in rows),
        drawn.rule,
        drawn.no_worse,
        {**marks_of(rows), **(marks or {})},
    )


def marks_of(rows: Iterable[Contrast]) -> dict[str, float | None]:
    """Return which notes were told: 1 for each code that any row has."""
    return {f"told {reason.code}": 1.0 for one in rows for reason in (*one.warnings, *one.reasons)}


def truth(drawn: Drawn, one: Comparison) -> float:
    """Return the true difference of the arms of a row."""
    means = {name: [] for name in (one.a, one.b)}  # type: dict[str, list[float]]
    for arm, mean in zip(drawn.measured_arms, drawn.means, strict=True):
        if arm.arm.prompt in means and one.backend in (None, arm.arm.backend):
            means[arm.arm.prompt].append(mean)
    return float(np.mean(means[one.b]) - np.mean(means[one.a]))
