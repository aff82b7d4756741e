"""The front matter of a template version: the YAML between `---` lines above its body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from promptlab.core.errors import PromptlabError, place
from promptlab.core.lazy import lazy_module
from promptlab.core.sampling import SamplingSettings
from promptlab.core.yamlfile import YamlDocument, check, parse_yaml
from promptlab.templates.fences import FRONT, OPENED
from promptlab.templates.inputs import InputType

if TYPE_CHECKING:
    from promptlab.core import yaml_edit
    from promptlab.scorers import schemas
else:
    yaml_edit = lazy_module("promptlab.core.yaml_edit")
    schemas = lazy_module("promptlab.scorers.schemas")

SLUG = re.compile(r"^[a-z][a-z0-9_-]*\Z")

_PROMPTY = (
    "in a Prompty file: leave out all but description, write model.parameters as sampling, sample"
    " as a case, and `system:` as {% system %}...{% endsystem %}"
)


class OutputSettings(BaseModel):
    """What a template says about its answer."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    format: Literal["text", "label", "json"] = "text"
    labels: tuple[str, ...] = ()
    schema_: dict[str, Any] | None = Field(None, alias="schema")

    @field_validator("schema_")
    @classmethod
    def _is_a_schema(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None:
            schemas.check_schema(value)
        return value


class FrontMatter(BaseModel):
    """The front matter of a template version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = ""
    parent: str | None = None
    practices: tuple[str, ...] = ()
    inputs: dict[str, InputType] = {}
    sampling: SamplingSettings = SamplingSettings()
    output: OutputSettings = OutputSettings()
    notes: str = ""

    @field_validator("practices")
    @classmethod
    def _slugs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not SLUG.match(name):
                raise ValueError(f"a practice is a lower-case slug such as 'context', not {name!r}")
            if value.count(name) > 1:
                raise ValueError(f"the practice {name!r} appears twice")
        return value


def split_front_matter(source: str, file: str) -> tuple[FrontMatter, str]:
    """Split front matter and body; leading empty lines keep the body's line numbers."""
    match = FRONT.match(source)
    if match:
        front = _checked(parse_yaml(match[1], file, first_line=2))
        lines_above = source[: match.end()].count("\n")
        return front, "\n" * lines_above + source[match.end() :]
    if OPENED.match(source):
        raise PromptlabError(
            "the front matter is not closed", where=place(file, 1), hint="end it with a line ---"
        )
    return FrontMatter(), source


def _checked(document: YamlDocument) -> FrontMatter:
    """Check a front matter; that of a Prompty file is told how it is written here."""
    try:
        return check(FrontMatter, document)
    except PromptlabError as error:
        data = document.data
        if isinstance(data, Mapping) and "model" in data and "unknown key" in error.message:
            raise error.advising(_PROMPTY) from None
        raise


def with_parent(source: str, file: str, parent: str | None) -> str:
    """Return a version's text with its front matter's parent replaced, or removed if None."""
    match = FRONT.match(source)
    if match is None:
        return source if parent is None else f"---\nparent: {parent}\n---\n{source}"
    if parent is None:
        front = yaml_edit.without_key(match[1], file, "parent")
    else:
        front = yaml_edit.with_key(match[1], file, "parent", parent, first=True)
    return source[: match.start(1)] + front + source[match.end(1) :]
