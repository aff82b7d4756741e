"""One trial: how it ended, what each scorer says and why, what it took, the whole conversation."""

from __future__ import annotations

from collections.abc import Iterator

from promptlab.report.html.page.marks import Marks, Written
from promptlab.report.html.page.markup import NOTHING, Child, Html, joined, tag
from promptlab.report.html.page.tables import folded, items
from promptlab.report.views.trial_detail import GradeDetail, Passage, TrialDetail, TurnDetail
from promptlab.report.wording import usd


def trial_block(trial: TrialDetail, at: str, marks: Marks) -> Html:
    """Return a trial that stands at a place of the page's document."""
    several = len({grade.graded for grade in trial.grades}) > 1
    return tag(
        "div",
        tag("p", *_line(trial, at, marks), class_="took"),
        shown_text(trial.error, f"{at}/error_cut", marks, "error"),
        items(
            (
                _grade(grade, f"{at}/scores/{place}", marks, several=several)
                for place, grade in enumerate(trial.grades)
            ),
            "grades",
        ),
        shown_text(trial.thoughts, f"{at}/thoughts_cut", marks, "thoughts"),
        shown_text(trial.output, f"{at}/output_cut", marks, "output"),
        _conversation(trial, at, marks),
        class_="trial",
    )


def _line(trial: TrialDetail, at: str, marks: Marks) -> Iterator[Child]:
    """Yield how a trial ended and what it took: what is unknown is left out."""
    yield f"run {trial.run_id}, trial "
    yield marks.number(f"{at}/seq")
    yield ", repeat "
    yield marks.number(f"{at}/repeat")
    yield f": {trial.outcome.value}{', from the store' if trial.cached else ''}"
    if marks.value(f"{at}/score") is not None:
        yield ", score "
        yield marks.number(f"{at}/score", "{:.4g}".format)
    for name, written, unit in _TOOK:
        if getattr(trial, name) is not None:
            yield ", "
            yield marks.number(f"{at}/{name}", written)
            yield unit


_TOOK: tuple[tuple[str, Written | None, str], ...] = (
    ("input_tokens", None, " tokens in"),
    ("output_tokens", None, " out"),
    ("latency_s", "{:.3g}".format, " s"),
    ("cost_usd", lambda value: usd(value, 6), " USD"),
)


def _grade(grade: GradeDetail, at: str, marks: Marks, *, several: bool) -> Html:
    word: Child = grade.word
    if grade.score is not None:
        word = marks.number(f"{at}/score", grade.word)
    of = f" of {grade.graded}" if several else ""
    kind = {True: "pass", False: "fail", None: None}[grade.passed]
    said = "" if grade.reason is None else grade.reason.text
    found = "" if grade.found is None or grade.found in said else f", found {grade.found!r}"
    return joined(
        [
            f"{grade.scorer}{of}: ",
            tag("b", word, class_=kind),
            found,
            NOTHING if grade.reason is None else joined([": ", grade.reason.text]),
            _cut(grade.reason, f"{at}/reason_cut", marks),
        ]
    )


def _conversation(trial: TrialDetail, at: str, marks: Marks) -> Html:
    if not trial.turns:
        return NOTHING
    turns = [_turn(turn, f"{at}/turns/{place}", marks) for place, turn in enumerate(trial.turns)]
    return folded("Conversation", *turns, class_="conversation")


def _turn(turn: TurnDetail, at: str, marks: Marks) -> Html:
    messages = [
        shown_text(message.text, f"{at}/messages/{place}/content_cut", marks, message.role)
        for place, message in enumerate(turn.messages)
    ]
    head = f"{turn.view.name}: {turn.view.outcome.value}"
    if turn.finish_reason:
        head += f" ({turn.finish_reason})"
    if turn.aside:
        head = f"asked by scorer {head}"
    if turn.view.asked_backend:
        head += f", answered by {turn.view.asked_backend}"
    took: list[Child] = [head]
    for name, unit in (("input_tokens", " tokens in"), ("output_tokens", " out")):
        if getattr(turn, name) is not None:
            took += [", ", marks.number(f"{at}/{name}"), unit]
    weighed = [
        joined([one.text, ": ", marks.number(f"{at}/weighed/{place}/logprob", "{:.4g}".format)])
        for place, one in enumerate(turn.view.weighed)
    ]
    return tag(
        "div",
        *messages,
        tag("p", *took, class_="took"),
        shown_text(turn.thoughts, f"{at}/thoughts_cut", marks, "thoughts"),
        shown_text(turn.answer, f"{at}/output_cut", marks, "answer"),
        items(weighed),
        items(turn.view.warnings, "notes"),
        class_="turn",
    )


def shown_text(text: Passage | None, at: str, marks: Marks, name: str) -> Html:
    """Return a text as it is, below its name; where it is cut, with how much is left out."""
    if text is None:
        return NOTHING
    return tag(
        "figure",
        tag("figcaption", name),
        tag("pre", text.text, dir="auto") if text.text else tag("p", "(nothing)", class_="note"),
        _cut(text, at, marks),
        class_=f"text {name}" if name in _NAMED else "text",
    )


_NAMED = frozenset({"system", "user", "assistant", "answer", "output", "thoughts", "error"})


def _cut(text: Passage | None, at: str, marks: Marks) -> Html:
    if text is None or not text.cut:
        return NOTHING
    return tag(
        "p",
        "… and ",
        marks.number(at, "{:,}".format),
        " characters more: promptlab show --full has all of it",
        class_="note",
    )
