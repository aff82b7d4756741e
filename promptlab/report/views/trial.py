"""One trial as plain data: its prompts, its answers, and what each scorer says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from promptlab.core.results import Result
from promptlab.core.types import Message, Outcome, Score, Turn
from promptlab.report.views.asked import question_of, value_text
from promptlab.report.wording import counted
from promptlab.scorers.sample import ALL
from promptlab.scorers.verdict import quoted


@dataclass(frozen=True, slots=True)
class Grade:
    """What a scorer says, or the error that left it without a score."""

    label: str
    kind: Literal["pass", "fail", "score", "error"]
    text: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TrialView:
    """A trial: its case, with the repeat if there are several, its arm, outcome and grades.

    `thoughts` are what the model thought before the output, None if nothing. `asked` are the
    variables of its case, `expected` what should come of it, None if the case does not say.
    """

    case: str
    arm: str
    outcome: Outcome
    output: str | None
    thoughts: str | None
    grades: tuple[Grade, ...]
    asked: str = ""
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class WeighedAnswer:
    """How likely the model finds a given answer, in words."""

    logprob: float
    text: str
    is_likeliest: bool


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn of a conversation: the messages that it adds, and their outcome.

    `thoughts` come before the answer; no scorer and no later turn sees them.
    `asked_backend` is the one that a scorer asked, if it is not the trial's own. `weighed` is set
    if given answers were weighed and none was generated.
    """

    name: str
    asked_backend: str | None
    messages: tuple[Message, ...]
    outcome: Outcome
    answer: str
    thoughts: str
    warnings: tuple[str, ...]
    weighed: tuple[WeighedAnswer, ...]


def trial_view(rows: Sequence[Result]) -> TrialView:
    """Return the view of a trial from its results, one per scorer."""
    first = rows[0]
    repeat = f" #{first.repeat + 1}" if first.repeat else ""
    # An error is not a scorer's; and a scorer that the case does not have says nothing of it.
    graded = rows[:1] if first.outcome is Outcome.ERROR else [r for r in rows if r.was_graded]
    outputs = {row.graded: row.output for row in graded if row.score is not None}
    several = len(outputs) > 1
    return TrialView(
        case=f"{first.case_id}{repeat}",
        arm=first.arm,
        outcome=first.outcome,
        output=_each(outputs) if several else first.output,
        thoughts=first.thoughts,
        grades=tuple(_grade(row, f" of {row.graded}" if several else "") for row in graded),
        asked=question_of(first.vars),
        expected=None if first.expect is None else value_text(first.expect),
    )


def _each(outputs: Mapping[str | None, str | None]) -> str:
    """Return the answers that scorers graded, each below its name; `all` is made of the others."""
    return "\n\n".join(f"[{name}]\n{output}" for name, output in outputs.items() if name != ALL)


def _grade(row: Result, of: str) -> Grade:
    if row.outcome is Outcome.ERROR:
        return Grade("error", "error", f"{row.error}")
    score = Score(row.score, row.passed, row.reason, row.error)
    return grade_of(f"{row.scorer}{of}", score)


def grade_of(label: str, score: Score) -> Grade:
    """Return what a score says in words."""
    if score.value is None:
        return Grade(label, "error", score.error or "no score")
    if score.passed is None:
        return Grade(label, "score", f"{score.value:.4g}", score.reason)
    if score.passed:
        return Grade(label, "pass", "pass", score.reason)
    return Grade(label, "fail", "FAIL", score.reason)


def conversation_view(turns: Sequence[Turn]) -> tuple[TurnView, ...]:
    """Return the view of a conversation: what each turn adds, then its answer."""
    return tuple(_turns(turns))


def _turns(turns: Sequence[Turn]) -> Iterator[TurnView]:
    known: tuple[Message, ...] = ()
    for turn in turns:
        completion = turn.completion
        yield TurnView(
            name=turn.name,
            asked_backend=turn.backend,
            messages=_added(turn.request.messages, known),
            outcome=completion.outcome,
            answer=completion.text or completion.error or "",
            thoughts=(completion.thoughts or "").strip(),
            warnings=completion.warnings,
            weighed=tuple(_weighed(turn)),
        )
        if not turn.aside:
            known = (*turn.request.messages, Message("assistant", completion.text))


def _added(messages: tuple[Message, ...], known: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the new messages; all of them if they do not continue the known ones."""
    goes_on = messages[: len(known)] == known[: len(messages)]
    return messages[len(known) :] if goes_on else messages


def _weighed(turn: Turn) -> Iterator[WeighedAnswer]:
    likelihoods = turn.completion.likelihoods
    if not likelihoods:
        return
    for text, likelihood in zip(turn.request.continuations, likelihoods, strict=True):
        yield WeighedAnswer(
            logprob=likelihood.logprob,
            text=f"{quoted(text)}, {counted(likelihood.tokens, 'token')}",
            is_likeliest=len(likelihoods) > 1 and text == turn.completion.text,
        )
