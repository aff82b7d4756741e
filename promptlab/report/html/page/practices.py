"""What each practice changes: the forest plot, its numbers, and which arms they come from."""

from __future__ import annotations

from functools import partial

from promptlab.report.html.page.arms import interval
from promptlab.report.html.page.comparisons import behind, notes
from promptlab.report.html.page.context import Context
from promptlab.report.html.page.markup import Child, Html, tag
from promptlab.report.html.page.tables import items, section, table
from promptlab.report.views.practices import PracticeRow, PracticesView
from promptlab.report.wording import difference, p_value

_AT = "/practices/practices"


def practices_section(context: Context, view: PracticesView, chart: Html) -> Html:
    """Return the effects of practices, their sources, notes, and the cases behind each."""
    shown = [(place, row) for place, row in enumerate(view.rows) if not row.is_silent]
    head = ["practice", f"#{view.unit}", "#interval"]
    head += ["#level"] if view.levels is not None else []
    head += [f"#{view.p_heading}", "#won", "#lost", "verdict"]
    rows = []
    for at, (place, row) in enumerate(shown):
        cells = _cells(context, place, row)
        if view.levels is not None:
            cells.insert(3, view.levels[at])
        rows.append(cells)
    lines = [*(each.line for each in view.definitions), *view.not_apart]
    lines += [f"models in general: {reason.text}" for reason in view.silence]
    lines += [each.line for each in view.heterogeneity]
    lines += [f"Note: {reason.text}" for reason in view.evidence]
    return section(
        "practices",
        "Practices",
        chart,
        table(view.title, head, rows),
        items(lines, "notes"),
        notes(view.notes, view.open),
        behind(
            context,
            "The cases behind each effect",
            [(f"practice-{place}", named(row), row.effect) for place, row in enumerate(view.rows)],
        ),
    )


def named(row: PracticeRow) -> str:
    """Return the name of a row that stands alone."""
    return " ".join(part for part in (row.practice, row.place) if part)


def _cells(context: Context, place: int, row: PracticeRow) -> list[Child]:
    at, rows, number = f"{_AT}/{place}", f"#practice-{place}", context.marks.number
    apart = partial(difference, is_rate=row.effect.is_rate)
    return [
        tag("a", named(row), href=rows),
        number(f"{at}/delta", apart, rows),
        interval(context, f"{at}/ci_simultaneous", apart, rows),
        number(f"{at}/p_family", p_value, rows),
        number(f"{at}/wins", str, rows),
        number(f"{at}/losses", str, rows),
        tag("span", row.figures.said, class_=f"verdict {row.effect.verdict}"),
    ]
