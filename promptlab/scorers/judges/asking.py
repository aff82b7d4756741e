"""What a panel of judges is asked, so many times each, and its votes.

A reply that cannot be read is an unknown vote. With one of them the score is unknown: the other
votes are not given its weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field

from promptlab.core.types import Json, Score
from promptlab.scorers.asking import Ask, BackendName
from promptlab.scorers.judges.marks import marked, number_for, shown_in
from promptlab.scorers.judges.replies import REASON, Unreadable, reply_of, told
from promptlab.scorers.prompts import Prompt
from promptlab.scorers.sample import Sample
from promptlab.scorers.verdict import cut, not_gradable

T = TypeVar("T")

MOST_GRADES = 101
"""The most grades of a scale: 0 to 100."""

Judges = BackendName | list[BackendName]
"""Annotates the backend that judges, or a panel of several."""

Votes = Annotated[int, Field(ge=1, le=100)]
Temperature = Annotated[float, Field(ge=0, le=2)]
MaxTokens = Annotated[int, Field(ge=1, lt=2**31)]


@dataclass(frozen=True, slots=True)
class Panel:
    """Who judges, how often, with which prompt; all else that is set precedes the prompt's own."""

    judge: str | list[str]
    votes: int
    prompt: Prompt
    temperature: float | None = None
    max_tokens: int | None = None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Panel:
        """Return the panel that the parameters of a judge describe."""
        return cls(**{each.name: params[each.name] for each in fields(cls)})

    @property
    def judges(self) -> list[str]:
        """Return the judges, each once."""
        return [self.judge] if isinstance(self.judge, str) else [*dict.fromkeys(self.judge)]

    def asks(
        self, values: Mapping[str, object], schema: Mapping[str, Json], purpose: str = ""
    ) -> list[Ask]:
        """Return one question to all judges, each as often as it votes."""
        messages = self.prompt.messages(values)
        sampling = self.prompt.sampling
        if self.temperature is not None:
            sampling = replace(sampling, temperature=self.temperature)
        if self.max_tokens is not None:
            sampling = replace(sampling, max_tokens=self.max_tokens)
        one = Ask(messages, None, sampling, self.prompt.schema or schema, purpose=purpose)
        return [
            replace(one, backend=judge, repeat=vote)
            for judge in self.judges
            for vote in range(self.votes)
        ]


def as_data(texts: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return texts between marks, as a prompt shows them; None stays None."""
    number = number_for([text for text in texts.values() if text is not None])
    return {name: None if text is None else marked(text, number) for name, text in texts.items()}


def require_asked(text: str, judge: str | list[str], prompt: Prompt, shown: Sequence[str]) -> None:
    """Raise ValueError where there is nothing to ask, nobody, or a prompt that hides something.

    `text` says what is asked; the prompt has to use the variables in `shown`.
    """
    if not text.strip():
        raise ValueError("what the judge is asked is empty")
    if not judge:
        raise ValueError("there is no judge")
    if hidden := [name for name in shown if name not in prompt.variables]:
        raise ValueError(f"the prompt {prompt.reference} does not show {{{{ {hidden[0]} }}}}")


def require_scale(low: int, high: int, of: str) -> None:
    """Raise ValueError where these are not the ends of a scale, `of` grades or numbers."""
    if not low < high < low + MOST_GRADES:
        raise ValueError(f"'low' {low} to 'high' {high} are not 2 to {MOST_GRADES} {of}")


def reply_schema(key: str, values: Sequence[str] | range) -> dict[str, Json]:
    """Return the schema of a reply: a reason, then one of these texts or whole numbers.

    The values are listed: not all servers that hold answers to a schema know bounds of numbers.
    """
    kind = "integer" if isinstance(values, range) else "string"
    return {
        "type": "object",
        "properties": {REASON: {"type": "string"}, key: {"type": kind, "enum": [*values]}},
        "required": [REASON, key],
        "additionalProperties": False,
    }


@dataclass(frozen=True, slots=True)
class Vote(Generic[T]):
    """What one reply says: a value with its reason, or why it is unknown."""

    judge: str
    value: T | None
    reason: str


def votes_of(
    sample: Sample, asks: Iterable[Ask], key: str, read: Callable[[Json], T]
) -> list[Vote[T]]:
    """Return the votes in the replies. Raise `LookupError` where there is no reply."""
    return [_vote(sample, ask, key, read) for ask in asks]


def _vote(sample: Sample, ask: Ask, key: str, read: Callable[[Json], T]) -> Vote[T]:
    judge = ask.backend or ""
    try:
        reply = reply_of(sample.answer_to(ask), key, _shown(ask))
        return Vote(judge, read(reply[key]), told(reply))
    except Unreadable as error:
        return Vote(judge, None, str(error))


def _shown(ask: Ask) -> list[str]:
    """Return the texts that a question shows between marks."""
    messages = ask.messages
    if messages is None or isinstance(messages, str):
        return []
    return [text for message in messages for text in shown_in(message.text)]


def unknown_among(votes: Sequence[Vote[T]]) -> Score | None:
    """Return that there is no score, if a vote is unknown."""
    unknown = [vote for vote in votes if vote.value is None]
    if not unknown:
        return None
    first = unknown[0]
    if len(votes) == 1:
        return not_gradable(first.reason)
    return not_gradable(
        f"{len(unknown)} of {len(votes)} votes unknown: {first.judge}: {first.reason}"
    )


def by_judge(votes: Sequence[Vote[float]]) -> str:
    """Return the numbers of several votes, under the name of each judge if there are several."""
    given: dict[str, list[str]] = {}
    for vote in votes:
        given.setdefault(vote.judge, []).append(f"{vote.value:g}")
    if len(given) == 1:
        return ", ".join(*given.values())
    return "; ".join(f"{judge} {', '.join(numbers)}" for judge, numbers in given.items())


def first_reason(votes: Sequence[Vote[T]]) -> str:
    """Return the first reason that a judge gave, "" if none did."""
    return next((vote.reason for vote in votes if vote.reason), "")


def summary(said: str, reason: str) -> str:
    """Return what was said with the judge's reason, as the reason of a score."""
    return cut(f"{said}: {reason}" if reason else said, 300)
