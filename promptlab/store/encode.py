"""Values to columns and back: JSON texts, conversations, sampling, completions.

JSON keeps the order of keys, which a template may loop over; digests are computed elsewhere, from
canonical JSON, in which order does not count.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from numbers import Integral, Real
from typing import Any

from promptlab.core.answers import apart
from promptlab.core.errors import PromptlabError
from promptlab.core.masking import holds_known_key, mask, strike
from promptlab.core.numbers import encode, read_float, read_int
from promptlab.core.thoughts import split_thoughts
from promptlab.core.types import Completion, Image, Likelihood, Message, Outcome, Sampling, Usage
from promptlab.store.connection import Value

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)

from_json = json.loads
_MOST = 9e15  # tokens, seconds, dollars: what a float counts to, one by one

_DECODER = json.JSONDecoder(parse_int=read_int, parse_float=read_float)


def case_from_json(text: str) -> Any:
    """Return a part of a case from its JSON, its numbers as they were written."""
    return _DECODER.decode(text)


def to_json(value: object) -> str:
    """Return `value` as JSON that the database can hold."""
    return storable(_ENCODER.encode(value))


def mapping_to_json(value: Mapping[str, object]) -> str:
    """Return any kind of mapping as JSON."""
    return to_json(dict(value))


def exact(text: str, what: str) -> str:
    """Return a text that a digest covers, in which nothing can be struck out.

    Raise PromptlabError if it holds a key; `what` it is comes first in the message.
    """
    if holds_known_key(text):
        raise PromptlabError(
            f"{what} holds a key that is in the environment",
            hint="remove it from there: it would be sent to models, and stored",
        )
    return text if text.isascii() else _written(text)


def exact_json(value: object, what: str) -> str:
    """Return a value that a digest covers as JSON, its numbers as written; see `exact`."""
    return exact(encode(_ENCODER, value), what)


def storable(text: str) -> str:
    """Return content as the database can and may hold it: without keys."""
    masked = mask(text)
    return masked if masked.isascii() else _written(masked)


def _written(text: str) -> str:
    """Return a text with lone surrogates written out as backslash, u and four digits.

    UTF-8 has no bytes for them. Inside JSON the result still means the same text.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def optional(text: str | None) -> str | None:
    """Return content as the database can and may hold it, or None."""
    return None if text is None else storable(text)


def amount(value: float | None) -> float | None:
    """Return a quantity that a server has told, None if it cannot be one."""
    return value if value is not None and 0 <= value <= _MOST else None


def told(text: str | None) -> str | None:
    """Return what is not content (a name, a message, a reason) without anything like a key."""
    return None if text is None else storable(strike(text))


def mended(value: object) -> Value:
    """Return any value as SQLite can hold it: a number beyond its range is unknown."""
    if value is None or isinstance(value, str):
        return optional(value)
    if isinstance(value, Integral):
        return int(value) if -(2**63) <= int(value) < 2**63 else None
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    return told(str(value))


def iso(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC, the form that sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def messages_to_json(messages: Sequence[Message]) -> str:
    """Return a conversation as JSON."""
    return to_json([{"role": message.role, "content": _content(message)} for message in messages])


def _content(message: Message) -> object:
    if isinstance(message.content, str):
        return message.content
    return [part if isinstance(part, str) else _image(part) for part in message.content]


def _image(image: Image) -> dict[str, str]:
    return {"source": image.source, "media_type": image.media_type, "digest": image.digest}


def messages_from_json(text: str) -> tuple[Message, ...]:
    """Return the conversation that `messages_to_json` wrote."""
    return tuple(_message(item["role"], item["content"]) for item in json.loads(text))


def _message(role: Any, content: Any) -> Message:
    if isinstance(content, str):
        return Message(role, content)
    return Message(
        role, tuple(part if isinstance(part, str) else Image(**part) for part in content)
    )


def sampling_to_json(sampling: Sampling) -> str:
    """Return sampling as JSON."""
    return to_json(
        {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "stop": sampling.stop,
            "seed": sampling.seed,
        }
    )


@lru_cache  # a run has few, and each of its turns has one
def sampling_from_json(text: str) -> Sampling:
    """Return the sampling that `sampling_to_json` wrote."""
    fields = json.loads(text)
    return Sampling(**{**fields, "stop": tuple(fields["stop"])})


def completion_to_row(completion: Completion) -> tuple[Value, ...]:
    """Return a completion as the values of `COMPLETION_COLUMNS`."""
    usage = completion.usage
    return (
        completion.outcome.value,
        storable(completion.text),
        told(completion.finish_reason),
        told(completion.model),
        amount(usage.input_tokens),
        amount(usage.output_tokens),
        amount(usage.cache_read_tokens),
        amount(usage.cache_write_tokens),
        amount(usage.reasoning_tokens),
        amount(completion.cost_usd),
        amount(completion.latency_s),
        told(completion.fingerprint),
        told(to_json(completion.warnings)) if completion.warnings else None,
        likelihoods_to_json(completion.likelihoods),
        optional(completion.thoughts),
    )


def completion_from_row(row: Sequence[Any]) -> Completion:
    """Return the completion whose `COMPLETION_COLUMNS` are `row`.

    Thoughts in the text of an answer from before they were known are taken out here.
    """
    outcome, text, finish_reason, model, *tokens, cost_usd, latency_s = row[:-4]
    fingerprint, warnings, likelihoods, thoughts = row[-4:]
    completion = Completion(
        outcome=Outcome(outcome),
        text=text,
        usage=Usage(*tokens),
        latency_s=latency_s,
        model=model,
        finish_reason=finish_reason,
        cost_usd=cost_usd,
        fingerprint=fingerprint,
        warnings=() if warnings is None else tuple(json.loads(warnings)),
        likelihoods=() if likelihoods is None else _likelihoods_from_json(likelihoods),
        thoughts=thoughts,
    )
    return completion if thoughts is not None or likelihoods is not None else _parted(completion)


def _parted(completion: Completion) -> Completion:
    """Take thoughts out of the text of an answer, if there are any; blank ones count here.

    What has thoughts is stored again in its new form when it is used (see `records`).
    """
    if split_thoughts(completion.text).answer == completion.text:
        return completion
    parted = apart(completion)
    return replace(parted, thoughts=parted.thoughts or " ")


def likelihoods_to_json(likelihoods: Sequence[Likelihood]) -> str | None:
    """Return likelihoods as JSON, None if there are none."""
    if not likelihoods:
        return None
    return to_json([(item.logprob, item.tokens, int(item.greedy)) for item in likelihoods])


def _likelihoods_from_json(text: str) -> tuple[Likelihood, ...]:
    return tuple(
        Likelihood(logprob, tokens, bool(greedy)) for logprob, tokens, greedy in json.loads(text)
    )
