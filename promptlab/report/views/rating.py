"""What a rater sees at once, as plain data: the case, one output or two, what was said so far.

Nothing of it names a version, a backend or a score.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from promptlab.core.ratings import Kind, Opinion
from promptlab.core.types import Case, Json, Outcome
from promptlab.templates.text_diff import Marks, bag, likeness, word_marks

_COMPARED = 40_000  # characters of two texts, beyond which words are not compared
_LIKE = 0.3  # texts that share less of their words are not shown as a change of each other

_MOST, _MOST_LINES = 50_000, 2_000  # characters and lines of an output that are shown

_REMARKS = {
    Outcome.TRUNCATED: "cut off at the token limit",
    Outcome.REFUSED: "the model refused, or a filter did",
    Outcome.EMPTY: "an empty answer",
}


@dataclass(frozen=True, slots=True)
class OutputView:
    """An output: its heading, its text, a remark on it, and which ranges the other one lacks."""

    title: str
    text: str
    remark: str | None
    marks: Marks = ()


@dataclass(frozen=True, slots=True)
class RatingView:
    """What is shown at once. `asked` are the variables of the case; `expected` may be missing.

    `remark` is on the two outputs of a pair together.
    """

    kind: Kind
    number: int
    of: int
    rated: int
    case: str
    asked: tuple[tuple[str, str], ...]
    expected: str | None
    outputs: tuple[OutputView, ...]
    remark: str | None
    opinion: Opinion

    @property
    def noun(self) -> str:
        """Return what one of them is called."""
        return self.kind.removesuffix("s")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a rater is: at which item (from 1), of how many, and how many have a verdict.

    `alike` counts the outputs that are the same as the one shown, and are rated with it.
    """

    number: int
    of: int
    rated: int
    alike: int = 0


def rating_view(
    kind: Kind,
    progress: Progress,
    case: Case,
    answers: Sequence[tuple[str, Outcome]],
    opinion: Opinion,
) -> RatingView:
    """Return the view of one output, or of a pair with the words in which the two differ."""
    titles = ("Left", "Right") if kind == "pairs" else ("Output",)
    marks, remark = _compared(answers) if kind == "pairs" else ([()], _alike(progress.alike))
    return RatingView(
        kind=kind,
        number=progress.number,
        of=progress.of,
        rated=progress.rated,
        case=case.id,
        asked=tuple((name, _text(value)) for name, value in case.vars.items()),
        expected=None if case.expect is None else _text(case.expect),
        outputs=tuple(
            _output(title, text, outcome, of)
            for title, (text, outcome), of in zip(titles, answers, marks, strict=True)
        ),
        remark=remark,
        opinion=opinion,
    )


def _output(title: str, text: str, outcome: Outcome, marks: Marks) -> OutputView:
    remark = _REMARKS.get(outcome) if text.strip() else _REMARKS[Outcome.EMPTY]
    lines = text.count("\n") + 1
    if len(text) <= _MOST and lines <= _MOST_LINES:
        return OutputView(title, text, remark, marks)
    shown = "\n".join(text[:_MOST].split("\n", _MOST_LINES)[:_MOST_LINES])
    what = f"{len(text):,} characters and {lines:,} lines"
    more = f"the beginning of {what}: `promptlab show --full` has all of it"
    within = tuple((start, end) for start, end in marks if end <= len(shown))
    return OutputView(title, shown, more if remark is None else f"{remark}; {more}", within)


def _alike(number: int) -> str | None:
    """Return that a verdict counts for other outputs too, None if there are none."""
    return f"The same output was given {number + 1} times: rate it once." if number else None


def _compared(answers: Sequence[tuple[str, Outcome]]) -> tuple[Sequence[Marks], str | None]:
    (a, _), (b, _) = answers
    none: tuple[Marks, Marks] = ((), ())
    if a == b:
        return none, "Both say the same, letter by letter."
    if len(a) + len(b) > _COMPARED:
        return none, "Too long to mark the words in which they differ."
    if likeness(bag(a), bag(b)) < _LIKE:
        return none, None
    return word_marks(a, b), None


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
