"""What is stored of two versions: how they compare, and the cases that flipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from promptlab.analysis.compare import Comparison
from promptlab.analysis.measurements import Measurements, join, only_text
from promptlab.analysis.pair import PairResults
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.flips import Flip
from promptlab.core.measured import MeasuredRun
from promptlab.core.reasons import Reason
from promptlab.core.types import Arm, TemplateSource
from promptlab.core.wanted import ResultFilter
from promptlab.store import Store
from promptlab.templates.past import label_of
from promptlab.workbench.bench import Workbench
from promptlab.workbench.current import current_suite
from promptlab.workbench.evidence import more_stored
from promptlab.workbench.ledger import compared
from promptlab.workbench.stored import Current, note_on, stored_evidence

_Key = tuple[str, str]
"""A backend and a case."""


@dataclass(frozen=True, slots=True)
class Side:
    """A text, and the runs that measured it, possibly under another name."""

    text: TemplateSource
    runs: tuple[MeasuredRun, ...]

    @property
    def name(self) -> str:
        """Return the name of the text's arms with all of its practices."""
        return f"{self.text.name}@{label_of(self.text.version)}"

    @property
    def arms(self) -> list[Arm]:
        """Return the arms of the text with all of its practices, one per run and backend."""
        arms = (measured.arm for run in self.runs for measured in run.arms)
        return [arm for arm in arms if arm.digest == self.text.digest and not arm.off]

    @property
    def alone(self) -> Iterator[MeasuredRun]:
        """Return what the runs measured of the text, and of nothing else."""
        for run in self.runs:
            if any(measured.arm.digest == self.text.digest for measured in run.arms):
                yield only_text(run, self.text)


_Pair = tuple[Side, Side]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a version answered to a case, and its score."""

    output: str | None
    score: float | None


def measured(
    bench: Workbench, a: TemplateSource, b: TemplateSource, case_id: str | None
) -> PairResults:
    """Compare two measured texts; cases that flipped have lost ones first.

    All that is stored of the newest run of both counts, as for `compare`. With `case_id`, return
    only that case, flipped or not.
    """
    if not bench.has_database:
        return PairResults()
    rule = bench.project.rule
    with bench.open_store() as store:
        found = _sides(store, a, b, partial(current_suite, bench))
        comparisons = compared_pair(store, *found[0], rule) if found is not None else ()
        if found is None or not comparisons:
            return PairResults()
        sides, notes = found
        flipped = {
            case for comparison in comparisons for case in (*comparison.won, *comparison.lost)
        }
        wanted = flipped if case_id is None else {case_id}
        first, second = (_answers(store, side, wanted) for side in sides)
    runs = tuple(side.runs[0].info.run_id for side in sides)
    return PairResults(comparisons, _flips(first, second), notes, rule, runs)


def _sides(
    store: Store, a: TemplateSource, b: TemplateSource, current: Current
) -> tuple[_Pair, tuple[Reason, ...]] | None:
    """Find the runs of both texts, or else the newest one of each, with notes on the choice.

    None if there is none, or if they were graded by different scorers.
    """
    together = store.newest_run_of((a.digest, b.digest))
    if together is not None:
        newest = store.measured(together)
        runs = tuple(stored_evidence(store, newest, current))
        pair = Side(a, runs), Side(b, runs)
        note = note_on(runs, newest)
        return pair, tuple(_wider(store, *pair)) if note is None else (note,)
    run_a, run_b = (store.newest_run_of((text.digest,)) for text in (a, b))
    if run_a is None or run_b is None:
        return None
    first = store.measured(run_a)
    try:
        second = store.measured(run_b, first.scorer.label)
    except PromptlabError:  # it was graded by other scorers
        return None
    pair = Side(a, (first,)), Side(b, (second,))
    return pair, tuple(_wider(store, *pair))


def _wider(store: Store, a: Side, b: Side) -> Iterator[Reason]:
    """Yield a note for each run with more cases of the same texts than the one that is shown."""
    digests = (a.text.digest, b.text.digest)
    shown: dict[str, tuple[str, ...]] = {a.runs[0].info.run_id: digests}
    if b.runs[0].info.run_id not in shown:
        shown = {side.runs[0].info.run_id: (side.text.digest,) for side in (a, b)}
    for run_id, texts in shown.items():
        wider = store.wider_run(run_id, texts)
        if wider is not None:
            yield more_stored(wider, f"`promptlab compare {wider.run_id}` has those")


def compared_pair(store: Store, a: Side, b: Side, rule: Rule) -> Sequence[Comparison]:
    """Return the rows about two texts of the family that `compare` concludes on.

    Texts of the same runs are a pair of theirs; one of another run is the baseline of this one's.
    Pairs that a run which stops arms early did not declare stand alone, and are refused.
    """
    together = a.runs == b.runs
    family = join(a.runs if together else [*b.runs, *a.alone])
    alone = join([*a.alone, *b.alone])
    for table in (family, alone):
        first, second = _label(table, a), _label(table, b)
        baseline = first if table is alone or not together else None
        try:
            rows = compared(store, (table,), rule, baseline=baseline, toward=second)
        except PromptlabError:  # they have no backend in common
            continue
        if found := [row for row in rows if (row.a, row.b) == (first, second)]:
            return found
    return ()


def _label(table: Measurements, side: Side) -> str:
    """Return the label of a text with all of its practices, in a table that has it.

    The version itself is preferred to a copy of its text under another name.
    """
    arms = [arm for arm in table.arms if arm.arm.digest == side.text.digest and not arm.arm.off]
    return min(arms, key=lambda arm: arm.arm.prompt != side.name).label


def _answers(store: Store, side: Side, cases: set[str]) -> Mapping[_Key, _Answer]:
    """Read a version's first answer to each of these cases, by backend."""
    answers: dict[_Key, _Answer] = {}
    if not cases:
        return answers
    labels = {arm.label for arm in side.arms}
    names = {(arm.template, arm.version) for arm in side.arms}
    wanted = ResultFilter(cases=tuple(cases), templates=tuple(names))
    for run in side.runs:
        with closing(store.results(run.info.run_id, wanted)) as results:
            for row in results:
                if row.scorer == run.scorer.label and row.arm in labels:
                    answers.setdefault((row.backend, row.case_id), _Answer(row.output, row.score))
    return answers


def _flips(a: Mapping[_Key, _Answer], b: Mapping[_Key, _Answer]) -> list[Flip]:
    """Pair both answers, sorted by how much the score changed, losses first."""
    flips = [
        Flip(key[1], a[key].score, b[key].score, a[key].output, b[key].output, key[0])
        for key in a
        if key in b
    ]
    if len({flip.backend for flip in flips}) == 1:
        flips = [replace(flip, backend=None) for flip in flips]
    return sorted(flips, key=lambda flip: (flip.score_b or 0.0) - (flip.score_a or 0.0))
