"""One trial as plain data: what was asked and answered, and what each scorer says of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from promptlab.core.results import Result
from promptlab.core.types import Message, Outcome, Turn
from promptlab.report.wording import counted
from promptlab.scorers.verdict import quoted


@dataclass(frozen=True, slots=True)
class Grade:
    """What a scorer says, or the error that left it nothing to say."""

    label: str
    kind: Literal["pass", "fail", "score", "error"]
    text: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TrialView:
    """A trial: its case, with the repeat if there are several, its arm, its end and its grades."""

    case: str
    arm: str
    outcome: Outcome
    output: str | None
    grades: tuple[Grade, ...]


@dataclass(frozen=True, slots=True)
class WeighedAnswer:
    """How likely the model finds an answer that it was asked about, in words."""

    logprob: float
    text: str
    is_likeliest: bool


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn of a conversation: the messages that it adds, and what came of it.

    `asked` is the backend that a scorer asked, where that is not the trial's own. `weighed` is set
    where answers were not generated but weighed.
    """

    name: str
    asked: str | None
    messages: tuple[Message, ...]
    outcome: Outcome
    answer: str
    warnings: tuple[str, ...]
    weighed: tuple[WeighedAnswer, ...]


def trial_view(rows: Sequence[Result]) -> TrialView:
    """Make the view of a trial from its results, one for each scorer."""
    first = rows[0]
    repeat = f" #{first.repeat + 1}" if first.repeat else ""
    graded = rows[:1] if first.outcome is Outcome.ERROR else rows  # the error is no scorer's
    return TrialView(
        case=f"{first.case_id}{repeat}",
        arm=first.arm,
        outcome=first.outcome,
        output=first.output,
        grades=tuple(_grade(row) for row in graded),
    )


def _grade(row: Result) -> Grade:
    if row.outcome is Outcome.ERROR:
        return Grade("error", "error", f"{row.error}")
    label = f"{row.scorer}"
    if row.score is None:
        return Grade(label, "error", row.error or "no score")
    if row.passed is None:
        return Grade(label, "score", f"{row.score:.4g}", row.reason)
    if row.passed:
        return Grade(label, "pass", "pass", row.reason)
    return Grade(label, "fail", "FAIL", row.reason)


def conversation_view(turns: Sequence[Turn]) -> tuple[TurnView, ...]:
    """Make the view of a conversation: what each turn adds, then its answer."""
    return tuple(_turns(turns))


def _turns(turns: Sequence[Turn]) -> Iterator[TurnView]:
    known: tuple[Message, ...] = ()
    for turn in turns:
        completion = turn.completion
        yield TurnView(
            name=turn.name,
            asked=turn.backend,
            messages=_added(turn.request.messages, known),
            outcome=completion.outcome,
            answer=completion.text or completion.error or "",
            warnings=completion.warnings,
            weighed=tuple(_weighed(turn)),
        )
        if not turn.aside:
            known = (*turn.request.messages, Message("assistant", completion.text))


def _added(messages: tuple[Message, ...], known: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return what is new in messages; all of them where they go on from something else."""
    goes_on = messages[: len(known)] == known[: len(messages)]
    return messages[len(known) :] if goes_on else messages


def _weighed(turn: Turn) -> Iterator[WeighedAnswer]:
    likelihoods = turn.completion.likelihoods
    if not likelihoods:
        return
    for text, each in zip(turn.request.continuations, likelihoods, strict=True):
        yield WeighedAnswer(
            logprob=each.logprob,
            text=f"{quoted(text)}, {counted(each.tokens, 'token')}",
            is_likeliest=len(likelihoods) > 1 and text == turn.completion.text,
        )
