"""The table of cases and arms of a run, page by page."""

from __future__ import annotations

from promptlab.report.documents.matrix import matrix_json
from promptlab.report.html.page.context import short_names
from promptlab.report.html.page.heat_map import LEGEND, scored_cell, shortened
from promptlab.report.html.page.marks import Marks
from promptlab.report.html.page.markup import Html, joined, tag
from promptlab.report.html.page.tables import scrolling
from promptlab.report.views.asked import question_of
from promptlab.report.views.matrix import MatrixRow, MatrixView, page_of_matrix
from promptlab.viewer.asked import Asked, narrowed
from promptlab.viewer.desk import Desk
from promptlab.viewer.filters import filter_form
from promptlab.viewer.frame import Page, Reply, pager
from promptlab.viewer.places import cell_at, run_at
from promptlab.viewer.run import run_head
from promptlab.workbench.browsing import open_book, page_of_cases

_A_PAGE = 50
_QUESTION = 90  # characters in a row


def cases_page(desk: Desk, asked: Asked) -> Reply:
    """Return some cases of a run with the cells of all arms."""
    with desk.reading.open_store() as store:
        book = open_book(store, asked.path["run"], asked.one("scorer"))
        wanted = narrowed(asked, book)
        after = asked.whole("after")
        found = page_of_cases(store, book, wanted.wanted, after, _A_PAGE)
        info = store.run(book.run_id)
    further = None
    if found.next is not None:
        further = run_at(book.run_id, "/cases", wanted.with_(after=found.next))
    first = None if after is None else run_at(book.run_id, "/cases", wanted.pairs)
    view = page_of_matrix(found.page)
    shown = matrix_table(view, book.run_id) if view.rows else tag("p", "No case is like that.")
    body = [
        run_head(info, "Cases by arm"),
        filter_form(book, asked, "/cases"),
        tag("p", LEGEND, class_="legend"),
        shown,
        pager(first, further, "Further cases"),
    ]
    return Page(f"Cases of run {book.run_id}", joined(body), way="/")


def matrix_table(view: MatrixView, run_id: str) -> Html:
    """Return a table of cases and arms whose cells lead to all that is behind them."""
    marks = Marks({"matrix": matrix_json(view)})
    heads = [tag("th", name, scope="col") for name in short_names(view)]
    first = (tag("th", "case", scope="col"), tag("th", "asked", scope="col"))
    table = tag(
        "table",
        tag("caption", f"{view.scorer} by arm"),
        tag("thead", tag("tr", *first, *heads)),
        tag("tbody", *(_row(marks, view, at, row, run_id) for at, row in enumerate(view.rows))),
        class_="heat",
    )
    return scrolling(table, "Cases by arm")


def _row(marks: Marks, view: MatrixView, at: int, row: MatrixRow, run_id: str) -> Html:
    cells = [
        scored_cell(
            marks,
            f"/matrix/cases/{at}/cells/{place}",
            cell,
            cell_at(run_id, view.link(row, arm)),
        )
        for place, (arm, cell) in enumerate(zip(view.arms, row.cells, strict=True))
    ]
    return tag(
        "tr",
        tag("th", tag("a", row.case_id, href=cell_at(run_id, row.part)), scope="row"),
        tag("td", shortened(question_of(row.vars), _QUESTION), class_="asked"),
        *cells,
        class_="flips" if row.flips else None,
    )
