"""The template library: the folder `templates/`, its references, aliases and includes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

from jinja2 import nodes

from promptlab.core.errors import PromptlabError, place
from promptlab.core.files import entries, exists, is_below, is_file, is_folder, read_text
from promptlab.core.lazy import lazy_module
from promptlab.core.plugins import unknown
from promptlab.core.types import TemplateSource
from promptlab.core.yamlfile import parse_yaml
from promptlab.templates.affected import make_source
from promptlab.templates.front_matter import has_front_matter
from promptlab.templates.parsed import ParsedVersion
from promptlab.templates.template import Template

if TYPE_CHECKING:
    from promptlab.core import yaml_edit
else:
    yaml_edit = lazy_module("promptlab.core.yaml_edit")

ALIASES = "aliases.yaml"
_MAX_DEPTH = 50  # files that include one another in a chain
_STARTS = "paths start from templates/, for example _shared/rules.j2"


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that puts v10 after v9."""
    parts = re.findall(r"\d+|\D+", text)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def chosen_versions(
    reference: str, versions: Sequence[str], aliases: Mapping[str, str]
) -> list[str]:
    """Return the versions that a reference selects from those of its template, in natural order."""
    name, at, wanted = reference.partition("@")
    if not at:
        return [versions[-1]]
    if wanted == "*":
        return list(versions)
    if ".." in wanted and wanted not in versions:
        first, _, last = wanted.partition("..")
        low, high = (
            versions.index(_version_named(name, end, versions, aliases)) for end in (first, last)
        )
        if low > high:
            raise PromptlabError(
                f"the range {reference!r} is empty", hint=f"write {name}@{last}..{first}"
            )
        return list(versions[low : high + 1])
    return [_version_named(name, wanted, versions, aliases)]


def _version_named(
    name: str, wanted: str, versions: Sequence[str], aliases: Mapping[str, str]
) -> str:
    if wanted in versions:
        return wanted
    if wanted in aliases:
        return aliases[wanted]
    raise unknown("version", wanted, [*versions, *aliases], of=name)


class TemplateLibrary:
    """All template versions below one `templates/` folder."""

    def __init__(self, folder: Path, *, keeps_breaks: bool = True) -> None:
        """Take the folder, and whether prompts keep the line breaks after tags."""
        self.folder = folder
        self._keeps_breaks = keeps_breaks

    def names(self) -> list[str]:
        """List the templates; folders that start with `_` contain shared parts."""
        found = entries(self.folder, "templates/")
        folders = (path for path in found if not path.name.startswith(("_", ".")))
        return [path.name for path in folders if is_folder(path) and self._files(path.name)]

    def versions(self, name: str) -> list[str]:
        """List the versions of a template in natural order, oldest first."""
        if name not in self.names():
            raise unknown("template", name, self.names())
        return sorted((path.stem for path in self._files(name)), key=natural_key)

    def _files(self, name: str) -> list[Path]:
        return entries(self.folder / name, f"templates/{name}/", ".j2")

    def aliases(self, name: str) -> dict[str, str]:
        """Read `aliases.yaml` of a template: alias -> version."""
        path = self.folder / name / ALIASES
        shown = f"templates/{name}/{ALIASES}"
        if not exists(path):
            return {}
        document = parse_yaml(read_text(path, shown), shown)
        data = document.data or {}
        if not isinstance(data, dict):
            raise PromptlabError(
                "expected `alias: version` lines",
                where=document.where(),
                hint="for example best: v3",
            )
        versions = self.versions(name)
        for alias, version in data.items():
            if version not in versions:
                mistaken = unknown("version", str(version), versions, of=name)
                raise mistaken.at(document.where((alias,)))
        return {str(alias): str(version) for alias, version in data.items()}

    def with_alias(self, name: str, alias: str, version: str) -> str:
        """Return the text of the template's `aliases.yaml` with the alias set to the version."""
        path, shown = self.folder / name / ALIASES, f"templates/{name}/{ALIASES}"
        text = read_text(path, shown, as_written=True) if exists(path) else ""
        try:
            return yaml_edit.with_key(text, shown, alias, version)
        except PromptlabError as error:
            raise error.saying("has no `alias: version` lines to add to") from None

    def resolve(self, reference: str) -> list[tuple[str, str]]:
        """Resolve `name`, `name@v2`, `name@v1..v3`, `name@*` or `name@alias`, in natural order."""
        name = reference.partition("@")[0]
        versions, aliases = self.versions(name), self.aliases(name)
        return [(name, version) for version in chosen_versions(reference, versions, aliases)]

    def one(self, reference: str) -> TemplateSource:
        """Read the one version that a reference selects."""
        return self.read(*self._only(reference))

    def load_one(self, reference: str) -> Template:
        """Read and compile the one version that a reference selects."""
        return self.load(*self._only(reference))

    def _only(self, reference: str) -> tuple[str, str]:
        versions = self.resolve(reference)
        if len(versions) > 1:
            names = ", ".join(f"{name}@{version}" for name, version in versions)
            raise PromptlabError(
                f"{reference!r} names {len(versions)} versions", hint=f"choose one of {names}"
            )
        return versions[0]

    def read(self, name: str, version: str) -> TemplateSource:
        """Read one version with every file that it includes."""
        return self._parse(name, version)[0]

    def load(self, name: str, version: str) -> Template:
        """Read and compile one version."""
        return Template(*self._parse(name, version))

    def _parse(self, name: str, version: str) -> tuple[TemplateSource, ParsedVersion]:
        path = f"{name}/{version}.j2"
        text = read_text(self.folder / path, f"templates/{path}")
        breaks = self._keeps_breaks
        parsed = ParsedVersion(name, version, text, keeps_breaks=breaks)
        included: dict[str, str] = {}
        self._include(parsed, (path,), included)
        includes = dict(sorted(included.items()))
        return make_source(name, version, text, includes, keeps_breaks=breaks), parsed

    def _include(
        self, parsed: ParsedVersion, chain: tuple[str, ...], included: dict[str, str]
    ) -> None:
        """Parse every file that the last of `chain` includes, recursively, into `included`.

        `chain` is the path of includes that leads to this file, outermost first.
        """
        shown = f"templates/{chain[-1]}"
        tree = parsed.trees[chain[-1] if len(chain) > 1 else parsed.file]
        for wanted, line in _referenced(tree, shown):
            where = place(shown, line)
            if wanted in chain:
                ring = " -> ".join([*chain[chain.index(wanted) :], wanted])
                raise PromptlabError(
                    f"includes form a cycle: {ring}", where=where, hint="remove one of them"
                )
            if len(chain) > _MAX_DEPTH:
                raise PromptlabError(
                    f"includes are nested more than {_MAX_DEPTH} deep",
                    where=where,
                    hint="include the files side by side",
                )
            if wanted not in included:
                included[wanted] = self._read_included(wanted, where)
                parsed.parse(wanted, included[wanted])
                self._include(parsed, (*chain, wanted), included)

    def _read_included(self, wanted: str, where: str) -> str:
        path = PurePosixPath(wanted)
        file = self.folder / path
        if path.is_absolute() or ".." in path.parts or not is_below(file, self.folder):
            raise PromptlabError(
                f"cannot include {wanted!r}: it is outside templates/", where=where, hint=_STARTS
            )
        if not is_file(file):
            raise PromptlabError(
                f"cannot include {wanted!r}: there is no file templates/{wanted}",
                where=where,
                hint=_STARTS,
            )
        text = read_text(file, f"templates/{wanted}")
        if has_front_matter(text):
            raise PromptlabError(
                f"cannot include {wanted!r}: its front matter would be sent with it",
                where=where,
                hint="move what both share into a file without one, such as _shared/rules.j2",
            )
        return text


def _referenced(tree: nodes.Template, shown: str) -> list[tuple[str, int]]:
    """List the names that a file includes, imports or extends; only literal names are allowed."""
    references: list[tuple[str, int]] = []
    kinds = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
    for node in cast(Iterator[nodes.Include], tree.find_all(kinds)):
        names = _literal_names(node.template)
        if not names:
            raise PromptlabError(
                "an include names its file with an expression",
                where=place(shown, node.lineno),
                hint='only literal names can be versioned: {% include "_shared/rules.j2" %}',
            )
        references.extend((name, node.lineno) for name in names)
    return references


def _literal_names(expression: nodes.Expr) -> list[str]:
    """Return the file names that an include gives literally; none where it computes them."""
    try:
        value = expression.as_const()
    except nodes.Impossible:
        return []
    names = [value] if isinstance(value, str) else value
    if isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names):
        return list(names)
    return []
