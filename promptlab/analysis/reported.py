"""What a report is made of: what runs show, the cases behind it, the texts, how it came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from promptlab.analysis.basis import Basis
from promptlab.analysis.compare import Comparison
from promptlab.analysis.grid import Grid
from promptlab.analysis.hunk_flips import FlipsByHunk
from promptlab.analysis.practices import Practices
from promptlab.core.decision import Rule
from promptlab.core.looks import PastFamily
from promptlab.core.results import RunResults
from promptlab.core.shown import ShownTrial, Tallies
from promptlab.templates.diff import VersionDiff

TrialKey = tuple[str, int]
"""A run and the place of a trial in its plan."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Cases of joined runs with every trial of theirs, and how many cases there are in all."""

    grid: Grid
    trials: Mapping[TrialKey, ShownTrial]
    tallies: Tallies


@dataclass(frozen=True, slots=True)
class TextStep:
    """Two versions of a template, the second made from the first, and the cases that it flipped.

    `won` and `lost` are ids of cases that the second scores higher or lower, on any backend that
    ran both; `hunks` are the same changes one by one, with the cases that flipped where one alone
    changed.
    """

    diff: VersionDiff
    won: tuple[str, ...]
    lost: tuple[str, ...]
    hunks: FlipsByHunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """The contents of a report, as values.

    `incomparable` says why there are no `comparisons`; `practices` is None where no design tells
    them apart. `earlier` are further runs of the same suites, newest first; `labels` are name,
    version and digest of every text that was run, oldest first. `cases` is a digest of all cases.
    `words` are those after `compare` that lead to the same conclusions, `versions` those of the
    programs that made the report.
    """

    basis: Basis
    rule: Rule
    comparisons: Sequence[Comparison]
    incomparable: str | None
    practices: Practices | None
    runs: tuple[RunResults, ...]
    earlier: tuple[RunResults, ...]
    labels: Sequence[tuple[str, str, str]]
    shown: Shown
    steps: tuple[TextStep, ...]
    ledgers: Mapping[str, Sequence[PastFamily]]
    cases: str
    words: tuple[str, ...]
    versions: Mapping[str, str]
