"""Small measured runs, built directly: what tests of conclusions start from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from promptlab.analysis.compare import Comparison, compare
from promptlab.analysis.measurements import join
from promptlab.core.decision import Rule
from promptlab.core.measured import Ending, MeasuredArm, MeasuredCase, MeasuredRun
from promptlab.core.reasons import Reason
from promptlab.core.results import RunInfo
from promptlab.core.runs import BackendFacts, RunSettings
from promptlab.core.types import Arm, Json, Outcome, Sampling, ScorerSpec

ABSENT = "absent"  # a trial that was never measured; None is one that failed

Cell = float | None | str
Quantities = tuple[float | None, float | None, float | None, float | None]


def measured_arm(
    version: str = "v1",
    *,
    digest: str | None = None,
    practices: tuple[str, ...] = (),
    off: tuple[str, ...] = (),
    backend: str = "small",
    sampling: Sampling | None = None,
) -> MeasuredArm:
    """Return an arm of the template `t`; a version's text has its own digest."""
    on = tuple(name for name in practices if name not in off)
    arm = Arm("t", version, digest or f"sha256:{version}", on, off, backend, sampling or Sampling())
    return MeasuredArm(arm, f"sha256:{backend}")


def versions(number: int = 2) -> list[MeasuredArm]:
    """Return the arms `t@v1`, `t@v2` and so on."""
    return [measured_arm(f"v{place}") for place in range(1, number + 1)]


def measured_run(
    scores: Sequence[Sequence[Cell | Sequence[Cell]]],
    *,
    arms: Sequence[MeasuredArm] | None = None,
    groups: Sequence[str | None] | None = None,
    cases: Sequence[str] | None = None,
    answers: Callable[[int, int, int], int | None] | None = None,
    took: Callable[[int, int], Quantities] = lambda arm, case: (None,) * 4,
    cut_off: Callable[[int, int], bool] = lambda arm, case: False,
    verdicts: bool | None = None,
    number: int = 1,
) -> MeasuredRun:
    """Return a run `r<number>` of scores by arm and case, each a score or one for each repeat.

    `answers` gives the id of the graded answer of an arm, a case and a repeat; by default each is
    its own, in all runs. Scores are verdicts where all are 0 or 1, unless `verdicts` says so.
    """
    table = [[_repeats(cell) for cell in row] for row in scores]
    known = [
        score for row in table for cell in row for score in cell if isinstance(score, float | int)
    ]
    is_verdict = all(score in (0, 1) for score in known) if verdicts is None else verdicts
    fresh = count(number * 1_000_000)
    rows: list[tuple[float | None, ...]] = []
    names = cases or [f"c{place}" for place in range(len(scores[0]))]
    for case in range(len(names)):
        for arm, row in enumerate(table):
            for repeat, score in enumerate(row[case]):
                if isinstance(score, str):
                    continue
                answer = None if score is None else next(fresh)
                if answers is not None:
                    answer = answers(arm, case, repeat)
                verdict = None if score is None else float(is_verdict)
                ending = Ending.TRUNCATED if cut_off(arm, case) else Ending.OK
                place = (arm, case, repeat, Ending.FAILED if score is None else ending)
                rows.append((*place, score, verdict, answer, *took(arm, case)))
    return MeasuredRun(
        info=run_info(len(rows), number=number),
        split="all",
        seed=0,
        repeats=max(len(cell) for row in table for cell in row),
        sequential=None,
        looks=(),
        reused=0,
        scorer=ScorerSpec("exact_match", "exact_match", "1", {}),
        arms=tuple(arms or versions(len(scores))),
        cases=tuple(
            MeasuredCase(name, groups[place] if groups else None, f"sha256:{name}")
            for place, name in enumerate(names)
        ),
        rows=rows,
    )


def run_info(
    stored: int,
    *,
    trials: int | None = None,
    number: int = 1,
    facts: Mapping[str, Json] | None = None,
) -> RunInfo:
    """Return a finished run's entry in a list, with this many stored trials."""
    trials = stored if trials is None else trials
    outcomes = {Outcome.OK: stored}
    dates = ("2026-01-01", "2026-01-02")
    backend_facts = {name: BackendFacts.from_json(value) for name, value in (facts or {}).items()}
    return RunInfo(
        f"r{number}", "s", "finished", trials, False, *dates, RunSettings(), backend_facts, outcomes
    )


def binary_scores(wins: int, losses: int, ties: int = 0) -> list[list[float]]:
    """Return scores of two arms with as many cases that the second wins, loses, and ties."""
    first = [0.0] * wins + [1.0] * losses + [1.0] * ties
    second = [1.0] * wins + [0.0] * losses + [1.0] * ties
    return [first, second]


def with_groups(run: MeasuredRun, groups: Sequence[str | None]) -> MeasuredRun:
    """Return a run whose cases are in these groups."""
    placed = zip(run.cases, groups, strict=True)
    return replace(run, cases=tuple(case._replace(group=group) for case, group in placed))


def _repeats(cell: Cell | Sequence[Cell]) -> Sequence[Cell]:
    return [cell] if cell is None or isinstance(cell, str | float | int) else cell


def texts(reasons: Iterable[Reason]) -> tuple[str, ...]:
    """Return what people read of reasons."""
    return tuple(reason.text for reason in reasons)


CLEAR = binary_scores(20, 2, 18)


def concluded(run: MeasuredRun | Sequence[MeasuredRun], rule: Rule | None = None) -> Comparison:
    runs = [run] if isinstance(run, MeasuredRun) else run
    [comparison] = compare(join(runs), rule or Rule())
    return comparison
