"""A run for a pull request: how each arm scored and ended, or its table of cases and arms."""

from __future__ import annotations

from promptlab.core.markup import code, figure, prose
from promptlab.report.markdown.text import bullets, joined, passage, strong, table
from promptlab.report.views.asked import question_of
from promptlab.report.views.matrix import MatrixView, legend, mark
from promptlab.report.views.run import RunView, ScoreTable, money
from promptlab.report.wording import counted, mean, mean_interval, quantity


def run_markdown(view: RunView) -> str:
    """Return how each arm scored, by scorer, and how its trials ended and what they took."""
    run = view.run
    return joined(
        [
            strong(f"Run {run.run_id} of {run.suite}, {run.status}"),
            *(_scores(scores) for scores in view.tables),
            _outcomes(view),
        ]
    )


def matrix_markdown(view: MatrixView) -> str:
    """Return the table of cases and arms, those that flip first."""
    marks = [
        [mark(cell, arm) for cell, arm in zip(row.cells, view.arms, strict=True)]
        for row in view.rows
    ]
    head = ["case", "asked", *(code(arm.label) for arm in view.arms)]
    rows = [
        [code(row.case_id), passage(question_of(row.vars)), *map(figure, line)]
        for row, line in zip(view.rows, marks, strict=True)
    ]
    left = view.cases - len(view.rows)
    more = [f"{counted(left, 'more case')}: -n N shows N of them"] if left else []
    return joined(
        [strong(view.title), table(head, rows, right=2), bullets([*legend(marks), *more])]
    )


def _scores(scores: ScoreTable) -> str:
    if not scores.rows:
        return f"{prose(scores.title)}: nothing is scored yet\n"
    rows = [
        [
            code(arm.name),
            str(score.n),
            figure(mean(score.mean, is_rate=score.is_rate)),
            figure(mean_interval(score.low, score.high, is_rate=score.is_rate)),
        ]
        for arm, score in scores.rows
    ]
    notes = []
    if scores.failed:
        notes.append(f"{scores.scorer} failed on {counted(scores.failed, 'output')}")
    if scores.order_agreement is not None:
        notes.append(f"{scores.scorer}: {scores.order_agreement}.")
    if scores.without_scores is not None:
        notes.append(scores.without_scores)
    if scores.in_groups:
        notes.append("The cases come in groups: these intervals allow for it.")
    head = ["arm", "n", "mean", "95 % interval"]
    return joined([f"{prose(scores.title)}\n", table(head, rows), bullets(notes)])


def _outcomes(view: RunView) -> str:
    outcomes = [outcome for outcome, count in view.outcomes.items() if count]
    head = ["arm", "trials", *(each.value for each in outcomes), "tokens in", "out", "latency s"]
    head += ["USD"] if view.has_cost else []
    rows = [
        [
            code(arm.name),
            str(arm.trials),
            *(str(arm.outcomes[each]) for each in outcomes),
            figure(quantity(arm.input_tokens.mean)),
            figure(quantity(arm.output_tokens.mean)),
            figure(quantity(arm.latency_s.mean, 2)),
            *([money(arm)] if view.has_cost else []),
        ]
        for arm in view.arms
    ]
    return joined(["Outcomes, and a trial's mean\n", table(head, rows)])
