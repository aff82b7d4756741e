"""The template library: the folder `templates/`, its references, aliases and includes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
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
from promptlab.templates.fences import has_front_matter
from promptlab.templates.parsed import ParsedVersion
from promptlab.templates.past import NoPast, Past, older_version, past_text, restoring
from promptlab.templates.references import choose, natural_key, no_such_version
from promptlab.templates.template import Template

if TYPE_CHECKING:
    from promptlab.core import yaml_edit
else:
    yaml_edit = lazy_module("promptlab.core.yaml_edit")

ALIASES = "aliases.yaml"
_MAX_DEPTH = 50  # files that include one another in a chain
_STARTS = "paths start from templates/, for example _shared/rules.j2"


class TemplateLibrary:
    """All template versions below one `templates/` folder."""

    def __init__(
        self, folder: Path, *, keeps_breaks: bool = True, past: Past | None = None
    ) -> None:
        """Take the folder, whether prompts keep the line breaks after tags, and the past texts."""
        self.folder = folder
        self._past = past or NoPast()
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

    def digest_of(self, name: str, version: str) -> str | None:
        """Return the digest of a version, None if its file has a mistake."""
        try:
            return self.read(name, version).digest
        except PromptlabError:
            return None

    def resolve(self, reference: str, among: Sequence[str] = ()) -> list[tuple[str, str]]:
        """Resolve a reference to versions that have a file, in natural order.

        A version alone is one of the templates `among`, by default of any.
        """
        if found := choose(self, reference, among):
            return found
        raise self._without_file(reference, among)

    def one(self, reference: str, among: Sequence[str] = ()) -> TemplateSource:
        """Read the one text that a reference selects: of a version, or else of the past."""
        if found := choose(self, reference, among):
            return self.read(*_only(reference, found))
        label = past_text(self._past.labels(), reference, among)
        if label is None:
            raise no_such_version(self, reference, among)
        return replace(self._past.read(label), version=older_version(label.version, label.digest))

    def load_one(self, reference: str, among: Sequence[str] = ()) -> Template:
        """Read and compile the one text that a reference selects."""
        if found := choose(self, reference, among):
            return self.load(*_only(reference, found))
        return Template(self.one(reference, among))

    def was_run(self, name: str) -> bool:
        """Return whether a template has a text of the past, with a file or without."""
        return any(label.name == name for label in self._past.labels())

    def owners(self, reference: str) -> list[str]:
        """Return the templates that a reference may be about; none if it names nothing here."""
        names = self.names()
        template = reference.partition("@")[0]
        if "@" in reference or template in names:
            return [template]
        return [name for name in names if choose(self, reference, [name])]

    def only(self, reference: str, among: Sequence[str] = ()) -> tuple[str, str]:
        """Resolve a reference to one version that has a file."""
        return _only(reference, self.resolve(reference, among))

    def _without_file(self, reference: str, among: Sequence[str]) -> PromptlabError:
        """Return the error for a reference to no file, which may be to a text of the past."""
        label = past_text(self._past.labels(), reference, among)
        if label is None:
            return no_such_version(self, reference, among)
        return PromptlabError(
            f"{reference!r} is a text that was run and has no file any more",
            hint=f"to have it back: {restoring(label.name, label.digest)}",
        )

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


def _only(reference: str, versions: Sequence[tuple[str, str]]) -> tuple[str, str]:
    if len(versions) > 1:
        names = ", ".join(f"{name}@{version}" for name, version in versions)
        raise PromptlabError(
            f"{reference!r} names {len(versions)} versions", hint=f"choose one of {names}"
        )
    return versions[0]


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
