"""What a rater sees: the case, one output or two, and a button for every key."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.core.ratings import Kind, Opinion, Verdict
from promptlab.report.html.page.markup import NOTHING, Child, Html, joined, tag
from promptlab.report.html.page.words import marked
from promptlab.report.views.rating import OutputView, Progress, RatingView, rating_view
from promptlab.viewer.frame import field
from promptlab.viewer.places import Pairs, run_at
from promptlab.workbench.rating import VERDICTS
from promptlab.workbench.rating_of_run import RunReview

_KEYS: dict[Verdict, tuple[str, str, str]] = {
    "pass": ("Pass", "p", "p"),
    "fail": ("Fail", "f", "f"),
    "left": ("Left is better", "ArrowLeft l", "←"),
    "tie": ("Neither", "t =", "t"),
    "right": ("Right is better", "ArrowRight r", "→"),
}
_ORDER: dict[Kind, tuple[Verdict, ...]] = {
    "outputs": VERDICTS["outputs"],
    "pairs": ("left", "tie", "right"),
}

# The first button of a form is the one that Enter presses: in a line of text that is no verdict.
_ON_ENTER = tag(
    "button",
    "Save note and tags",
    name="do",
    value="note",
    class_="aside",
    tabindex="-1",
    aria_hidden="true",
)


def rating_form(review: RunReview, kept: Sequence[Html], told: Opinion | None = None) -> Html:
    """Return what is rated now, as a form with the fields that are `kept`.

    `told` is what somebody has written already, by default what is stored.
    """
    session = review.session
    answers = [(each.text, each.outcome) for each in review.answers(session.item)]
    progress = Progress(
        session.place + 1, len(session.items), session.rated, len(session.item.also)
    )
    opinion = session.opinion if told is None else told
    view = rating_view(session.kind, progress, review.case(session.item), answers, opinion)
    return tag(
        "form",
        _ON_ENTER,
        *kept,
        _progress(view, session.rater),
        tag("div", _asked(view), _outputs(view), class_="rating"),
        tag("p", view.remark, class_="note") if view.remark else NOTHING,
        _verdicts(session.kind, session.opinion),
        _noting(opinion, session.tags),
        method="post",
        action=run_at(review.run_id, "/review"),
    )


def _progress(view: RatingView, rater: str) -> Html:
    said = f"{view.noun} {view.number:,} of {view.of:,}, {view.rated:,} rated by {rater}"
    bar = tag("progress", said, value=str(view.rated), max=str(view.of), aria_label="Rated")
    return tag("p", bar, " ", said, class_="progress")


def _asked(view: RatingView) -> Html:
    pairs = [*view.asked]
    if view.expected is not None:
        pairs.append(("expected", view.expected))
    rows = (
        joined([tag("dt", name), tag("dd", tag("pre", text, dir="auto"))]) for name, text in pairs
    )
    return tag("section", tag("h2", f"Case {view.case}"), tag("dl", *rows), class_="case asked-of")


def _outputs(view: RatingView) -> Html:
    sides = zip(view.outputs, ("del", "ins"), strict=False)
    figures = [_output(output, element) for output, element in sides]
    return tag("div", *figures, class_="two" if len(figures) > 1 else "one")


def _output(output: OutputView, element: str) -> Html:
    text: Sequence[Child] = [*marked(output.text, output.marks, element)]
    return tag(
        "figure",
        tag("figcaption", output.title),
        tag("pre", *text, dir="auto", tabindex="0", aria_label=output.title, role="group"),
        tag("p", f"({output.remark})", class_="note") if output.remark else NOTHING,
        class_="text output",
    )


def _verdicts(kind: Kind, opinion: Opinion) -> Html:
    buttons = []
    for verdict in _ORDER[kind]:
        said, keys, key = _KEYS[verdict]
        buttons.append(
            tag(
                "button",
                f"{said} ",
                tag("kbd", key, aria_hidden="true"),
                name="do",
                value=verdict,
                data_keys=keys,
                aria_pressed="true" if opinion.verdict == verdict else "false",
            )
        )
    return tag("div", *buttons, class_="verdicts")


def _noting(opinion: Opinion, tags: Sequence[str]) -> Html:
    given = ", ".join(filter(None, (each.strip() for each in opinion.tags)))
    return tag(
        "div",
        field("Note (n)", "note", opinion.note, data_keys="n", maxlength="500"),
        field(
            "Tags, with commas in between (g)",
            "tags",
            given,
            data_keys="g",
            list="known-tags",
            maxlength="500",
        ),
        tag("datalist", *(tag("option", value=each) for each in tags[:50]), id="known-tags"),
        _button("note", "Save note and tags", "", ""),
        _button("undo", "Undo", "u", "u"),
        _button("skip", "Skip", "s", "s"),
        _button("back", "Back", "b", "b"),
        class_="less",
    )


def _button(does: str, said: str, keys: str, key: str) -> Html:
    shown = joined([f"{said} ", tag("kbd", key, aria_hidden="true")]) if key else said
    return tag("button", shown, name="do", value=does, data_keys=keys or None)


def all_rated(review: RunReview, pairs: Pairs, kept: Sequence[Html]) -> Html:
    """Return that everything has a verdict, and the ways back; `pairs` are of the address."""
    session = review.session
    buttons = [_button("undo", "Take the last one back", "u", "u")]
    last = run_at(review.run_id, "/review", pairs, place=len(session.items) - 1)
    return tag(
        "form",
        *kept,
        tag(
            "p",
            f"{session.rater} has rated all {len(session.items):,} {session.kind}.",
            class_="headline",
        ),
        tag("p", *buttons, " ", tag("a", "Go back", href=last, data_keys="b"), class_="verdicts"),
        tag("p", tag("a", "What was noted", href=run_at(review.run_id, "/notes"))),
        method="post",
        action=run_at(review.run_id, "/review"),
    )
