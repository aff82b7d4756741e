"""Views as tables for a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from promptlab.core.results import Result
from promptlab.report.html.tables import lines, table
from promptlab.report.views.comparison import ComparisonTable, ComparisonView
from promptlab.report.views.practices import PracticesView
from promptlab.report.views.run import RunView
from promptlab.report.wording import UNKNOWN, verdict_word

_RESULTS = ("arm", "case_id", "repeat", "outcome", "output", "scorer", "score")


def comparison_html(view: ComparisonView) -> str:
    """Return comparisons: a table for each baseline, notes, conclusion."""
    notes = [note.line for note in view.notes] + [each.line for each in view.open]
    conclusion = [view.conclusion.sentence] if view.conclusion else []
    return "".join(map(_comparisons, view.tables)) + lines([*notes, *conclusion])


def _comparisons(comparisons: ComparisonTable) -> str:
    head = (
        *("", "n", "a", "b", comparisons.unit, "interval", *_level(comparisons.levels)),
        comparisons.p_heading,
        *("won:lost", "tokens", "verdict"),
    )
    rows = [
        (
            row.name,
            row.figures.n,
            row.figures.mean_a,
            row.figures.mean_b,
            row.figures.delta,
            row.figures.interval,
            *_level(comparisons.levels, place),
            row.figures.p,
            row.figures.won_lost,
            row.figures.tokens,
            verdict_word(row.figures.verdict),
        )
        for place, row in enumerate(comparisons.rows)
    ]
    return table(comparisons.title, head, rows)


def _level(levels: Sequence[str] | None, place: int | None = None) -> Sequence[str]:
    """Return the cell of a row, or the heading, of levels; none where all have the same."""
    if levels is None:
        return ()
    return ("level",) if place is None else (levels[place],)


def practices_html(view: PracticesView) -> str:
    """Return the effects of practices with their sources and notes."""
    head = ("practice", "", view.unit, "interval", *_level(view.levels), view.p_heading)
    head = (*head, "tokens", "verdict")
    rows = [
        (
            row.practice,
            row.place or "",
            row.figures.delta,
            row.figures.interval,
            *_level(view.levels, place),
            row.figures.p,
            row.figures.tokens,
            row.figures.said,
        )
        for place, row in enumerate(view.shown)
    ]
    texts = [each.line for each in view.definitions]
    texts += [each.line for each in view.heterogeneity]
    texts += [each.line for each in view.notes]
    texts += [each.line for each in view.open]
    return table(view.title, head, rows) + lines(texts)


def run_html(view: RunView) -> str:
    """Return the scores of every arm of a run."""
    head = ("arm", "scorer", "n", "mean", "95 % interval", "trials")
    rows = [
        (
            arm.arm.label,
            score.scorer,
            str(score.n),
            _number(score.mean),
            UNKNOWN if score.low is None else f"{_number(score.low)} to {_number(score.high)}",
            str(score.trials),
        )
        for arm in view.arms
        for score in arm.scores
    ]
    title = f"{view.run.run_id}: {view.run.suite}, {view.run.status}"
    return table(title, head, rows)


def results_html(results: Iterable[Result]) -> str:
    """Return results, one row per trial and scorer."""
    rows = ([_text(getattr(each, name)) for name in _RESULTS] for each in results)
    return table("", _RESULTS, rows)


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.4g}"


def _text(value: object) -> str:
    return "" if value is None else str(value)
