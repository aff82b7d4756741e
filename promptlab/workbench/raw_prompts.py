"""Prompts as a local model reads them, token by token."""

from __future__ import annotations

from collections.abc import Iterable

from promptlab.backends import Transparent
from promptlab.core.errors import PromptlabError
from promptlab.core.raw_prompt import RawPrompt
from promptlab.templates.template import Call
from promptlab.workbench.bench import Workbench


def raw_prompts(bench: Workbench, backend: str | None, calls: Iterable[Call]) -> list[RawPrompt]:
    """Return what the model of a backend reads of each call.

    Raises:
        PromptlabError: Its tokens are known to its server alone, or it cannot take the messages.
    """
    if backend is None:
        raise PromptlabError("--raw needs a backend", hint="name one of kind hf: -b NAME")
    _, reader = bench.backend(backend, f"-b {backend}")
    if not isinstance(reader, Transparent):
        raise PromptlabError(
            f"what the model behind {backend!r} reads is known to its server alone",
            hint="--raw shows the tokens of local models (kind hf)",
        )
    return [reader.raw(call.messages) for call in calls]
