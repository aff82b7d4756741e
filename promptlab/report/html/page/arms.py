"""How each arm scored, what became of its answers, and what a trial took."""

from __future__ import annotations

from collections.abc import Iterator

from promptlab.core.types import Outcome
from promptlab.report.html.page.context import Context, Linked
from promptlab.report.html.page.marks import Written
from promptlab.report.html.page.markup import Child, Html, joined, tag
from promptlab.report.html.page.tables import paragraphs, section, table
from promptlab.report.views.run import ArmView, RunView, ScoreTable
from promptlab.report.views.throughput import throughput_lines
from promptlab.report.wording import counted, mean, quantity, usd

_ENDED = "Outcomes, and the mean of a trial"


def arms_section(context: Context, chart: Html) -> Html:
    """Return the scores of every arm by every scorer, run by run."""
    several = len(context.view.runs) > 1
    parts: list[Child] = [chart]
    for place, view in enumerate(context.view.runs):
        if several:
            parts.append(tag("h3", f"Run {view.run.run_id}"))
        for scores in view.tables:
            parts += scores_of(context, place, view, scores)
    return section("arms", "Arms", *parts)


def outcomes_section(context: Context) -> Html:
    """Return how trials ended and what they took, arm by arm."""
    parts: list[Child] = []
    for place, view in enumerate(context.view.runs):
        title = _ENDED if len(context.view.runs) == 1 else f"{_ENDED}: run {view.run.run_id}"
        parts.append(outcomes_of(context, place, view, title))
        parts.append(paragraphs(throughput_lines(view.batched)))
    return section("outcomes", "Outcomes, and what a trial takes", *parts)


def scores_of(page: Linked, run: int, view: RunView, scores: ScoreTable) -> Iterator[Child]:
    """Yield the table of one scorer, and notes on it; `run` is the run's place in the document."""
    if not scores.rows:
        yield tag("p", f"{scores.title}: nothing is scored yet.")
        return
    head = ("arm", "#cases", "#mean", "#95 % interval", "#trials")
    yield table(
        scores.title, head, [_score(page, run, view, scores, arm) for arm, _ in scores.rows]
    )
    if scores.failed:
        yield tag("p", f"{scores.scorer} failed on {counted(scores.failed, 'output')}.")
    if scores.order_agreement is not None:
        yield tag("p", f"{scores.scorer}: {scores.order_agreement}.")
    if scores.without_scores is not None:
        yield tag("p", scores.without_scores)
    if scores.in_groups:
        yield tag("p", "The cases come in groups: these intervals allow for it.")


def _score(page: Linked, run: int, view: RunView, scores: ScoreTable, arm: ArmView) -> list[Child]:
    [place] = [at for at, each in enumerate(arm.scores) if each.scorer == scores.scorer]
    score = arm.scores[place]
    at = f"/run/{run}/arms/{view.arms.index(arm)}/scores/{place}"
    rows, number = page.arm_at(arm.arm), page.marks.number

    def written(value: float) -> str:
        return mean(value, is_rate=score.is_rate)

    return [
        tag("a", arm.name, href=rows),
        number(f"{at}/n", _whole, rows),
        number(f"{at}/mean", written, rows),
        interval(page, f"{at}/ci", written, rows),
        number(f"{at}/trials", _whole, rows),
    ]


def interval(page: Linked, at: str, written: Written, rows: str) -> Html:
    """Return both ends of an interval, `-` where it is unknown."""
    if page.marks.value(at) is None:
        return page.marks.number(at)
    ends = (page.marks.number(f"{at}/{end}", written, rows) for end in (0, 1))
    return joined(ends, " to ")


def outcomes_of(page: Linked, run: int, view: RunView, title: str = _ENDED) -> Html:
    """Return the table of how trials ended, arm by arm."""
    ended = [outcome for outcome, count in view.outcomes.items() if count]
    head = ["arm", "#trials", *(f"#{outcome.value}" for outcome in ended), "#from the store"]
    head += ["#tokens in", "#out", "#seconds", *(["#USD"] * view.has_cost)]
    return table(title, head, [_outcome(page, run, view, arm, ended) for arm in view.arms])


def _outcome(
    page: Linked, run: int, view: RunView, arm: ArmView, ended: list[Outcome]
) -> list[Child]:
    at, rows = f"/run/{run}/arms/{view.arms.index(arm)}", page.arm_at(arm.arm)

    def number(place: str, written: Written = _whole) -> Html:
        return page.marks.number(f"{at}/{place}", written, rows)

    cells: list[Child] = [tag("a", arm.name, href=rows), number("trials")]
    cells += [number(f"outcomes/{outcome.value}") for outcome in ended]
    cells.append(number("cached"))
    cells += [number("input_tokens/mean", quantity), number("output_tokens/mean", quantity)]
    cells.append(number("latency_s/mean", lambda value: quantity(value, 2)))
    if view.has_cost:
        cells.append(number("cost_usd/mean", lambda value: usd(value, 6)))
    return cells


def _whole(value: float) -> str:
    return f"{value:,}"
