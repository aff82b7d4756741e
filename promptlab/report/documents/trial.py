"""Results, conversations and messages as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.core.results import Result
from promptlab.core.types import Image, Json, Message, Turn


def result_json(result: Result) -> dict[str, object]:
    """Return one row of the view `results` as JSON."""
    row = {name: getattr(result, name) for name in Result.__slots__ if name != "seq"}
    return {**row, "tags": list(result.tags), "vars": dict(result.vars)}


def shown_json(result: Result) -> dict[str, object]:
    """Return a row of the view as `show --json` writes it: also whether the scorer can tell."""
    return {**result_json(result), "gradable": result.was_gradable}


def messages_json(messages: Sequence[Message]) -> list[Json]:
    """Return messages as JSON: content is text, or texts and images in order."""
    return [
        {
            "role": message.role,
            "content": message.content
            if isinstance(message.content, str)
            else [_part_json(part) for part in message.content],
        }
        for message in messages
    ]


def _part_json(part: str | Image) -> Json:
    if isinstance(part, str):
        return part
    return {"image": part.source, "media_type": part.media_type, "digest": part.digest}


def turns_json(turns: Sequence[Turn]) -> list[Json]:
    """Return a conversation as JSON: what was asked and answered, turn by turn."""
    return [
        {
            "answer": turn.name,
            "aside": turn.aside,
            "backend": turn.backend,
            "messages": messages_json(turn.request.messages),
            "output": turn.completion.text,
            "thoughts": (turn.completion.thoughts or "").strip() or None,
            "outcome": turn.completion.outcome.value,
            "finish_reason": turn.completion.finish_reason,
            "input_tokens": turn.completion.usage.input_tokens,
            "output_tokens": turn.completion.usage.output_tokens,
            "error": turn.completion.error,
            "likelihoods": _likelihoods_json(turn),
        }
        for turn in turns
    ]


def _likelihoods_json(turn: Turn) -> Json:
    """Return how likely each weighed answer is; None where one was generated."""
    weighed = zip(turn.request.continuations, turn.completion.likelihoods, strict=False)
    return [
        {
            "text": text,
            "logprob": likelihood.logprob,
            "tokens": likelihood.tokens,
            "greedy": likelihood.greedy,
        }
        for text, likelihood in weighed
    ] or None
