"""Score by version over all runs of a suite, and by round of a conversation."""

from __future__ import annotations

from functools import partial

from promptlab.report.html.page.arms import interval
from promptlab.report.html.page.context import CELLS, Context
from promptlab.report.html.page.markup import Child, Html, tag
from promptlab.report.html.page.tables import section, table
from promptlab.report.views.past_scores import History, PastScore, Rounds, RoundScore
from promptlab.report.wording import mean


def history_section(context: Context, chart: Html) -> Html:
    """Return what every text of each template scored in the newest run that has it."""
    tables = [_history(context, at, one) for at, one in enumerate(context.view.histories)]
    return section("history", "Score by version", chart, *tables)


def rounds_section(context: Context, chart: Html) -> Html:
    """Return what each answer of a conversation scores, round by round."""
    tables = [_rounds(context, at, one) for at, one in enumerate(context.view.rounds)]
    return section("rounds", "Score by round", chart, *tables)


def _history(context: Context, at: int, history: History) -> Html:
    head = ("version", "text", "backend", "run", "#cases", "#mean", "#95 % interval")
    rows = [
        _point(context, f"/history/{at}/texts/{place}", point)
        for place, point in enumerate(history.points)
    ]
    return table(f"Texts of {history.template}, each in the newest run that has it", head, rows)


def _point(context: Context, at: str, point: PastScore) -> list[Child]:
    written = partial(mean, is_rate=point.score.is_rate)
    rows = CELLS
    for arm in context.view.matrix.arms:
        if (arm.arm.digest, arm.arm.backend, arm.arm.off) == (point.digest, point.backend, ()):
            rows = f"#arm-{arm.digest}"
    return [
        tag("a", point.name, href=rows),
        tag("code", point.digest[:9]),
        point.backend,
        tag("code", point.run_id),
        context.marks.number(f"{at}/n", str, rows),
        context.marks.number(f"{at}/mean", written, rows),
        interval(context, f"{at}/ci", written, rows),
    ]


def _rounds(context: Context, at: int, rounds: Rounds) -> Html:
    head = ("arm", "answer", "#cases", "#mean", "#95 % interval")
    rows = [
        _round(context, f"/rounds/{at}/scores/{place}", one)
        for place, one in enumerate(rounds.points)
    ]
    return table(f"{rounds.scorer} of each answer", head, rows)


def _round(context: Context, at: str, one: RoundScore) -> list[Child]:
    written, rows = partial(mean, is_rate=one.score.is_rate), context.arm_at(one.arm.arm)
    return [
        tag("a", one.arm.name, href=rows),
        one.answer,
        context.marks.number(f"{at}/n", str, rows),
        context.marks.number(f"{at}/mean", written, rows),
        interval(context, f"{at}/ci", written, rows),
    ]
