"""Which cases flipped where one hunk of a template alone changed: hunks joined with results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from promptlab.analysis.conclude import without_rounding
from promptlab.analysis.measurements import JoinedArm, Measurements
from promptlab.core.decision import Rule
from promptlab.templates.changes import Change

_ALIKE = 1e-9  # sums of differences of scores that differ by less do so by rounding


@dataclass(frozen=True, slots=True)
class Flipped:
    """Two texts on the same cases of one backend: the ids of those that `b` won and lost.

    `deltas` has, by the digest of every case that both have, its id and by how much its score
    changed. `runs` are where the two were measured.
    """

    a: str
    b: str
    backend: str
    scorer: str
    runs: tuple[str, ...]
    won: tuple[str, ...]
    lost: tuple[str, ...]
    deltas: Mapping[str, tuple[str, float]]

    @property
    def cases(self) -> int:
        """Return on how many cases both were measured."""
        return len(self.deltas)


@dataclass(frozen=True, slots=True)
class HunkFlips:
    """A hunk, and the cases that flipped where it alone changed, by backend; empty: not measured.

    Each is a pair of texts that differ in nothing else.
    """

    change: Change
    flips: tuple[Flipped, ...] = ()

    @property
    def won(self) -> tuple[str, ...]:
        """Return the cases won on any backend."""
        return tuple(dict.fromkeys(case for each in self.flips for case in each.won))

    @property
    def lost(self) -> tuple[str, ...]:
        """Return the cases lost on any backend."""
        return tuple(dict.fromkeys(case for each in self.flips for case in each.lost))


@dataclass(frozen=True, slots=True)
class FlipsByHunk:
    """The hunks from text `a` to text `b`, and `pair`: what flipped between these two, by backend.

    `separate` is the command that measures the hunks apart which were not; `restore` are texts
    without a file, which it needs first.
    """

    a: str = ""
    b: str = ""
    file: str = ""
    hunks: tuple[HunkFlips, ...] = ()
    pair: tuple[Flipped, ...] = ()
    separate: str | None = None
    restore: tuple[str, ...] = ()

    @property
    def loud(self) -> tuple[HunkFlips, ...]:
        """Return the hunks that an answer may depend on."""
        return tuple(hunk for hunk in self.hunks if not hunk.change.silent)

    @property
    def missing(self) -> tuple[HunkFlips, ...]:
        """Return those of them that were never measured alone."""
        return tuple(hunk for hunk in self.loud if not hunk.flips)

    @property
    def is_measured(self) -> bool:
        """Return whether anything is known of the pair or of one of its hunks."""
        return bool(self.pair) or any(hunk.flips for hunk in self.hunks)

    @property
    def odd(self) -> tuple[str, ...]:
        """Return the cases on which the hunks, one by one, do not add up to the pair."""
        found = (case for each in self.pair for case in self._odd_on(each))
        return tuple(dict.fromkeys(found))

    def _odd_on(self, pair: Flipped) -> Iterator[str]:
        parts = [
            next((each for each in hunk.flips if each.backend == pair.backend), None)
            for hunk in self.loud
        ]
        for digest, (case, delta) in pair.deltas.items():
            known = [None if part is None else part.deltas.get(digest) for part in parts]
            if None not in known:
                total = sum(change for _, change in filter(None, known))
                if abs(total - delta) > _ALIKE:
                    yield case


def flipped(
    table: Measurements, a: JoinedArm, b: JoinedArm, rule: Rule, names: tuple[str, str]
) -> Flipped | None:
    """Return how the score of each case changed from one arm to another; None if they share none.

    Repeats of a case are reduced as the suite says. As in a comparison, differences that do not
    matter by the rule are neither won nor lost.
    """
    before, after = a.cells.score, b.cells.score
    shared = np.flatnonzero(~np.isnan(before) & ~np.isnan(after))
    if not shared.size:
        return None
    before, after = before[shared], after[shared]
    d = without_rounding(after - before, np.maximum(np.abs(before), np.abs(after)))
    cases = [table.cases[place] for place in shared]
    return Flipped(
        *names,
        backend=a.arm.backend,
        scorer=table.scorer.label,
        runs=tuple(dict.fromkeys(run.info.run_id for run in table.runs)),
        won=tuple(cases[place].id for place in np.flatnonzero(d > rule.min_effect)),
        lost=tuple(cases[place].id for place in np.flatnonzero(d < -rule.min_effect)),
        deltas={
            case.digest: (case.id, float(change)) for case, change in zip(cases, d, strict=True)
        },
    )
