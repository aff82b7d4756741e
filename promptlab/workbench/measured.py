"""What is stored of two versions: how they compare, and the cases that flipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from promptlab.analysis.compare import Comparison
from promptlab.analysis.measurements import Measurements, join, only_text
from promptlab.analysis.pair import PairResults
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.measured import MeasuredRun
from promptlab.core.reasons import Reason
from promptlab.core.types import Arm, TemplateSource
from promptlab.core.wanted import ResultFilter
from promptlab.store import Store
from promptlab.templates.diff import Flip
from promptlab.templates.past import label_of
from promptlab.workbench.bench import Workbench
from promptlab.workbench.evidence import more_stored
from promptlab.workbench.ledger import compared

_Key = tuple[str, str]
"""A backend and a case."""


@dataclass(frozen=True, slots=True)
class Side:
    """A text, and a run that measured it, possibly under another name."""

    text: TemplateSource
    run: MeasuredRun

    @property
    def name(self) -> str:
        """Return the name of the text's arms with all of its practices."""
        return f"{self.text.name}@{label_of(self.text.version)}"

    @property
    def arms(self) -> list[Arm]:
        """Return the arms of the text with all of its practices, one per backend."""
        arms = (measured.arm for measured in self.run.arms)
        return [arm for arm in arms if arm.digest == self.text.digest and not arm.off]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a version answered to a case, and its score."""

    output: str | None
    score: float | None


def measured(
    bench: Workbench, a: TemplateSource, b: TemplateSource, case_id: str | None
) -> PairResults:
    """Compare two measured texts; cases that flipped have lost ones first.

    With `case_id`, return only that case, flipped or not.
    """
    if not bench.has_database:
        return PairResults()
    rule = bench.project.rule
    with bench.open_store() as store:
        sides = _sides(store, a, b)
        comparisons = compared_pair(store, *sides, rule) if sides is not None else ()
        if sides is None or not comparisons:
            return PairResults()
        flipped = {
            case for comparison in comparisons for case in (*comparison.won, *comparison.lost)
        }
        wanted = flipped if case_id is None else {case_id}
        first, second = (_answers(store, side, wanted) for side in sides)
        notes = tuple(_wider(store, *sides))
    runs = tuple(side.run.info.run_id for side in sides)
    return PairResults(comparisons, _flips(first, second), notes, rule, runs)


def _sides(store: Store, a: TemplateSource, b: TemplateSource) -> tuple[Side, Side] | None:
    """Find the newest run of both texts, or else the newest one of each; None if there is none."""
    together = store.newest_run_of((a.digest, b.digest))
    run_a, run_b = (together or store.newest_run_of((text.digest,)) for text in (a, b))
    if run_a is None or run_b is None:
        return None
    first = store.measured(run_a)
    try:
        second = store.measured(run_b, first.scorer.label)
    except PromptlabError:  # it was graded by other scorers
        return None
    return Side(a, first), Side(b, second)


def _wider(store: Store, a: Side, b: Side) -> Iterator[Reason]:
    """Yield a note for each run with more cases of the same texts than the one that is shown."""
    digests = (a.text.digest, b.text.digest)
    shown: dict[str, tuple[str, ...]] = {a.run.info.run_id: digests}
    if b.run.info.run_id not in shown:
        shown = {side.run.info.run_id: (side.text.digest,) for side in (a, b)}
    for run_id, texts in shown.items():
        wider = store.wider_run(run_id, texts)
        if wider is not None:
            yield more_stored(wider, f"`promptlab compare {wider.run_id}` has those")


def compared_pair(store: Store, a: Side, b: Side, rule: Rule) -> Sequence[Comparison]:
    """Return the rows about two texts of the family that `compare` concludes on.

    Texts of one run are a pair of that run; a text of another run is the baseline of this one's.
    Pairs that a run which stops arms early did not declare stand alone, and are refused.
    """
    together = a.run.info.run_id == b.run.info.run_id
    family = join([a.run] if together else [b.run, only_text(a.run, a.text)])
    alone = join([only_text(side.run, side.text) for side in (a, b)])
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
    with closing(store.results(side.run.info.run_id, wanted)) as results:
        for row in results:
            if row.scorer == side.run.scorer.label and row.arm in labels:
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
