"""Rating in the viewer: blind, by the functions of `review`, and never lost."""

from __future__ import annotations

import html
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from promptlab.core.ratings import Rating
from promptlab.store import Store
from promptlab.workbench.bench import Workbench
from promptlab.workbench.rating_of_run import Selection, open_review
from promptlab.workbench.session import Session

from .conftest import HOSTILE, Viewed, Viewing

FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
REVIEW = "/runs/latest/review"


def fields(page: str) -> dict[str, str]:
    """Return the hidden fields of the form that rates."""
    form = page[page.index('<form method="post"') :]
    return {name: html.unescape(value) for name, value in FIELD.findall(form)}


def press(viewed: Viewed, page: str, does: str, **more: Any) -> str:
    """Press a button of a page; return the page that comes of it."""
    answer = viewed.client.post(REVIEW, data={**fields(page), "do": does, **more})
    assert answer.status_code == 303, answer.text[-1500:]
    return viewed.get(answer.headers["location"])


def kept(database: Path) -> list[Rating]:
    """Return the ratings that are stored."""
    with closing(Store.open(database, Session.now, readonly=True)) as store:
        return store.ratings.standing(store.find_run())


def test_ten_pairs_are_rated_in_the_order_of_review(
    viewing: Viewing, root: Path, database: Path
) -> None:
    viewed = viewing(database)
    page = viewed.get(f"{REVIEW}?kind=pairs&rater=ann")
    for place in range(10):
        assert f"pair {place + 1} of 39, {place} rated by ann" in page
        page = press(viewed, page, ("left", "right", "tie")[place % 3])
    bench = Workbench(Session(folder=root, database=database))
    with open_review(bench, "latest", Selection(kind="pairs"), "ann") as review:
        order = [item.trials for item in review.session.items[:10]]
        assert review.session.rated == 10
    assert [rating.trials for rating in kept(database)] == order
    assert [rating.opinion.verdict for rating in kept(database)][:4] == [
        *("left", "right", "tie"),
        "left",
    ]


def test_a_rater_sees_no_version(viewing: Viewing, database: Path) -> None:
    viewed = viewing(database)
    for kind in ("outputs", "pairs"):
        page = viewed.get(f"{REVIEW}?kind={kind}&rater=ann")
        form = page[page.index('<form method="post"') :]
        assert not re.search(r"thanks@|\bv[123]\b|seq|trial", form.split("<script>")[0])
        assert not {"seq", "trials", "arm"} & fields(page).keys()


def test_note_tags_undo_skip_and_back(viewing: Viewing, database: Path) -> None:
    viewed = viewing(database)
    first = viewed.get(f"{REVIEW}?rater=ann")
    page = press(viewed, first, "note", note=" too\nlong ", tags="tone, tone,  wordy ")
    [said] = kept(database)
    assert (said.opinion.note, said.opinion.tags) == ("too long", ("tone", "wordy"))
    assert 'value="too long"' in page
    page = press(viewed, page, "fail", note="too long", tags="tone, wordy")
    assert [rating.opinion.verdict for rating in kept(database)] == ["fail"]
    assert kept(database)[0].opinion.note == "too long"
    page = press(viewed, page, "skip")
    page = press(viewed, page, "back")
    page = press(viewed, page, "undo")
    assert [rating.opinion.verdict for rating in kept(database)] == [None]
    page = press(viewed, page, "undo")
    assert kept(database) == []
    assert "There is nothing to take back" in press(viewed, page, "undo")


def test_all_of_it_is_rated_at_some_time(viewing: Viewing, database: Path) -> None:
    viewed = viewing(database)
    page = viewed.get(f"{REVIEW}?rater=ann&case=c03")
    for _ in range(3):
        page = press(viewed, page, "pass")
    assert "ann has rated all 3 outputs" in page
    assert "ann has rated all" in viewed.get(f"{REVIEW}?rater=ann&case=c03&end=1")
    assert "2 rated by ann" in press(viewed, page, "undo")


def test_two_browsers_and_a_stale_page(viewing: Viewing, database: Path) -> None:
    viewed, other = viewing(database), viewing(database)
    page, same = (each.get(f"{REVIEW}?rater=ann") for each in (viewed, other))
    press(viewed, page, "pass")
    press(other, same, "fail")  # of the same output: the later word counts
    assert [rating.opinion.verdict for rating in kept(database)] == ["fail"]
    press(viewed, page, "pass")
    assert [rating.opinion.verdict for rating in kept(database)] == ["pass"]
    wrong = {**fields(page), "item": "0" * 16, "do": "pass"}
    answer = viewed.client.post(REVIEW, data=wrong)
    assert "told=moved" in answer.headers["location"]
    assert len(kept(database)) == 1
    of_other = {**fields(same), "do": "pass"}
    assert viewed.client.post(REVIEW, data=of_other).status_code == 403  # the other start's token


def test_what_was_said_is_there_after_a_new_start(viewing: Viewing, database: Path) -> None:
    viewed = viewing(database)
    press(viewed, viewed.get(f"{REVIEW}?rater=ann"), "pass", note="kept")
    again = viewing(database)
    assert "1 rated by ann" in again.get(f"{REVIEW}?rater=ann")
    assert "kept" in again.get("/runs/latest/notes")
    assert "kept" in again.get("/search?q=kept")
    assert ">human" in again.get("/runs/latest")


def test_a_locked_database_loses_no_word(
    viewing: Viewing, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promptlab.store.connection.BUSY_SECONDS", 0.05)
    viewed = viewing(database)
    page = viewed.get(f"{REVIEW}?rater=ann")
    with closing(sqlite3.connect(database, isolation_level=None)) as run:
        run.execute("BEGIN IMMEDIATE")
        for address in ("/", "/runs/latest", REVIEW, "/compare", "/search?q=lamp3"):
            viewed.get(address)
        said = {**fields(page), "do": "fail", "note": "torn", "tags": "a, b"}
        answer = viewed.client.post(REVIEW, data=said)
        assert answer.status_code == 503
        assert "Not stored" in answer.text
        assert 'value="torn"' in answer.text
        run.execute("ROLLBACK")
    press(viewed, answer.text, "fail", note="torn", tags="a, b")
    assert kept(database)[0].opinion.note == "torn"


def test_a_note_is_written_on_the_page_of_a_case(viewing: Viewing, database: Path) -> None:
    viewed = viewing(database)
    page = viewed.get("/runs/latest/cell?at=c03")
    seq = re.findall(r'name="seq" value="(\d+)"', page)[1]
    form = {"token": viewed.desk.token, "case": "c03", "seq": seq, "note": HOSTILE, "tags": "x"}
    answer = viewed.client.post("/runs/latest/note", data=form)
    assert answer.headers["location"].endswith(f"#trial-{seq}")
    shown = viewed.get(answer.headers["location"])
    assert HOSTILE not in shown
    assert html.escape(HOSTILE) in shown
    assert kept(database)[0].trials == (int(seq),)
    assert html.escape(HOSTILE) in viewed.get("/runs/latest/notes")
    missing = {**form, "seq": "99999"}
    assert viewed.client.post("/runs/latest/note", data=missing).status_code == 404


@pytest.mark.parametrize(
    "more", [{"do": "burn"}, {"do": "left"}, {"do": "pass", "rater": "a\nb"}, {"do": ""}]
)
def test_what_no_button_sends_is_refused(
    viewing: Viewing, database: Path, more: dict[str, str]
) -> None:
    viewed = viewing(database)
    page = viewed.get(f"{REVIEW}?rater=ann")
    answer = viewed.client.post(REVIEW, data={**fields(page), **more})
    assert answer.status_code == 404
    assert kept(database) == []
