"""The prompts of judges, as scorers see them: found by name, rendered with what is to be judged.

How they are written, and where they are kept, is known to `templates` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Protocol, get_args

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Json, Message, Sampling

_A_PROMPT = "the prompt of a judge"


class Prompt(Protocol):
    """One version of a judge's prompt. `digest` covers its text, and so does a judge's identity."""

    @property
    def reference(self) -> str:
        """Return its name and version: `rubric@v1`."""

    @property
    def digest(self) -> str:
        """Return the address of its text."""

    @property
    def built_in(self) -> bool:
        """Return whether it comes with promptlab."""

    @property
    def sampling(self) -> Sampling:
        """Return how the judge is sampled."""

    @property
    def schema(self) -> Mapping[str, Json] | None:
        """Return the schema that it sets for replies, None where the judge's own counts."""

    @property
    def variables(self) -> Collection[str]:
        """Return the names of the values that it uses."""

    def messages(self, values: Mapping[str, object]) -> tuple[Message, ...]:
        """Render the prompt. Raise `PromptlabError`, with file and line, where that fails."""


PromptName = Annotated[Prompt, _A_PROMPT]
"""Annotates a parameter that names a judge's prompt; the function gets the prompt."""

FindPrompt = Callable[[str], Prompt]
"""Returns the prompt of a name, `rubric` or `rubric@v1`. Raises `PromptlabError` without one."""


def no_prompts(reference: str) -> Prompt:
    """Find no prompt: for scorers that are bound where there are no templates."""
    raise PromptlabError(
        f"the prompt {reference!r} cannot be read here", hint="pass prompts=... to bind"
    )


def names_prompt(annotation: object) -> bool:
    """Return whether a parameter with this annotation names a judge's prompt."""
    return _A_PROMPT in get_args(annotation)
