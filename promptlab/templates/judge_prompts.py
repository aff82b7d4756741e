"""The prompts of judges: versions in `templates/_judges/NAME/`, and those that come with promptlab.

They are written as any template, with the texts to judge as variables. A version of the project
counts in place of a built-in one of the same name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from promptlab.core.errors import PromptlabError
from promptlab.core.files import entries, is_folder
from promptlab.core.plugins import unknown
from promptlab.core.types import Json, Message, Sampling, TemplateSource
from promptlab.templates.library import TemplateLibrary
from promptlab.templates.references import natural_key
from promptlab.templates.template import Call, Template

FOLDER = "_judges"
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_BUILT_IN = TemplateLibrary(Path(__file__).parent)


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """One version of a judge's prompt; it is compiled when it is first rendered."""

    source: TemplateSource
    built_in: bool

    @property
    def reference(self) -> str:
        """Return its name and version: `rubric@v1`."""
        return f"{self.source.name.removeprefix(f'{FOLDER}/')}@{self.source.version}"

    @property
    def digest(self) -> str:
        """Return the address of its text and of what it includes."""
        return self.source.digest

    @property
    def sampling(self) -> Sampling:
        """Return how its front matter has the judge sampled."""
        return Sampling(**self._template.front.sampling.given())

    @property
    def schema(self) -> Mapping[str, Json] | None:
        """Return the schema that its front matter sets for replies."""
        return self._template.front.output.schema_

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the names of the values that it uses."""
        return self._template.variables

    def messages(self, values: Mapping[str, object]) -> tuple[Message, ...]:
        """Render its one call. Raise `PromptlabError`, with file and line, where that fails."""
        call = self._template.render(values)
        assert isinstance(call, Call)  # without an answer, there is one
        return call.messages

    @property
    def _template(self) -> Template:
        source = self.source
        includes = tuple(source.includes.items())
        return _compiled(source.name, source.version, source.source, includes, source.digest)


class JudgePrompts:
    """Finds the prompts of judges, in the templates of a project or without one."""

    def __init__(self, project: TemplateLibrary | None = None) -> None:
        """Take the templates of the project."""
        self._libraries = [_BUILT_IN] if project is None else [project, _BUILT_IN]

    def __call__(self, reference: str) -> JudgePrompt:
        """Return the prompt `NAME@VERSION`; `NAME` is its newest version, the project's first."""
        name, _, version = reference.partition("@")
        found = {library: _versions(library, name) for library in self._libraries}
        for library, versions in found.items():
            if versions and (not version or version in versions):
                return _read(library, name, version or versions[-1])
        known = {each for versions in found.values() for each in versions}
        if version and known:
            raise unknown("version", version, sorted(known, key=natural_key), of=name)
        names = {name for library in self._libraries for name in _names(library)}
        raise unknown("prompt of a judge", name, sorted(names))


def _read(library: TemplateLibrary, name: str, version: str) -> JudgePrompt:
    template = library.load(f"{FOLDER}/{name}", version)
    if template.answers:
        raise PromptlabError(
            "the prompt of a judge asks once",
            where=template.file,
            hint="leave out {% generate %}: it ends on a user message",
        )
    return JudgePrompt(template.source, library is _BUILT_IN)


def _names(library: TemplateLibrary) -> list[str]:
    folder = library.folder / FOLDER
    found = entries(folder, f"templates/{FOLDER}/") if is_folder(folder) else []
    return [path.name for path in found if _versions(library, path.name)]


def _versions(library: TemplateLibrary, name: str) -> list[str]:
    """Return the versions of a prompt in natural order; none if there is no such prompt."""
    folder = library.folder / FOLDER / name
    if not _NAME.fullmatch(name) or not is_folder(folder):
        return []
    files = entries(folder, f"templates/{FOLDER}/{name}/", ".j2")
    return sorted((path.stem for path in files), key=natural_key)


@lru_cache(maxsize=64)
def _compiled(
    name: str, version: str, text: str, includes: tuple[tuple[str, str], ...], digest: str
) -> Template:
    return Template(TemplateSource(name, version, text, dict(includes), digest))
