"""Notes about a side say which arm and, where there are several, on which backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from promptlab.analysis.compare import compare
from promptlab.analysis.measurements import join
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.measured import MEASURED, MeasuredRun
from promptlab.core.types import ScorerSpec

from .measured_runs import ABSENT, Cell, binary_scores, measured_run, run_info

N = 60
LABEL = ScorerSpec("label", "label", "2", {})


def on_two_backends(run: MeasuredRun) -> MeasuredRun:
    """Return a run whose arms did on a second backend what they did on theirs."""
    there = tuple(replace(arm, arm=replace(arm.arm, backend="large")) for arm in run.arms)
    rows = [*run.rows, *(((row[0] or 0) + len(run.arms), *row[1:]) for row in run.rows)]
    return replace(run, arms=(*run.arms, *there), rows=rows, info=run_info(len(rows)))


def with_columns(run: MeasuredRun, **values: Callable[[int, int], float]) -> MeasuredRun:
    rows = []
    for row in run.rows:
        whole = [*row, *[None] * (len(MEASURED) - len(row))]
        for name, value in values.items():
            whole[MEASURED.index(name)] = value(int(row[0] or 0), int(row[1] or 0))
        rows.append(tuple(whole))
    return replace(run, rows=rows, scorer=LABEL, readings={1: "red", 2: "blue"})


def cut_off() -> MeasuredRun:
    return measured_run(binary_scores(40, 12, 48), cut_off=lambda arm, case: arm == 0 and case < 40)


def nothing_to_grade() -> MeasuredRun:
    """Return a run in which the better arm, too, has answers without a label, though fewer."""
    scores = [
        [float(not case % 4) for case in range(N)],
        [float(case % 9 > 0) for case in range(N)],
    ]
    return with_columns(
        measured_run(scores),
        gradable=lambda arm, case: float(case % 9 > 0 if arm else not case % 4),
    )


def one_answer() -> MeasuredRun:
    scores = [[float(case % 2) for case in range(N)], [float(case % 5 > 0) for case in range(N)]]
    return with_columns(
        measured_run(scores),
        found=lambda arm, case: 1.0 if not arm or case % 2 == (case % 5 > 0) else 2.0,
        expected=lambda arm, case: 1.0 if case % 2 else 2.0,
    )


def ceiling_and_floor() -> MeasuredRun:
    return measured_run([[0.0] * N, [1.0] * N])


def a_case_alone() -> MeasuredRun:
    first: list[Cell] = [*binary_scores(20, 2, 38)[0]]
    first[-1] = ABSENT
    return measured_run([first, binary_scores(20, 2, 38)[1]])


RUNS = (
    (cut_off(), {Code.ANSWERS_CUT_OFF, Code.TIPPING_POINT}),
    (nothing_to_grade(), {Code.DIFFERENCE_IN_FORM, Code.ANSWERS_SAY_NOTHING}),
    (one_answer(), {Code.CONSTANT_ANSWER}),
    (ceiling_and_floor(), {Code.AT_THE_CEILING, Code.AT_THE_FLOOR}),
    (a_case_alone(), {Code.LONE_CASES}),
)


def test_every_note_about_a_side_is_looked_at() -> None:
    looked_at = set().union(*(codes for _, codes in RUNS)) - {Code.CONSTANT_ANSWER}
    assert looked_at == {code for code in Code if {"arms", "backends"} <= {*code.about}}


@pytest.mark.parametrize(("run", "codes"), RUNS)
def test_a_note_names_its_backend_where_there_are_several(
    run: MeasuredRun, codes: set[Code]
) -> None:
    [alone] = compare(join([run]), Rule())
    said = [reason for reason in alone.warnings if reason.code in codes]
    assert {reason.code for reason in said} == codes
    assert not [reason.text for reason in said if "small" in reason.text]

    places = {"small": "on small", "large": "on large", None: "on all backends"}
    comparisons = compare(join([on_two_backends(run)]), Rule())
    assert {comparison.backend for comparison in comparisons} == {*places}
    for comparison in comparisons:
        said = [reason for reason in comparison.warnings if reason.code in codes]
        told = {reason.code for reason in said}
        assert told == codes if comparison.backend else told  # together, less tips a verdict
        for reason in said:
            [arm] = reason.arms
            where = [places[comparison.backend]]
            if reason.code is Code.CONSTANT_ANSWER and comparison.backend is None:
                where = ["on small", "on large"]  # each arm is looked at by itself
            assert any(f"{arm} {place}" in reason.text for place in where), reason.text
