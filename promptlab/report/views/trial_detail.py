"""A trial in every detail that a page has room for: what was asked, answered, scored, and taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from promptlab.core.results import Result
from promptlab.core.shown import MOST_CHARACTERS, ShownTrial
from promptlab.core.types import Image, Message, Outcome, Turn
from promptlab.report.views.trial import TurnView, conversation_view


@dataclass(frozen=True, slots=True)
class Passage:
    """A text, or the beginning of one: `cut` characters more are left out."""

    text: str
    cut: int = 0


@dataclass(frozen=True, slots=True)
class GradeDetail:
    """What a scorer says of a trial; `word` is it in short. `graded` names another answer."""

    scorer: str
    score: float | None
    passed: bool | None
    word: str
    reason: Passage | None
    found: str | None
    graded: str | None


@dataclass(frozen=True, slots=True)
class MessageDetail:
    """A message that a turn adds; an image stands as its name in brackets."""

    role: str
    text: Passage


@dataclass(frozen=True, slots=True)
class TurnDetail:
    """One answer of a conversation: the messages before it, and what it took."""

    view: TurnView
    aside: bool
    messages: tuple[MessageDetail, ...]
    answer: Passage
    thoughts: Passage | None
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True, slots=True)
class TrialDetail:
    """A trial: how it ended, its output, what each scorer says, what it took, its turns."""

    run_id: str
    seq: int
    repeat: int
    outcome: Outcome
    output: Passage | None
    thoughts: Passage | None
    error: Passage | None
    cached: bool
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    latency_s: float | None
    grades: tuple[GradeDetail, ...]
    turns: tuple[TurnDetail, ...]


def trial_detail(trial: ShownTrial) -> TrialDetail:
    """Return the view of a trial from its rows and its turns."""
    first = trial.rows[0]
    failed = first.outcome is Outcome.ERROR
    graded = () if failed else [row for row in trial.rows if row.was_graded]
    return TrialDetail(
        run_id=first.run_id,
        seq=first.seq,
        repeat=first.repeat,
        outcome=first.outcome,
        output=cut(first.output),
        thoughts=cut((first.thoughts or "").strip() or None),
        error=cut(first.error) if failed else None,
        cached=first.cached,
        input_tokens=first.input_tokens,
        output_tokens=first.output_tokens,
        cost_usd=first.cost_usd,
        latency_s=first.latency_s,
        grades=tuple(map(_grade, graded)),
        turns=tuple(_turns(trial.turns)),
    )


def cut(text: str | None, most: int = MOST_CHARACTERS) -> Passage | None:
    """Return a text that a page has room for."""
    return None if text is None else Passage(text[:most], max(0, len(text) - most))


def _grade(row: Result) -> GradeDetail:
    if row.score is None:
        word = "error"
    elif row.passed is None:
        word = f"{row.score:.4g}"
    else:
        word = "pass" if row.passed else "FAIL"
    return GradeDetail(
        scorer=row.scorer or "",
        score=row.score,
        passed=row.passed,
        word=word,
        reason=cut(row.reason or (row.error if row.score is None else None)),
        found=row.found,
        graded=row.graded,
    )


def _turns(turns: Sequence[Turn]) -> Iterator[TurnDetail]:
    for turn, view in zip(turns, conversation_view(turns), strict=True):
        usage = turn.completion.usage
        yield TurnDetail(
            view=view,
            aside=turn.aside,
            messages=tuple(map(_message, view.messages)),
            answer=cut(view.answer) or Passage(""),
            thoughts=cut(view.thoughts or None),
            finish_reason=turn.completion.finish_reason,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
        )


def _message(message: Message) -> MessageDetail:
    return MessageDetail(message.role, cut(content_text(message.content)) or Passage(""))


def content_text(content: str | tuple[str | Image, ...]) -> str:
    """Return what a message says; images stand in brackets."""
    if isinstance(content, str):
        return content
    parts = (part if isinstance(part, str) else f"[image {part.source}]" for part in content)
    return "\n".join(parts)
