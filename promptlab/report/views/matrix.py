"""Cases and arms as a table of plain data: what each arm scored on each case, flips first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from promptlab.analysis.case_page import CasePage, known
from promptlab.analysis.grid import Grid
from promptlab.analysis.measurements import JoinedArm
from promptlab.core.digest import TAG, arm_digest
from promptlab.core.measured import CaseContent, CellTrial, MeasuredCase
from promptlab.core.types import Arm, Json, Outcome
from promptlab.report.wording import UNKNOWN, counted, mean

PASSED, FAILED = "✓", "✗"
_SIGNS = {PASSED: "passed", FAILED: "failed", UNKNOWN: "no score"}
_SAME_ID = 6  # characters of a case's digest that tell it from others of its id


@dataclass(frozen=True, slots=True)
class MatrixArm:
    """A column: its label in these runs, and the digest that its cells are known by in links."""

    label: str
    digest: str
    arm: Arm
    is_rate: bool


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One arm on one case.

    `score` is what `compare` counts for the case, None where no trial has a score; `passed` is None
    unless every score is a verdict and all repeats have the same. `outcomes` counts how its trials
    ended; there is none of an arm that was not measured on the case.
    """

    score: float | None
    passed: bool | None
    outcomes: Mapping[Outcome, int]
    trials: tuple[CellTrial, ...]

    @property
    def outcome(self) -> Outcome | None:
        """Return how all of its trials ended, None if they ended otherwise than one another."""
        return next(iter(self.outcomes)) if len(self.outcomes) == 1 else None


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One case, with a cell for each arm. `part` stands for it in links: see `MatrixView.link`."""

    case_id: str
    part: str
    group: str | None
    tags: tuple[str, ...]
    vars: Mapping[str, Json]
    expected: Json
    flips: bool
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True, slots=True)
class MatrixView:
    """The table: cases that flip first, then in the order of the suite.

    `rows` may be the first of `cases`, of which `flips` flip.
    """

    run_ids: tuple[str, ...]
    scorer: str
    arms: tuple[MatrixArm, ...]
    rows: tuple[MatrixRow, ...]
    cases: int
    flips: int

    @property
    def title(self) -> str:
        """Return what the table shows, and how many of its cases flip."""
        flips = "1 flips" if self.flips == 1 else f"{self.flips:,} flip"
        return f"{self.scorer}: {counted(self.cases, 'case')}, of which {flips}"

    @property
    def more(self) -> bool:
        """Return whether there are cases that no row shows."""
        return len(self.rows) < self.cases

    def link(self, row: MatrixRow, arm: MatrixArm) -> str:
        """Return the part of an address that means a cell; it survives new runs and labels."""
        return f"{row.part}--{arm.digest}"


def matrix_view(grid: Grid) -> MatrixView:
    """Return the view of a table of cases and arms."""
    table, layout = grid.table, grid.layout
    places = layout.arms
    arms = tuple(_arms([table.arms[at] for at in places]))
    ids = Counter(case.id for case in table.cases)
    rows = []
    for at in layout.cases:
        case = table.cases[at]
        cells = (_cell(table.arms[arm], at, grid.trials.get((arm, at), ())) for arm in places)
        rows.append(
            _row(
                case,
                grid.contents[case.digest],
                bool(layout.flips[at]),
                tuple(cells),
                alone=ids[case.id] == 1,
            )
        )
    return MatrixView(
        run_ids=grid.run_ids,
        scorer=table.scorer.label,
        arms=arms,
        rows=tuple(rows),
        cases=layout.cases_in_all,
        flips=layout.flips_in_all,
    )


def page_of_matrix(page: CasePage) -> MatrixView:
    """Return the view of some cases of a run, in their order, as if they were the whole table."""
    counted, complete = page.scores()
    flips, by_cell = page.flips(), page.by_cell()
    places = range(len(page.arms))
    named = zip(page.arms, page.labels, strict=True)
    columns = [
        (label, measured.arm, measured.backend_digest, place in page.verdicts)
        for place, (measured, label) in enumerate(named)
    ]
    rows = []
    for at, case in enumerate(page.cases):
        cells = (
            _scored(
                known(float(counted[arm, at]), float(complete[arm, at])),
                by_cell.get((arm, at), ()),
                is_verdict=arm in page.verdicts,
            )
            for arm in places
        )
        alone = case.id not in page.several
        rows.append(_row(case, page.contents[case.digest], flips[at], tuple(cells), alone=alone))
    return MatrixView(
        run_ids=(page.run_id,),
        scorer=page.scorer.label,
        arms=tuple(_columns(columns)),
        rows=tuple(rows),
        cases=len(rows),
        flips=sum(flips),
    )


def _row(
    case: MeasuredCase,
    content: CaseContent,
    flips: bool,
    cells: tuple[MatrixCell, ...],
    *,
    alone: bool,
) -> MatrixRow:
    return MatrixRow(
        case_id=case.id,
        part=case_part(case, alone=alone),
        group=case.group,
        tags=case.tags,
        vars=content.vars,
        expected=content.expect,
        flips=flips,
        cells=cells,
    )


def mark(cell: MatrixCell, arm: MatrixArm) -> str:
    """Return what stands for a cell: a sign for a verdict, a number for a score, or the outcome."""
    if not cell.trials:
        return ""
    if cell.score is None:
        return Outcome.ERROR.value if cell.outcome is Outcome.ERROR else UNKNOWN
    if cell.passed is not None:
        return PASSED if cell.passed else FAILED
    return f"{cell.score * 100:.0f} %" if arm.is_rate else mean(cell.score, is_rate=False)


def legend(marks: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a line on the signs that a table has."""
    used = {each for line in marks for each in line}
    parts = [f"{sign} {meaning}" for sign, meaning in _SIGNS.items() if sign in used]
    if "" in used:
        parts.append("empty: not measured")
    if parts:
        yield ", ".join(parts)


def case_part(case: MeasuredCase, *, alone: bool = True) -> str:
    """Return what stands for a case in a link: its id, percent-encoded where that is needed.

    Where it is not `alone`, other cases have its id: the beginning of its digest follows.
    """
    part = quote(case.id, safe="").replace("~", "%7E")
    return part if alone else f"{part}~{case.digest.removeprefix(TAG)[:_SAME_ID]}"


def _arms(arms: Sequence[JoinedArm]) -> Iterator[MatrixArm]:
    columns = [
        (arm.label, arm.arm, arm.settings[0].backend_digest, arm.cells.is_verdict) for arm in arms
    ]
    return _columns(columns)


def _columns(columns: Sequence[tuple[str, Arm, str, bool]]) -> Iterator[MatrixArm]:
    """Yield columns by label, arm, digest of the backend, and whether all scores are verdicts."""
    several = len({arm.backend for _, arm, _, _ in columns}) > 1
    seen: Counter[tuple[object, ...]] = Counter()
    for label, arm, backend, is_verdict in columns:
        known_by = (arm.digest, arm.off, backend)
        digest = arm_digest(*known_by, place=seen[known_by])
        seen[known_by] += 1
        yield MatrixArm(f"{label} on {arm.backend}" if several else label, digest, arm, is_verdict)


def _cell(arm: JoinedArm, case: int, trials: Sequence[CellTrial]) -> MatrixCell:
    score = known(float(arm.cells.score[case]), float(arm.cells.complete[case]))
    return _scored(score, trials, is_verdict=arm.cells.is_verdict)


def _scored(score: float | None, trials: Sequence[CellTrial], *, is_verdict: bool) -> MatrixCell:
    outcomes = dict(Counter(trial.outcome for trial in trials))
    passed = {0.0: False, 1.0: True}.get(score) if score is not None and is_verdict else None
    return MatrixCell(score, passed, outcomes, tuple(trials))
