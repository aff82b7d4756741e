"""Rating by hand, blind: one output or a pair, one key a verdict, every word stored at once.

What a rater is shown and in which order, and what becomes of what is said, is `review`'s. A form
names what it was about by a key, so that two browsers at once cannot rate the wrong thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from promptlab.core.errors import PromptlabError, StoreBusy
from promptlab.core.ratings import Kind, Opinion
from promptlab.core.results import RunInfo
from promptlab.report.html.page.markup import NOTHING, Html, joined, tag
from promptlab.report.html.page.tables import ticked
from promptlab.store import Store
from promptlab.viewer.asked import Asked
from promptlab.viewer.desk import Desk
from promptlab.viewer.frame import Moved, Page, Reply, hidden
from promptlab.viewer.places import run_at
from promptlab.viewer.rating_form import all_rated, rating_form
from promptlab.viewer.run import run_head
from promptlab.workbench.rating import VERDICTS
from promptlab.workbench.rating_of_run import Queue, RunReview, Selection, read_queue, reviewed

_MANY, _DRAWN = 50_000, 1_000  # trials of a run, and the cases that are drawn of a larger one
_SOME = (
    f"The seed has drawn {_DRAWN:,} cases of this large run; `n=N` in the address draws another"
    " number, `case=ID` names one."
)


@dataclass(frozen=True, slots=True)
class _Rating:
    """Who rates what: what an address and a form have in common."""

    run_ref: str
    kind: Kind
    rater: str | None
    cases: tuple[str, ...]
    limit: int | None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Return it as what stands in an address."""
        found: list[tuple[str, str]] = [("kind", self.kind)]
        found += [("rater", self.rater)] if self.rater else []
        found += [("case", case) for case in self.cases]
        return [*found, ("n", str(self.limit))] if self.limit else found

    def selection(self, info: RunInfo) -> Selection:
        """Return which outputs are rated; of a very large run the seed draws some cases."""
        limit = self.limit
        if limit is None and not self.cases and info.trials > _MANY:
            limit = _DRAWN
        return Selection(kind=self.kind, cases=self.cases, limit=limit)


def rating_page(desk: Desk, asked: Asked) -> Reply:
    """Return what a rater is shown now: an output, a pair, or that all of it is rated."""
    rating = _rating_of(asked)
    with desk.reading.open_store() as store:
        info = store.run(store.find_run(rating.run_ref))
        review = reviewed(store, _queue(desk, store, rating, info))
        place = asked.whole("place")
        if place is not None:
            review.session.go_to(place)
        elif asked.one("end") and review.session.is_done:
            review.session.at_end = True
        told = asked.one("told")
        return _page(desk, rating, info, review, _TOLD.get(told or ""))


_TOLD = {
    "nothing": "There is nothing to take back.",
    "elsewhere": "What you said last is not in this selection, and stays.",
    "moved": "What you rated is no longer shown in this run: nothing was stored.",
}


def rate(desk: Desk, asked: Asked) -> Reply:
    """Store what a rater says, and go on; or show again what could not be stored."""
    form = Asked(asked.path, [*asked.form.items()])
    rating = _rating_of(form)
    does = form.one("do") or ""
    try:
        with desk.writing.open_store(readonly=False) as store:
            info = store.run(store.find_run(rating.run_ref))
            queue = _queue(desk, store, rating, info)
            desk.kept(("graded", queue.run_id, info.stored), lambda: _graded(store, queue.run_id))
            review = reviewed(store, queue, waits=True)
            told = _act(desk, review, form, does)
            return Moved(_next(rating, review, told))
    except StoreBusy as error:
        return _not_stored(desk, rating, form, error)


def _graded(store: Store, run_id: str) -> bool:
    if store.ratings.standing(run_id):
        store.ratings.grade(run_id)
    return True


def _act(desk: Desk, review: RunReview, form: Asked, does: str) -> str | None:
    """Do what a button says; return a word on why nothing was done, if so."""
    session = review.session
    if does == "undo":
        if session.undo():
            return None
        return "elsewhere" if session.said_elsewhere else "nothing"
    place = _place(desk, review, form)
    if place is None:
        return "moved"
    session.go_to(place)
    note, tags = _written(form)
    verdicts = [verdict for verdict in VERDICTS[session.kind] if verdict == does]
    session.say(verdicts[0] if verdicts else None, note, tags)
    steps: dict[str, Callable[[], None]] = {"skip": session.skip, "back": session.back}
    if does in steps:
        steps[does]()
    elif not verdicts and does != "note":
        raise PromptlabError(f"there is no button {does!r}")
    return None


def _written(form: Asked) -> tuple[str, tuple[str, ...]]:
    """Return the note and the tags of a form; a note from elsewhere may have any length."""
    given = dict(form.query)
    return given.get("note", ""), tuple(given.get("tags", "").split(","))


def _place(desk: Desk, review: RunReview, form: Asked) -> int | None:
    """Return the place of what a form is about, None if it is not shown any more."""
    items, key = review.session.items, form.one("item")
    first = form.whole("place") or 0
    places = [*range(first, min(first + 1, len(items))), *range(len(items))]
    return next((at for at in places if _key(desk, review, at) == key), None)


def _key(desk: Desk, review: RunReview, place: int) -> str:
    return desk.key(review.run_id, review.session.items[place].trials)


def _next(rating: _Rating, review: RunReview, told: str | None) -> str:
    session = review.session
    more: dict[str, int | str | None] = {"told": told}
    more["end" if session.at_end else "place"] = 1 if session.at_end else session.place
    return run_at(review.run_id, "/review", rating.pairs, **more)


def _rating_of(asked: Asked) -> _Rating:
    return _Rating(
        run_ref=asked.path["run"],
        kind=asked.choice("kind", get_args(Kind)) or "outputs",
        rater=asked.one("rater"),
        cases=tuple(asked.all("case")),
        limit=asked.whole("n", 1),
    )


def _queue(desk: Desk, store: Store, rating: _Rating, info: RunInfo) -> Queue:
    """Return the queue of a rater; it is long to make, and the same as long as no trial is new."""
    name = (rating, info.run_id, info.stored, info.status)
    return desk.kept(
        name,
        lambda: read_queue(desk.reading, store, info.run_id, rating.selection(info), rating.rater),
    )


def _not_stored(desk: Desk, rating: _Rating, form: Asked, error: StoreBusy) -> Page:
    """Show what was to be rated once more, with what was said of it, and how to say it again."""
    with desk.reading.open_store() as store:
        info = store.run(store.find_run(rating.run_ref))
        review = reviewed(store, _queue(desk, store, rating, info))
        place = _place(desk, review, form)
        if place is not None:
            review.session.go_to(place)
        note, tags = _written(form)
        given = Opinion(None, note, tags)
        told = f"Not stored: {error.message}. Press the button again."
        form_again = _form(desk, rating, review, given)
        return _framed(info, review, form_again, told, status=503)


def _page(desk: Desk, rating: _Rating, info: RunInfo, review: RunReview, told: str | None) -> Page:
    return _framed(info, review, _form(desk, rating, review), told)


def _form(desk: Desk, rating: _Rating, review: RunReview, written: Opinion | None = None) -> Html:
    session = review.session
    kept = [desk.token_field(), *(hidden(name, value) for name, value in rating.pairs)]
    if session.at_end:
        return all_rated(review, rating.pairs, kept)
    kept += [
        hidden("place", str(session.place)),
        hidden("item", _key(desk, review, session.place)),
    ]
    return rating_form(review, kept, written)


def _framed(
    info: RunInfo, review: RunReview, form: Html, told: str | None, status: int = 200
) -> Page:
    here = "Rate pairs" if review.session.kind == "pairs" else "Rate outputs"
    alert = NOTHING if told is None else tag("p", told, class_="told", role="alert")
    some = info.trials > _MANY and len(review.session.items) < info.trials / 2
    drawn = tag("p", *ticked(_SOME), class_="note") if some else NOTHING
    body = [run_head(info, here), alert, drawn, form]
    return Page(f"{here}: run {review.run_id}", joined(body), status, way="/")
