"""The trials of a run, page by page: any page costs what the first does."""

from __future__ import annotations

from promptlab.core.shown import ShownTrial
from promptlab.report.html.page.heat_map import shortened
from promptlab.report.html.page.markup import NOTHING, Child, Html, joined, tag
from promptlab.report.html.page.tables import table
from promptlab.report.views.trial import TrialView, trial_view
from promptlab.viewer.asked import Asked, narrowed
from promptlab.viewer.desk import Desk
from promptlab.viewer.filters import filter_form
from promptlab.viewer.frame import Page, Reply, pager
from promptlab.viewer.places import case_at, run_at
from promptlab.viewer.run import run_head
from promptlab.workbench.browsing import open_book, page_of_trials

_A_PAGE = 50
_QUESTION, _OUTPUT = 90, 160  # characters in a row


def trials_page(desk: Desk, asked: Asked) -> Reply:
    """Return some trials of a run: those that are wanted, in the order of the plan."""
    with desk.reading.open_store() as store:
        book = open_book(store, asked.path["run"], asked.one("scorer"))
        wanted = narrowed(asked, book)
        after = asked.whole("after")
        found = page_of_trials(store, book, wanted.wanted, after, _A_PAGE)
        info = store.run(book.run_id)
    further = None
    if found.next is not None:
        further = run_at(book.run_id, "/trials", wanted.with_(after=found.next))
    first = None if after is None else run_at(book.run_id, "/trials", wanted.pairs)
    rows = [_row(trial) for trial in found.trials]
    shown = table("", ("case", "arm", "asked", "output", "scores"), rows) if rows else _none()
    body = [
        run_head(info, "Trials"),
        filter_form(book, asked, "/trials"),
        tag("div", shown, class_="trials"),
        pager(first, further, "Further trials"),
    ]
    return Page(f"Trials of run {book.run_id}", joined(body), way="/")


def _none() -> Html:
    return tag("p", "No trial is like that.", class_="empty")


def _row(trial: ShownTrial) -> list[Child]:
    view = trial_view(trial.rows)
    first = trial.rows[0]
    where = f"{case_at(first.run_id, first.case_id)}#trial-{first.seq}"
    output = view.output if view.output is not None else first.error or ""
    return [
        tag("a", view.case, href=where),
        view.arm,
        shortened(view.asked, _QUESTION),
        joined([_ended(view), shortened(output, _OUTPUT)]),
        _grades(view),
    ]


def _ended(view: TrialView) -> Html:
    if view.outcome.value == "ok":
        return NOTHING
    return joined([tag("b", view.outcome.value, class_="ended"), " "])


def _grades(view: TrialView) -> Html:
    kinds = {"pass": "pass", "fail": "fail", "error": "fail"}
    return joined(
        (
            joined([f"{grade.label}: ", tag("b", _short(grade.text), class_=kinds.get(grade.kind))])
            for grade in view.grades
        ),
        ", ",
    )


def _short(text: str) -> str:
    return shortened(text, _QUESTION)
