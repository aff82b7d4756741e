"""Arms against arms: what differs, by how much, how sure, what of it is form, and at what cost."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from promptlab.analysis.contrast import Contrast
from promptlab.report.html.page.arms import interval
from promptlab.report.html.page.context import Linked
from promptlab.report.html.page.marks import Written
from promptlab.report.html.page.markup import NOTHING, Child, Html, joined, tag
from promptlab.report.html.page.tables import folded, items, section, table
from promptlab.report.views.comparison import ComparisonRow, ComparisonTable, ComparisonView
from promptlab.report.views.contrast import Note, OpenQuestion
from promptlab.report.wording import (
    difference,
    mean,
    more_usd,
    p_value,
    usd,
    verdict_word,
)

_AT = "/compare/comparisons"


def comparisons_section(page: Linked, view: ComparisonView, chart: Html) -> Html:
    """Return all comparisons: a table for each baseline, notes, and the cases behind each."""
    places = {id(row): place for place, row in enumerate(view.rows)}
    tables = [_table(page, one, [places[id(row)] for row in one.rows]) for one in view.tables]
    return section(
        "differences",
        "Paired differences",
        chart,
        *tables,
        notes(view.notes, view.open),
        items(view.answers),
        behind(
            page,
            "The cases behind each difference",
            [(f"pair-{place}", row.pair, row.comparison) for place, row in enumerate(view.rows)],
        ),
    )


def _table(page: Linked, found: ComparisonTable, places: Sequence[int]) -> Html:
    head = ["b", "#n", f"#{found.a}", "#mean of b", f"#{found.unit}", "#interval"]
    head += ["#level"] if found.levels is not None else []
    head += [f"#{found.p_heading}", "#won", "#lost", "verdict"]
    rows = []
    for at, (place, row) in enumerate(zip(places, found.rows, strict=True)):
        cells = _cells(page, place, row)
        if found.levels is not None:
            cells.insert(6, found.levels[at])
        rows.append(cells)
    return table(found.title, head, rows)


def _cells(page: Linked, place: int, row: ComparisonRow) -> list[Child]:
    at, rows, number = f"{_AT}/{place}", f"#pair-{place}", page.marks.number
    rate = row.comparison.is_rate
    average = partial(mean, is_rate=rate)
    apart = partial(difference, is_rate=rate)
    verdict = row.comparison.verdict
    return [
        tag("a", row.name, href=rows),
        number(f"{at}/n", str, rows),
        number(f"{at}/mean_a", average, rows),
        number(f"{at}/mean_b", average, rows),
        number(f"{at}/delta", apart, rows),
        interval(page, f"{at}/ci_simultaneous", apart, rows),
        number(f"{at}/p_family", p_value, rows),
        number(f"{at}/wins", str, rows),
        number(f"{at}/losses", str, rows),
        tag("span", verdict_word(verdict), class_=f"verdict {verdict}"),
    ]


def notes(found: Sequence[Note], still_open: Sequence[OpenQuestion]) -> Html:
    """Return refusals, warnings, and what more cases would show."""
    return items([*(note.line for note in found), *(each.line for each in still_open)], "notes")


def behind(page: Linked, summary: str, contrasts: Sequence[tuple[str, str, Contrast]]) -> Html:
    """Return the cases that were won and lost in each contrast, by its address and its name."""
    rows = []
    for id_, name, contrast in contrasts:
        won = page.listed(contrast.won) if contrast.won else "none"
        lost = page.listed(contrast.lost) if contrast.lost else "none"
        rows.append(
            joined([tag("dt", name, id=id_), tag("dd", "won: ", won), tag("dd", "lost: ", lost)])
        )
    return folded(summary, tag("dl", *rows, class_="behind"))


def cost_section(page: Linked, view: ComparisonView, chart: Html) -> Html:
    """Return what a trial of one arm takes more than one of another, beside what it scores more.

    What is unknown of every pair has no column.
    """
    known = [name for name, _ in _TAKEN if _is_known(page, view, name)]
    head = ["b against a", *(f"#{title}" for name, title in _TAKEN if name in known)]
    rows = [_taken(page, place, row, known) for place, row in enumerate(view.rows)]
    shown = table("What a trial takes more", head, rows) if known else NOTHING
    return section("cost", "Score against cost", chart, shown) if known or chart else NOTHING


_TAKEN = (
    ("delta_tokens", "tokens more"),
    ("delta_tokens_ci", "interval"),
    ("delta_latency_s", "seconds more"),
    ("delta_latency_s_ci", "interval"),
    ("delta_cost_usd", "USD more"),
    ("delta_cost_usd_ci", "interval"),
    ("usd_per_point", "USD a point"),
    ("usd_per_point_ci", "interval"),
)
"""Numbers of a comparison on what a trial takes, with their headings."""


def _is_known(page: Linked, view: ComparisonView, name: str) -> bool:
    places = range(len(view.rows))
    return any(page.marks.value(f"{_AT}/{place}/{name}") is not None for place in places)


def _taken(page: Linked, place: int, row: ComparisonRow, known: Sequence[str]) -> list[Child]:
    at, rows = f"{_AT}/{place}", f"#pair-{place}"
    unit = 0.01 if row.comparison.is_rate else 1.0
    written: dict[str, Written] = {
        "delta_tokens": "{:+,.0f}".format,
        "delta_latency_s": "{:+,.2f}".format,
        "delta_cost_usd": more_usd,
        "usd_per_point": lambda value: usd(value * unit),
    }
    cells: list[Child] = [tag("a", row.pair, href=rows)]
    for name in known:
        how = written[name.removesuffix("_ci")]
        if name.endswith("_ci"):
            cells.append(interval(page, f"{at}/{name}", how, rows))
        else:
            cells.append(page.marks.number(f"{at}/{name}", how, rows))
    return cells


def decomposition_section(page: Linked, view: ComparisonView, chart: Html) -> Html:
    """Return what became of the answers of both sides, and what of each difference is form."""
    rows = [
        _became(page, place, row, side)
        for place, row in enumerate(view.rows)
        for side in ("a", "b")
        if row.comparison.causes is not None
    ]
    parts = [
        _parts(page, place, row)
        for place, row in enumerate(view.rows)
        if row.comparison.causes is not None and row.comparison.causes.form is not None
    ]
    if not rows:
        return NOTHING
    head = ["arm", "in", "#trials", "#gradable", "#right of these", "#not gradable", "#empty"]
    head += ["#refused", "#filtered", "#errors", "#cut off"]
    of_parts = [
        "b against a",
        "#difference",
        "#from form",
        "#interval",
        "#from content",
        "#interval",
    ]
    shown = [folded("What became of the answers, pair by pair", table("", head, rows))]
    if parts:
        caption = (
            "What of a difference comes from answers that can be graded at all (form), and what"
            " from better ones (content)"
        )
        shown.insert(0, table(caption, of_parts, parts))
    return section("decomposition", "What the scores are made of", chart, *shown)


def _became(page: Linked, place: int, row: ComparisonRow, side: str) -> list[Child]:
    at, rows, number = f"{_AT}/{place}/causes/{side}", f"#pair-{place}", page.marks.number
    name = row.comparison.a if side == "a" else row.comparison.b
    shares = ("gradable", "right_given_gradable", "not_gradable", "empty", "refused", "filtered")
    return [
        tag("a", name, href=rows),
        row.pair,
        number(f"{at}/trials", str, rows),
        *(number(f"{at}/{share}", _share, rows) for share in (*shares, "errors", "cut_off")),
    ]


def _parts(page: Linked, place: int, row: ComparisonRow) -> list[Child]:
    at, rows = f"{_AT}/{place}", f"#pair-{place}"
    apart = partial(difference, is_rate=row.comparison.is_rate)
    cells: list[Child] = [tag("a", row.pair, href=rows)]
    cells.append(page.marks.number(f"{at}/delta", apart, rows))
    for part in ("form", "content"):
        if page.marks.value(f"{at}/causes/{part}") is None:
            cells += ["-", "-"]
            continue
        cells.append(page.marks.number(f"{at}/causes/{part}/delta", apart, rows))
        cells.append(interval(page, f"{at}/causes/{part}/ci", apart, rows))
    return cells


def _share(value: float) -> str:
    return f"{value * 100:.1f} %"
