"""A version of a template, and the prompts that it renders to."""

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
    """The messages that a model is to answer. `answer` is what the template calls its answer."""

    messages: tuple[Message, ...]
    answer: str

    def to_dicts(self) -> list[Json]:
        """Return the messages as chat APIs take them: `{"role": ..., "content": ...}`."""
        return messages_json(self.messages)

    def __repr__(self) -> str:
        return "\n\n".join(f"{each.role}:\n{each.text}" for each in self.messages)

    def _repr_html_(self) -> str:
        return table("", ("role", "content"), [(each.role, each.text) for each in self.messages])


class Version:
    """One version of a template.

    Attributes: `name`, `version`, `digest`, `practices`, `variables` (what a prompt needs) and
    `answers` (what its `generate` tags are called).
    """

    def __init__(self, loaded: Template, folder: Path) -> None:
        """Take a compiled version, and the folder that paths of images start from."""
        self.name = loaded.source.name
        self.version = loaded.source.version
        self.digest = loaded.source.digest
        self.practices = loaded.practices
        self.variables = loaded.variables
        self.answers = tuple(sorted(loaded.answers))
        self._loaded = loaded
        self._images = ImageFolder(folder)

    def __repr__(self) -> str:
        wanted = ", ".join(self.variables) or "no variables"
        return f"<{self.name}@{self.version}: {wanted}>"

    def render(
        self,
        variables: Mapping[str, object] | None = None,
        /,
        *,
        answers: Sequence[str] = (),
        off: Iterable[str] = (),
        **values: object,
    ) -> Prompt:
        """Render the prompt of these variables, given by name or as a mapping.

        A template that asks more than once goes on from the `answers` given so far. Marked
        practices in `off` are left out.
        """
        given = {**(variables or {}), **values}
        call = self._loaded.render(given, answers, frozenset(off), self._images.load)
        if call is None:
            raise PromptlabError(
                f"{self.name}@{self.version} asks nothing more after these answers",
                hint="give fewer answers",
            )
        return Prompt(call.messages, call.name)
