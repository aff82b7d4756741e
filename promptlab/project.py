"""A project: the folder with `templates/` and `suites/`, and the backends it names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from promptlab.errors import PromptlabError, place
from promptlab.keys import url_holds_key
from promptlab.registry import unknown
from promptlab.yamlfile import read_text

DATABASE = "promptlab.db"
CONFIG_FILES = ("promptlab.toml", "pyproject.toml")

_LINE = re.compile(r"line (\d+)")


@dataclass(frozen=True, slots=True)
class BackendEntry:
    """A backend as the project names it: kind, model and options, and where that is written."""

    name: str
    kind: str
    model: str | None
    options: Mapping[str, object]
    where: str


@dataclass(frozen=True, slots=True)
class Project:
    """The folder of a project and its configured backends by name."""

    root: Path
    backends: Mapping[str, BackendEntry]

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
            raise unknown("backend", name, [*self.backends, "echo", "kind:model"])
        model, at, url = rest.partition("@http")
        options: dict[str, object] = {"base_url": "http" + url} if at else {}
        shown = f"{kind}:{model}@..." if at and url_holds_key("http" + url) else name
        return BackendEntry(name, kind, model or None, options, f"backend {shown!r}")


def open_project(folder: Path) -> Project:
    """Open the project in this very folder."""
    if not ((folder / "templates").is_dir() and (folder / "suites").is_dir()):
        raise PromptlabError(
            f"{folder} is no project: it has no templates/ and suites/",
            hint="name the folder that has both, or run `promptlab init` there",
        )
    return Project(folder, _read_backends(folder))


def find_project(start: Path) -> Project:
    """Find the nearest folder, from `start` upwards, that has `templates/` and `suites/`."""
    for folder in (start, *start.parents):
        if (folder / "templates").is_dir() and (folder / "suites").is_dir():
            return Project(folder, _read_backends(folder))
    raise PromptlabError(
        f"no project at {start} or above: no folder has both templates/ and suites/",
        hint="run `promptlab init` there, or name the folder with --project DIR",
    )


def _read_backends(root: Path) -> dict[str, BackendEntry]:
    found: dict[str, BackendEntry] = {}
    for file in CONFIG_FILES:
        path = root / file
        if not path.exists():
            continue
        try:
            data = tomllib.loads(read_text(path, file))
        except tomllib.TOMLDecodeError as error:
            raise _bad_toml(error, file) from None
        except RecursionError:
            raise PromptlabError(
                "bad TOML: nested too deeply", where=file, hint="use fewer levels"
            ) from None
        inside = file == "pyproject.toml"
        table = _under(_under(data, "tool"), "promptlab") if inside else data
        prefix = "tool.promptlab.backends" if inside else "backends"
        for name, entry in _tables(table, file, prefix):
            found.setdefault(name, _entry(name, entry, place(file, key=f"{prefix}.{name}")))
    return found


def _bad_toml(error: tomllib.TOMLDecodeError, file: str) -> PromptlabError:
    message, _, at = str(error).partition(" (at ")
    line = _LINE.search(at)
    return PromptlabError(
        f"bad TOML: {message[:1].lower()}{message[1:]}",
        where=place(file, int(line[1]) if line else None),
        hint="check quotes and brackets",
    )


def _under(table: object, key: str) -> object:
    return table.get(key, {}) if isinstance(table, Mapping) else table


def _tables(table: object, file: str, prefix: str) -> list[tuple[str, object]]:
    backends = _under(table, "backends")
    if not isinstance(table, Mapping) or not isinstance(backends, Mapping):
        raise PromptlabError(
            "expected a table", where=place(file, key=prefix), hint=f"write [{prefix}.NAME]"
        )
    for key in table:
        if key != "backends":
            told = unknown("key", key, ["backends"])
            where = place(file, key=f"{prefix.removesuffix('backends')}{key}")
            raise PromptlabError(told.message, where=where, hint=told.hint)
    return list(backends.items())


def _entry(name: str, entry: object, where: str) -> BackendEntry:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("kind"), str):
        raise PromptlabError(
            "a backend needs its kind", where=where, hint='for example kind = "hf" or "echo"'
        )
    model = entry.get("model")
    if model is not None and not isinstance(model, str):
        raise PromptlabError("the model is a text", where=where, hint='model = "owner/name"')
    options = {key: value for key, value in entry.items() if key not in ("kind", "model")}
    return BackendEntry(name, str(entry["kind"]), model, options, where)
