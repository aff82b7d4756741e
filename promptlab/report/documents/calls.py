"""Rendered prompts as JSON, with their tokens where these are known."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.core.raw_prompt import RawPrompt
from promptlab.core.types import Json
from promptlab.report.documents.trial import messages_json
from promptlab.templates.template import Call


def calls_json(calls: Sequence[Call], prompts: Sequence[RawPrompt] = ()) -> list[Json]:
    """Return rendered calls as JSON; `prompts` are what a model reads of them, if known."""
    found: list[Json] = []
    for place, call in enumerate(calls):
        raw = {"raw": _raw_json(prompts[place])} if prompts else {}
        found.append({"answer": call.name, "messages": messages_json(call.messages), **raw})
    return found


def _raw_json(prompt: RawPrompt) -> Json:
    tokens: list[Json] = [{"id": token.id, "text": token.text} for token in prompt.tokens]
    return {"text": prompt.text, "tokens": tokens}
