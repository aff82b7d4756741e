"""A project: the folder with `templates/` and `suites/`, its backends, and its decision rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.core import plugins
from promptlab.core.decision import Rule
from promptlab.core.documents import parse_toml
from promptlab.core.errors import PromptlabError, place
from promptlab.core.files import exists, is_folder, read_text
from promptlab.core.keys import named_without_key, remember_written, url_holds_key
from promptlab.core.lazy import lazy_module
from promptlab.core.plugins import unknown
from promptlab.project.addresses import split_address

if TYPE_CHECKING:
    import difflib

    from promptlab.project import settings
else:
    difflib = lazy_module("difflib")
    settings = lazy_module("promptlab.project.settings")

DATABASE = "promptlab.db"
_CLOSE = 0.75  # how like a kind a name is that is taken for a slip of the finger
CONFIG_FILES = ("promptlab.toml", "pyproject.toml")

_RULE_TABLES = ("compare", "judges")
_TABLES = ("backends", *_RULE_TABLES, "templates")


@dataclass(frozen=True, slots=True)
class BackendEntry:
    """A backend as the project configures it: kind, model and options, and where they are set."""

    name: str
    kind: str
    model: str | None
    options: Mapping[str, object]
    where: str


@dataclass(frozen=True, slots=True)
class Project:
    """The folder of a project, its configured backends by name, and its decision rule.

    Without `keeps_breaks` templates are rendered as before line breaks after tags were kept.
    """

    root: Path
    backends: Mapping[str, BackendEntry]
    rule: Rule = field(default_factory=Rule)
    keeps_breaks: bool = True

    @property
    def templates(self) -> Path:
        """Return the folder of templates."""
        return self.root / "templates"

    @property
    def suites(self) -> Path:
        """Return the folder of suites."""
        return self.root / "suites"

    def backend(self, name: str) -> BackendEntry:
        """Return a configured backend, or read `kind`, `kind:model`, `kind:model@url`."""
        if name in self.backends:
            return self.backends[name]
        kind, colon, rest = name.partition(":")
        if not kind or (not colon and kind != "echo"):
            raise self._unknown_backend(name)
        remember_written(rest)
        model, url = (rest, None) if exists(self.root / rest) else _split(kind, rest)
        options: dict[str, object] = {} if url is None else {"base_url": url}
        shown = f"{kind}:{model}@..." if url is not None and url_holds_key(url) else name
        where = f"backend {named_without_key(shown)!r}"
        return BackendEntry(name, kind, model or None, options, where)

    def _unknown_backend(self, name: str) -> PromptlabError:
        """Return the error for a name that no backend has; that of a kind lacks its model."""
        kinds = [kind for kind in plugins.names("backends") if kind != "echo"]
        if name in kinds:
            return PromptlabError(f"backend {name!r} names no model", hint=f"write {name}:MODEL")
        if near := difflib.get_close_matches(name, kinds, n=1, cutoff=_CLOSE):
            hint = f"did you mean '{near[0]}:MODEL'?"
            return PromptlabError(f"unknown backend {name!r}", hint=hint)
        return unknown("backend", name, [*self.backends, "echo", "kind:model"])


def _split(kind: str, written: str) -> tuple[str, str | None]:
    try:
        return split_address(written)
    except PromptlabError as error:
        model = named_without_key(f"{kind}:{written}").partition(":")[2].partition("@")[0]
        raise error.at(f"backend '{kind}:{model}@...'") from None


def open_project(folder: Path) -> Project:
    """Open the project in exactly this folder."""
    if not _is_project(folder):
        raise PromptlabError(
            f"{folder} is not a project: it has no templates/ and suites/",
            hint="name the folder that has both, or run `promptlab init` there",
        )
    return _read_project(folder)


def find_project(start: Path) -> Project:
    """Find the nearest folder, from `start` upwards, that has `templates/` and `suites/`."""
    for folder in (start, *start.parents):
        if _is_project(folder):
            return _read_project(folder)
    raise PromptlabError(
        f"no project at {start} or above: no folder has both templates/ and suites/",
        hint="run `promptlab init` there, or name the folder with --project DIR",
    )


def _is_project(folder: Path) -> bool:
    return is_folder(folder / "templates") and is_folder(folder / "suites")


def _read_project(root: Path) -> Project:
    """Read a project's configuration files; where both set a name, the first one counts."""
    backends: dict[str, BackendEntry] = {}
    rule = breaks = None
    for file in CONFIG_FILES:
        path = root / file
        if not exists(path):
            continue
        data = parse_toml(read_text(path, file), file)
        inside = file == "pyproject.toml"
        table = _under(_under(data, "tool"), "promptlab") if inside else data
        prefix = "tool.promptlab." if inside else ""
        for name, entry in _tables(table, file, prefix):
            where = place(file, key=f"{prefix}backends.{name}")
            backends.setdefault(name, _entry(name, entry, where))
        if rule is None and isinstance(table, Mapping) and table.keys() & set(_RULE_TABLES):
            rule = settings.read_rule(table, file, prefix)
        if breaks is None and isinstance(table, Mapping) and "templates" in table:
            breaks = settings.read_templates(table["templates"], file, prefix).line_breaks
    return Project(root, backends, rule or Rule(), breaks != "cut")


def _under(table: object, key: str) -> object:
    return table.get(key, {}) if isinstance(table, Mapping) else table


def _tables(table: object, file: str, prefix: str) -> list[tuple[str, object]]:
    backends = _under(table, "backends")
    if not isinstance(table, Mapping) or not isinstance(backends, Mapping):
        raise PromptlabError(
            "expected a table",
            where=place(file, key=f"{prefix}backends"),
            hint=f"write [{prefix}backends.NAME]",
        )
    for key in table:
        if key not in _TABLES:
            mistaken = unknown("key", key, _TABLES)
            raise mistaken.at(place(file, key=f"{prefix}{key}"))
    return list(backends.items())


def _entry(name: str, entry: object, where: str) -> BackendEntry:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("kind"), str):
        raise PromptlabError(
            "a backend needs a kind", where=where, hint='for example kind = "hf" or "echo"'
        )
    model = entry.get("model")
    if model is not None and not isinstance(model, str):
        raise PromptlabError("the model must be text", where=where, hint='model = "owner/name"')
    options = {key: value for key, value in entry.items() if key not in ("kind", "model")}
    remember_written({"name": name, "kind": entry["kind"], "model": model, **options})
    return BackendEntry(name, str(entry["kind"]), model, options, where)
