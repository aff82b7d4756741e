"""The charts of a report: which there are, and what each shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from promptlab.analysis.causes import Shares
from promptlab.analysis.contrast import Contrast
from promptlab.core.decision import Verdict
from promptlab.core.types import Outcome
from promptlab.report.html.charts.drawing import Chart
from promptlab.report.html.charts.marks import Dot, bars, dots, lines, scatter
from promptlab.report.html.page.palette import BLUE, GREY, INK, ORANGE, TEAL, VIOLET
from promptlab.report.views.comparison import ComparisonView
from promptlab.report.views.past_scores import History, Rounds
from promptlab.report.views.practices import PracticesView
from promptlab.report.views.report import ReportView
from promptlab.report.views.run import ArmView, ScoreView
from promptlab.report.wording import counted

_MOST = 40  # rows of a chart
_VERDICTS: dict[Verdict, str] = {
    "better": BLUE.light,
    "worse": ORANGE.light,
    "equivalent": TEAL.light,
}
_KINDS = {
    "right": BLUE.light,
    "wrong": ORANGE.light,
    "not gradable": GREY.light,
    "empty": VIOLET.light,
    "refused": TEAL.light,
    "error": INK.light,
}
"""What becomes of answers -> its colour, in the order in which bars show it."""

Scored = tuple[str, ArmView, ScoreView]


def charts_of(view: ReportView) -> tuple[Chart, ...]:
    """Return the charts of a report."""
    return tuple(_charts(view))


def _charts(view: ReportView) -> Iterator[Chart]:
    scored = _scored(view)
    yield from _arms(view, scored)
    if view.comparison is not None:
        yield from _differences(view.comparison)
        yield from _decomposition(view.comparison)
    if view.practices is not None:
        yield from _practices(view.practices)
    for number, history in zip(count(1), view.histories, strict=False):
        yield _history(f"history-{number}", history)
    for number, rounds in zip(count(1), view.rounds, strict=False):
        yield _rounds(f"rounds-{number}", rounds)
    yield from _cost(scored)


def _scored(view: ReportView) -> list[Scored]:
    """Return each arm with its score by the scorer of the report, and a name unique among them."""
    several = len(view.runs) > 1
    return [
        (f"{arm.name}, run {run.run.run_id}" if several else arm.name, arm, score)
        for run in view.runs
        for arm in run.arms
        for score in arm.scores
        if score.scorer == view.matrix.scorer and score.mean is not None
    ]


def _arms(view: ReportView, scored: Sequence[Scored]) -> Iterator[Chart]:
    if not scored:
        return
    rate = all(score.is_rate for _, _, score in scored)
    found = [
        Dot(name, score.mean or 0.0, score.low, score.high) for name, _, score in scored[:_MOST]
    ]
    title = f"{view.matrix.scorer}{', %' if rate else ''}"
    caption = f"Mean score of each arm by {view.matrix.scorer}, with 95 % intervals.{_rest(scored)}"
    yield Chart("arms", caption, dots(found, title, percent=rate))


def _differences(view: ComparisonView) -> Iterator[Chart]:
    found = [(row.pair, row.comparison) for row in view.rows]
    caption = (
        "Paired differences, b minus a, with intervals that hold for the whole family:"
        " blue is better, orange worse, grey undecided."
    )
    yield from _contrasts("differences", caption, "difference", found)


def _practices(view: PracticesView) -> Iterator[Chart]:
    found = [
        (" ".join(part for part in (row.practice, row.place) if part), row.effect)
        for row in view.shown
    ]
    caption = (
        "Forest plot of practices: what each changes, with intervals that hold for the whole"
        " family."
    )
    yield from _contrasts("practices", caption, "effect", found)


def _contrasts(
    name: str, caption: str, what: str, found: Sequence[tuple[str, Contrast]]
) -> Iterator[Chart]:
    """Yield one chart of contrasts around zero, none where no difference is known."""
    drawn = list(_dots(found))
    if drawn:
        rate = all(one.is_rate for _, one in found)
        title = f"{what} in points" if rate else what
        shown = dots(drawn[:_MOST], title, percent=rate, zero=True)
        yield Chart(name, f"{caption}{_rest(drawn)}", shown)


def _dots(found: Sequence[tuple[str, Contrast]]) -> Iterator[Dot]:
    for name, contrast in found:
        if contrast.delta is not None:
            low, high = contrast.ci_simultaneous or (None, None)
            colour = _VERDICTS.get(contrast.verdict, GREY.light)
            yield Dot(name, contrast.delta, low, high, colour)


def _decomposition(view: ComparisonView) -> Iterator[Chart]:
    arms: dict[str, Shares] = {}
    for row in view.rows:
        one = row.comparison
        if one.causes is not None and one.part is None:
            where = f" on {one.backend}" if one.backend and _several(view) else ""
            arms.setdefault(f"{one.a}{where}", one.causes.a)
            arms.setdefault(f"{one.b}{where}", one.causes.b)
    shown = {name: shares for name, shares in arms.items() if shares.gradable is not None}
    names = [*shown][:_MOST]
    parts = [
        {"name": name, "kind": kind, "share": share, "place": [*_KINDS].index(kind)}
        for name in names
        for kind, share in _shares(shown[name])
        if share > 0
    ]
    if parts:
        present = {str(part["kind"]) for part in parts}
        kinds = {kind: colour for kind, colour in _KINDS.items() if kind in present}
        caption = (
            "What became of the answers of each arm: right or wrong where an answer can be"
            f" graded at all.{_rest([*shown])}"
        )
        yield Chart("decomposition", caption, bars(parts, names, kinds))


def _several(view: ComparisonView) -> bool:
    return len({row.comparison.backend for row in view.rows}) > 1


def _shares(shares: Shares) -> Iterator[tuple[str, float]]:
    gradable, right = shares.gradable or 0.0, shares.right or 0.0
    yield "right", gradable * right
    yield "wrong", gradable * (1 - right)
    yield "not gradable", shares.ungradable
    yield Outcome.EMPTY.value, shares.empty
    yield Outcome.REFUSED.value, shares.refused + shares.filtered
    yield Outcome.ERROR.value, shares.errors


def _history(name: str, history: History) -> Chart:
    points = history.points
    rate = all(point.score.is_rate for point in points)
    names = [point.version for point in points]
    shown = {
        id(point): point.version
        if len({each.digest for each in points if each.version == point.version}) == 1
        else f"{point.version} {point.digest[3:7]}"
        for point in points
    }
    series: dict[str, list[Dot]] = {}
    for point in points:
        score = point.score
        dot = Dot(shown[id(point)], score.mean or 0.0, score.low, score.high)
        series.setdefault(point.backend, []).append(dot)
    order = [*dict.fromkeys(shown[id(point)] for point in points)]
    caption = (
        f"Score of {counted(len(set(names)), 'version')} of {history.template}, each in the newest"
        " run that has it, with 95 % intervals. Runs may have had other cases."
    )
    title = f"{points[0].score.scorer}{', %' if rate else ''}"
    return Chart(name, caption, lines(series, order, title, percent=rate))


def _rounds(name: str, rounds: Rounds) -> Chart:
    rate = all(one.score.is_rate for one in rounds.points)
    series: dict[str, list[Dot]] = {}
    for one in rounds.points:
        score = one.score
        if score.mean is not None:
            dot = Dot(one.answer, score.mean, score.low, score.high)
            series.setdefault(one.arm.name, []).append(dot)
    caption = f"Score of each answer of a conversation by {rounds.scorer}, with 95 % intervals."
    title = f"{rounds.scorer}{', %' if rate else ''}"
    return Chart(name, caption, lines(series, rounds.answers, title, percent=rate))


def _cost(scored: Sequence[Scored]) -> Iterator[Chart]:
    """Yield score against cost, or against tokens where no cost is known."""
    rate = all(score.is_rate for _, _, score in scored)
    for title, what, taken in (
        ("USD a trial", "cost", [arm.cost_usd.mean for _, arm, _ in scored]),
        ("tokens a trial", "tokens", [_tokens(arm) for _, arm, _ in scored]),
    ):
        found = [
            (arm.arm.prompt, amount, score.mean)
            for (_, arm, score), amount in zip(scored, taken, strict=True)
            if amount is not None and score.mean is not None
        ]
        if len(found) > 1:
            caption = f"Mean score of each arm against the mean {what} of a trial."
            titles = (title, "score, %" if rate else "score")
            yield Chart("cost", caption, scatter(found[:_MOST], titles, percent=rate))
            return


def _tokens(arm: ArmView) -> float | None:
    parts = (arm.input_tokens.mean, arm.output_tokens.mean)
    return None if None in parts else sum(part or 0.0 for part in parts)


def _rest(found: Sequence[object]) -> str:
    more = len(found) - _MOST
    return f" The first {_MOST} are drawn; the table has all." if more > 0 else ""
