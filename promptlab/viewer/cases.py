"""The table of cases and arms of a run, page by page."""

from __future__ import annotations

from dataclasses import replace

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Outcome
from promptlab.report.documents.matrix import matrix_json
from promptlab.report.html.page.context import short_names
from promptlab.report.html.page.heat_map import LEGEND, scored_cell, shortened
from promptlab.report.html.page.marks import Marks
from promptlab.report.html.page.markup import Html, joined, tag
from promptlab.report.html.page.tables import scrolling
from promptlab.report.views.asked import question_of
from promptlab.report.views.matrix import MatrixRow, MatrixView, page_of_matrix
from promptlab.store import Store
from promptlab.templates.references import natural_key
from promptlab.viewer.asked import Asked, Narrowed, narrowed, two_arms
from promptlab.viewer.desk import Desk
from promptlab.viewer.filters import filter_form
from promptlab.viewer.frame import Page, Reply, pager
from promptlab.viewer.places import cell_at, run_at
from promptlab.viewer.run import run_head
from promptlab.workbench.browsing import Book, open_book, page_of_cases

_A_PAGE = 50
_QUESTION = 90  # characters in a row
_SORTED = 5_000  # trials of a run whose cases are all read to be sorted
_ORDERS = (
    ("", "as in the suite"),
    ("flips", "flips first"),
    ("change", "score change, lost first"),
    ("case", "case"),
    ("tag", "tag"),
    ("outcome", "outcome, not ok first"),
)


def cases_page(desk: Desk, asked: Asked) -> Reply:
    """Return some cases of a run with the cells of all arms."""
    sort = asked.choice("sort", [word for word, _ in _ORDERS if word])
    with desk.reading.open_store() as store:
        book = open_book(store, asked.path["run"], asked.one("scorer"))
        info = store.run(book.run_id)
        wanted = narrowed(asked, book)
        if sort is None:
            view, first, further = _in_order(store, book, wanted, asked)
        elif info.trials > _SORTED:
            raise PromptlabError(
                f"a run of more than {_SORTED:,} trials is not sorted",
                hint="narrow it down instead, such as to the cases that regressed",
            )
        else:
            view, first, further = _sorted(store, book, wanted, asked, sort)
    shown = matrix_table(view, book.run_id) if view.rows else _none()
    orders = _ORDERS if info.trials <= _SORTED else ()
    body = [
        run_head(info, "Cases by arm"),
        filter_form(book, asked, "/cases", orders),
        tag("p", LEGEND, class_="legend"),
        shown,
        pager(first, further, "Further cases"),
    ]
    return Page(f"Cases of run {book.run_id}", joined(body), way="/")


def _none() -> Html:
    return tag("p", "No case is like that.", class_="empty")


def _in_order(
    store: Store, book: Book, wanted: Narrowed, asked: Asked
) -> tuple[MatrixView, str | None, str | None]:
    """Return a page in the order of the suite, and the ways to the first page and the next."""
    after = asked.whole("after")
    found = page_of_cases(store, book, wanted.wanted, after, _A_PAGE)
    first = None if after is None else run_at(book.run_id, "/cases", wanted.pairs)
    further = None
    if found.next is not None:
        further = run_at(book.run_id, "/cases", wanted.with_(after=found.next))
    return page_of_matrix(found.page), first, further


def _sorted(
    store: Store, book: Book, wanted: Narrowed, asked: Asked, sort: str
) -> tuple[MatrixView, str | None, str | None]:
    """Return a page of all that is wanted in another order, and the same ways."""
    view = page_of_matrix(page_of_cases(store, book, wanted.wanted, None, _SORTED).page)
    skip = asked.whole("skip", most=_SORTED) or 0
    pair = two_arms(asked, book) if sort == "change" else (0, 0)
    rows = sorted(view.rows, key=lambda row: _key(sort, row, *pair))
    first = run_at(book.run_id, "/cases", wanted.pairs) if skip else None
    further = None
    if len(rows) > skip + _A_PAGE:
        further = run_at(book.run_id, "/cases", wanted.with_(skip=skip + _A_PAGE))
    return replace(view, rows=tuple(rows[skip : skip + _A_PAGE])), first, further


def _key(sort: str, row: MatrixRow, a: int, b: int) -> tuple[object, ...]:
    """Return what rows are sorted by; rows that are alike stay in the order of the suite."""
    match sort:
        case "flips":
            return (not row.flips,)
        case "case":
            return (natural_key(row.case_id),)
        case "tag":
            return (not row.tags, row.tags)
        case "outcome":
            fine = sum(cell.outcomes.get(Outcome.OK, 0) for cell in row.cells)
            return (fine - sum(sum(cell.outcomes.values()) for cell in row.cells),)
    before, after = row.cells[a].score, row.cells[b].score
    unknown = before is None or after is None
    return unknown, 0.0 if before is None or after is None else after - before


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
