"""One case in full: what was asked, what every arm answered, how that was scored, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import unquote

from promptlab.core.errors import PromptlabError
from promptlab.core.ratings import Rating
from promptlab.report.documents.matrix import matrix_json
from promptlab.report.documents.trial_detail import trial_detail_json
from promptlab.report.html.page.cases import asked as what_is_asked
from promptlab.report.html.page.heat_map import score_word
from promptlab.report.html.page.marks import Marks
from promptlab.report.html.page.markup import NOTHING, Child, Html, joined, tag
from promptlab.report.html.page.trials import trial_block
from promptlab.report.html.page.words import two_outputs
from promptlab.report.views.matrix import MatrixRow, MatrixView, page_of_matrix
from promptlab.report.views.trial_detail import TrialDetail, trial_detail
from promptlab.store import Store
from promptlab.viewer.asked import Asked
from promptlab.viewer.desk import Desk
from promptlab.viewer.frame import Page, Reply
from promptlab.viewer.notes import note_form
from promptlab.viewer.places import cell_at
from promptlab.viewer.run import run_head
from promptlab.workbench.browsing import CaseInFull, case_in_full, open_book

_CELL = re.compile(r"--[0-9a-f]{12}\Z")


def cell_page(desk: Desk, asked: Asked) -> Reply:
    """Return a case, with one of its cells open if the address names one, else all of them."""
    link = asked.one("at") or ""
    part, digest = link, ""
    if _CELL.search(link):
        part, _, digest = link.rpartition("--")
    encoded, _, of_case = part.partition("~")
    with desk.reading.open_store() as store:
        book = open_book(store, asked.path["run"], asked.one("scorer"))
        case = case_in_full(store, book, unquote(encoded), of_case or None)
        info = store.run(book.run_id)
        said = _by_trial(store, case)
    view = page_of_matrix(case.page)
    if digest and digest not in [arm.digest for arm in view.arms]:
        raise PromptlabError(
            f"run {book.run_id} has no arm {digest}", hint="another run has: see the list of runs"
        )
    details = {arm: [trial_detail(each) for each in of] for arm, of in case.trials.items()}
    marks = Marks({"matrix": _document(view, case, details)})
    [row] = view.rows
    body = [
        run_head(info, "Cases by arm"),
        tag("h2", f"Case {row.case_id}"),
        tag("div", what_is_asked(marks, "/matrix/cases/0", row), class_="case"),
        *_between(view, details, digest),
        *_arms(marks, view, details, digest, partial(_noting, desk, book.run_id, row, said)),
    ]
    return Page(f"Case {row.case_id} of run {book.run_id}", joined(body), way="/")


def _document(
    view: MatrixView, case: CaseInFull, details: dict[int, list[TrialDetail]]
) -> dict[str, object]:
    """Return the table of the one case as `report --json` has it: with every trial in full."""
    document = matrix_json(view)
    by_seq = {each.seq: each for of_arm in details.values() for each in of_arm}
    cases = document["cases"]
    assert isinstance(cases, list)
    for cell in cases[0]["cells"]:
        cell["trials"] = [
            {**trial, **trial_detail_json(by_seq[trial["seq"]])} for trial in cell["trials"]
        ]
    return document


def _between(
    view: MatrixView, details: dict[int, list[TrialDetail]], digest: str
) -> Iterator[Html]:
    """Yield the first outputs of two arms side by side: of the one that is open, and the first."""
    places = [place for place in range(len(view.arms)) if details.get(place)]
    if len(places) < 2:
        return
    known = {arm.digest: place for place, arm in enumerate(view.arms)}
    a, b = places[0], known.get(digest, places[-1])
    if a == b:
        b = places[1]
    if b not in places:
        return
    texts = []
    for place in (a, b):
        output = details[place][0].output
        texts.append((view.arms[place].label, output.text if output else "(no output)"))
    yield tag("h3", "What differs")
    yield two_outputs(texts[0], texts[1])


def _by_trial(store: Store, case: CaseInFull) -> dict[int, list[Rating]]:
    """Return what people said of single outputs of a case."""
    places = [trial.seq for trial in case.page.trials]
    said: dict[int, list[Rating]] = {}
    for rating in store.ratings.of_trials(case.page.run_id, places):
        if rating.kind == "outputs":
            said.setdefault(rating.trials[0], []).append(rating)
    return said


def _noting(
    desk: Desk, run_id: str, row: MatrixRow, said: dict[int, list[Rating]], seq: int
) -> Html:
    return note_form(desk, run_id, row.case_id, seq, said.get(seq, []))


def _arms(
    marks: Marks,
    view: MatrixView,
    details: dict[int, list[TrialDetail]],
    digest: str,
    noting: Callable[[int], Html],
) -> Iterator[Html]:
    [row] = view.rows
    run_id = view.run_ids[0]
    for place, (arm, cell) in enumerate(zip(view.arms, row.cells, strict=True)):
        link = view.link(row, arm)
        at = f"/matrix/cases/0/cells/{place}"
        word: Child = score_word(cell)
        if cell.score is not None:
            word = marks.number(f"{at}/score", score_word(cell))
        summary = joined([tag("b", arm.label), " ", word])
        named = f"Link to {arm.label}"
        permalink = tag("a", "¶", href=cell_at(run_id, link), class_="permalink", aria_label=named)
        blocks: list[Child] = [
            tag(
                "div",
                NOTHING if number else permalink,
                trial_block(trial, f"{at}/trials/{number}", marks),
                noting(trial.seq),
                id=f"trial-{trial.seq}",
                class_="of-cell",
            )
            for number, trial in enumerate(details.get(place, ()))
        ]
        yield tag(
            "details",
            tag("summary", summary),
            *(blocks or [tag("p", "Not measured.", class_="note")]),
            open=not digest or digest == arm.digest,
            class_="cell",
            id=link,
        )
