"""The library of versions: the folder `templates/`, its references, aliases and includes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import cast

from jinja2 import TemplateSyntaxError, nodes

from promptlab.core.digest import template_digest
from promptlab.core.errors import PromptlabError, place
from promptlab.core.plugins import unknown
from promptlab.core.types import TemplateSource
from promptlab.core.yamlfile import parse_yaml, read_text
from promptlab.templates.front_matter import has_front_matter, split_front_matter
from promptlab.templates.tags import PromptEnvironment
from promptlab.templates.template import Template, not_compiled, syntax_error

ALIASES = "aliases.yaml"
_STARTS = "paths start from templates/, for example _shared/rules.j2"


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that puts v10 after v9."""
    parts = re.findall(r"\d+|\D+", text)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def chosen_versions(
    reference: str, versions: Sequence[str], aliases: Mapping[str, str]
) -> list[str]:
    """Choose what a reference means among the versions of its template, in natural order."""
    name, at, wanted = reference.partition("@")
    if not at:
        return [versions[-1]]
    if wanted == "*":
        return list(versions)
    if ".." in wanted and wanted not in versions:
        first, _, last = wanted.partition("..")
        low, high = (versions.index(_one(name, end, versions, aliases)) for end in (first, last))
        if low > high:
            raise PromptlabError(
                f"the range {reference!r} is empty", hint=f"write {name}@{last}..{first}"
            )
        return list(versions[low : high + 1])
    return [_one(name, wanted, versions, aliases)]


def _one(name: str, wanted: str, versions: Sequence[str], aliases: Mapping[str, str]) -> str:
    if wanted in versions:
        return wanted
    if wanted in aliases:
        return aliases[wanted]
    raise unknown("version", wanted, [*versions, *aliases], of=name)


class TemplateLibrary:
    """All template versions below one `templates/` folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """List the templates; folders that start with `_` hold shared parts."""
        folders = (path for path in self.folder.iterdir() if path.is_dir())
        return sorted(
            path.name for path in folders if not path.name.startswith(("_", ".")) and _has(path)
        )

    def versions(self, name: str) -> list[str]:
        """List the versions of a template, oldest first by natural order."""
        if name not in self.names():
            raise unknown("template", name, self.names())
        return sorted((path.stem for path in (self.folder / name).glob("*.j2")), key=natural_key)

    def aliases(self, name: str) -> dict[str, str]:
        """Read `aliases.yaml` of a template: alias -> version."""
        path = self.folder / name / ALIASES
        shown = f"templates/{name}/{ALIASES}"
        if not path.exists():
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
        """Return the text of the template's `aliases.yaml` in which the alias means the version."""
        path, shown = self.folder / name / ALIASES, f"templates/{name}/{ALIASES}"
        text = read_text(path, shown) if path.exists() else ""
        line = f"{alias}: {version}"
        pattern = re.compile(rf"^{re.escape(alias)}[ \t]*:.*$", re.MULTILINE)
        told, found = pattern.subn(line, text, count=1)
        if not found:
            told = f"{text}\n{line}\n" if text and not text.endswith("\n") else f"{text}{line}\n"
        try:
            data = parse_yaml(told, shown).data
        except PromptlabError:
            data = None
        if not isinstance(data, dict) or data.get(alias) != version:
            raise PromptlabError(
                "has no `alias: version` lines to add to", where=shown, hint=f"write {line!r} there"
            )
        return told

    def resolve(self, reference: str) -> list[tuple[str, str]]:
        """Resolve `name`, `name@v2`, `name@v1..v3`, `name@*` or `name@alias`, in natural order."""
        name = reference.partition("@")[0]
        versions, aliases = self.versions(name), self.aliases(name)
        return [(name, version) for version in chosen_versions(reference, versions, aliases)]

    def one(self, reference: str) -> TemplateSource:
        """Read the one version that a reference means."""
        found = self.resolve(reference)
        if len(found) > 1:
            names = ", ".join(f"{name}@{version}" for name, version in found)
            raise PromptlabError(
                f"{reference!r} names {len(found)} versions", hint=f"choose one of {names}"
            )
        return self.read(*found[0])

    def read(self, name: str, version: str) -> TemplateSource:
        """Read one version with every file that it includes."""
        shown = f"templates/{name}/{version}.j2"
        source = read_text(self.folder / name / f"{version}.j2", shown)
        _, body = split_front_matter(source, shown)
        found: dict[str, str] = {}
        self._include(body, (f"{name}/{version}.j2",), found)
        includes = dict(sorted(found.items()))
        return TemplateSource(name, version, source, includes, template_digest(source, includes))

    def load(self, name: str, version: str) -> Template:
        """Read and compile one version."""
        return Template(self.read(name, version))

    def _include(self, source: str, chain: tuple[str, ...], found: dict[str, str]) -> None:
        """Add to `found` every file that `source` includes, directly or through others.

        `chain` is the way to this source: the files that include one another, the outermost first.
        """
        for wanted, line in _referenced(source, f"templates/{chain[-1]}"):
            where = place(f"templates/{chain[-1]}", line)
            if wanted in chain:
                ring = " -> ".join([*chain[chain.index(wanted) :], wanted])
                raise PromptlabError(
                    f"includes go in a circle: {ring}", where=where, hint="take one of them out"
                )
            if wanted not in found:
                found[wanted] = self._read_included(wanted, where)
                self._include(found[wanted], (*chain, wanted), found)

    def _read_included(self, wanted: str, where: str) -> str:
        path = PurePosixPath(wanted)
        file = self.folder / path
        if path.is_absolute() or ".." in path.parts:
            raise PromptlabError(
                f"cannot include {wanted!r}: it lies outside templates/", where=where, hint=_STARTS
            )
        if not file.is_file():
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


def _referenced(source: str, shown: str) -> list[tuple[str, int]]:
    """List the names that a source includes, imports or extends; only literal names may be."""
    try:
        tree = PromptEnvironment().parse(source)
    except TemplateSyntaxError as error:
        raise syntax_error(error, shown) from None
    except (RecursionError, ValueError):
        raise not_compiled(shown) from None
    found: list[tuple[str, int]] = []
    kinds = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
    for node in cast(Iterator[nodes.Include], tree.find_all(kinds)):
        names = _literal_names(node.template)
        if not names:
            raise PromptlabError(
                "an include names its file by an expression",
                where=place(shown, node.lineno),
                hint='only literal names can be versioned: {% include "_shared/rules.j2" %}',
            )
        found.extend((name, node.lineno) for name in names)
    return found


def _literal_names(expression: nodes.Expr) -> list[str]:
    """Return the file names that an include spells out; none where it works them out."""
    try:
        value = expression.as_const()
    except nodes.Impossible:
        return []
    names = [value] if isinstance(value, str) else value
    if isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names):
        return list(names)
    return []


def _has(folder: Path) -> bool:
    return any(folder.glob("*.j2"))
