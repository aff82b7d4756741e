"""A version of a template, and the prompts rendered from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from promptlab.cases.images import ImageFolder
from promptlab.core.errors import PromptlabError
from promptlab.core.types import Json, Message
from promptlab.report.documents.trial import messages_json
from promptlab.report.html.tables import table
from promptlab.templates.template import Template


@dataclass(frozen=True, slots=True, repr=False)
class Prompt:
    """The messages for a model to answer. `answer` is the template's name for that answer."""

    messages: tuple[Message, ...]
    answer: str

    def to_dicts(self) -> list[Json]:
        """Return the messages in the form chat APIs take: `{"role": ..., "content": ...}`."""
        return messages_json(self.messages)

    def __repr__(self) -> str:
        return "\n\n".join(f"{message.role}:\n{message.text}" for message in self.messages)

    def _repr_html_(self) -> str:
        return table(
            "", ("role", "content"), [(message.role, message.text) for message in self.messages]
        )


class Version:
    """One version of a template.

    Attributes: `name`, `version`, `digest`, `practices`, `variables` (what a prompt needs) and
    `answers` (the names of its `generate` tags).
    """

    def __init__(self, loaded: Template, folder: Path) -> None:
        """Keep a compiled version, and the folder that image paths are relative to."""
        self.name = loaded.source.name
        self.version = loaded.source.version
        self.digest = loaded.source.digest
        self.practices = loaded.practices
        self.variables = loaded.variables
        self.answers = tuple(sorted(loaded.answers))
        self._loaded = loaded
        self._images = ImageFolder(folder)

    def __repr__(self) -> str:
        variables = ", ".join(self.variables) or "no variables"
        return f"<{self.name}@{self.version}: {variables}>"

    def render(
        self,
        variables: Mapping[str, object] | None = None,
        /,
        *,
        answers: Sequence[str] = (),
        off: Iterable[str] = (),
        **values: object,
    ) -> Prompt:
        """Render the prompt for these variables, given by name or as a mapping.

        A template with several calls continues from the `answers` so far. Marked practices in
        `off` are left out.
        """
        given = {**(variables or {}), **values}
        call = self._loaded.render(given, answers, frozenset(off), self._images.load)
        if call is None:
            raise PromptlabError(
                f"{self.name}@{self.version} has no further call after these answers",
                hint="give fewer answers",
            )
        return Prompt(call.messages, call.name)
