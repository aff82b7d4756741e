"""What people noted of a run, counted; and a note on one trial, from its own page."""

from __future__ import annotations

from promptlab.core.errors import PromptlabError
from promptlab.core.ratings import Rating
from promptlab.report.documents.noted import noted_json
from promptlab.report.html.page.marks import Marks
from promptlab.report.html.page.markup import Child, Html, joined, tag
from promptlab.report.html.page.tables import table
from promptlab.report.views.noted import NotedRow, NotedView, noted_view
from promptlab.report.wording import counted, listed
from promptlab.viewer.asked import Asked
from promptlab.viewer.desk import Desk
from promptlab.viewer.frame import Moved, Page, Reply, field, hidden
from promptlab.viewer.places import address, case_at, run_at
from promptlab.viewer.run import run_head
from promptlab.workbench.rated import read_ratings
from promptlab.workbench.rating_of_run import Selection, read_queue, reviewed

_RATERS = 8


def notes_page(desk: Desk, asked: Asked) -> Reply:
    """Return the tags and notes of a run, the most frequent first."""
    with desk.reading.open_store() as store:
        info = store.run(store.find_run(asked.path["run"]))
        any_ = bool(store.ratings.standing(info.run_id))
    body: list[Child] = [run_head(info, "Notes")]
    if any_:
        rated = read_ratings(desk.reading, info.run_id)
        body += _noted(noted_view(rated.run_id, rated.plan, rated.ratings))
    else:
        said = "Nobody has rated or noted anything yet: "
        rating = tag("a", "rate its outputs", href=run_at(info.run_id, "/review"))
        body.append(tag("p", said, rating, ".", class_="empty"))
    return Page(f"Notes on run {info.run_id}", joined(body), way="/")


def _noted(view: NotedView) -> list[Child]:
    outputs = counted(sum(view.rated.values()), "output")
    pairs = counted(view.pairs, "pair")
    said = f"{listed(view.raters, _RATERS)} rated or noted {outputs} and {pairs}."
    if not view.rows:
        return [tag("p", said), tag("p", "There is no note and no tag yet.", class_="empty")]
    marks = Marks({"notes": noted_json(view)})
    names = [view.names[0].names[arm.label] for arm in view.arms]
    head = ("tag or note", "", "#outputs", *(f"#{name}" for name in names), "#pairs")
    places = {"tag": 0, "note": 0}
    rows = []
    for row in view.rows:
        rows.append(_row(marks, view, row, places[row.what]))
        places[row.what] += 1
    return [tag("p", said), table("What was noted", head, rows)]


def _row(marks: Marks, view: NotedView, row: NotedRow, place: int) -> list[Child]:
    at = f"/notes/{row.what}s/{place}"
    arms = [
        marks.number(f"{at}/arms/{label.replace('~', '~0').replace('/', '~1')}")
        for label in (arm.label for arm in view.arms)
    ]
    found = tag("a", row.text, href=address("/search", q=f'"{row.text[:200]}"', run=view.run_id))
    return [found, row.what, marks.number(f"{at}/outputs"), *arms, marks.number(f"{at}/pairs")]


def note_form(desk: Desk, run_id: str, case_id: str, seq: int, said: list[Rating]) -> Html:
    """Return what was noted of a trial, and the form to note something."""
    lines = [
        f"{each.rater}: {' '.join(filter(None, [_tags(each), each.opinion.note]))}"
        for each in said
        if each.opinion.note or each.opinion.tags
    ]
    form = tag(
        "form",
        desk.token_field(),
        hidden("case", case_id),
        hidden("seq", str(seq)),
        field("Note (n)", "note", None, data_keys="n", maxlength="500", id=f"note-{seq}"),
        field("Tags, with commas in between (g)", "tags", None, data_keys="g", maxlength="500"),
        tag("button", "Save"),
        method="post",
        action=run_at(run_id, "/note"),
        class_="less",
    )
    return joined([*(tag("p", line, class_="note") for line in lines), form])


def _tags(rating: Rating) -> str:
    return f"[{', '.join(rating.opinion.tags)}]" if rating.opinion.tags else ""


def note(desk: Desk, asked: Asked) -> Reply:
    """Keep a note on a trial as what this machine's user says of it, and show it there."""
    form = Asked(asked.path, [*asked.form.items()])
    case_id, seq = asked.form.get("case", ""), form.whole("seq")
    selection = Selection(kind="outputs", cases=(case_id,))
    with desk.writing.open_store(readonly=False) as store:
        run_id = store.find_run(asked.path["run"])
        queue = read_queue(desk.writing, store, run_id, selection, None)
        review = reviewed(store, queue, waits=True)
        items = enumerate(review.session.items)
        place = next((at for at, item in items if seq in (*item.trials, *item.also)), None)
        if place is None:
            raise PromptlabError(f"trial {seq} has no output to note anything of")
        review.session.go_to(place)
        before = review.session.opinion
        note_, tags = form.one("note"), form.one("tags")
        review.session.say(
            None,
            before.note if note_ is None else note_,
            before.tags if tags is None else tags.split(","),
        )
    return Moved(f"{case_at(run_id, case_id)}#trial-{seq}")
