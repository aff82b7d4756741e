"""One key of a YAML file of the user's, set or taken out: comments, order and quotes stay.

What comes of it is read again, and must say what the file said but for that key.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString
from ruamel.yaml.util import load_yaml_guess_indent

from promptlab.core.errors import PromptlabError
from promptlab.core.yamlfile import parse_yaml

_WIDTH = 1_000_000  # of a line: none is broken that was not


class _AsWritten(VersionedResolver):
    """Takes every scalar for text, so that `null`, `007` and `yes` are written as they stood."""

    @property
    def versioned_resolver(self) -> dict[str, list[object]]:
        return {}


def with_key(text: str, file: str, key: str, value: str, *, first: bool = False) -> str:
    """Return the mapping `text` with a key set; one that is new comes last, unless it is `first`.

    Raise PromptlabError where `text` is no such mapping; `file` is how its name is told.
    """
    before = _read(text, file)
    told = None if before is None else _told(text, key, _scalar(value), first=first)
    if told is None or before is None or _read(told, file) != {**before, key: value}:
        raise PromptlabError(
            "has no `key: value` lines to add to", where=file, hint=f"write '{key}: {value}' there"
        )
    return told


def without_key(text: str, file: str, key: str) -> str:
    """Return the mapping `text` without a key that has its line for itself; see `with_key`."""
    line = parse_yaml(text, file).lines.get((key,))
    if line is None:
        return text
    lines = text.splitlines(keepends=True)
    told = "".join([*lines[: line - 1], *lines[line:]])
    before = _read(text, file) or {}
    if _read(told, file) != {name: before[name] for name in before if name != key}:
        raise PromptlabError(
            f"the key {key!r} has no line for itself", where=file, hint="take it out by hand"
        )
    return told


def _read(text: str, file: str) -> dict[str, object] | None:
    """Read a mapping as all others read it, None where there is no such thing."""
    try:
        data = parse_yaml(text, file).data
    except PromptlabError:
        return None
    if data is None:
        return {}
    return dict(data) if isinstance(data, Mapping) else None


def _told(text: str, key: str, value: str, *, first: bool) -> str | None:
    """Write the mapping with the key; None where ruamel.yaml cannot read what PyYAML can."""
    lines = text.replace("\r\n", "\n")
    try:
        yaml = _round_trip(lines)
        data = yaml.load(lines)
        above = "" if data is not None or not lines.strip() else f"{lines.rstrip()}\n"
        data = CommentedMap() if data is None else data  # no more than comments
        _set(data, key, value, first=first)
        written = io.StringIO()
        yaml.dump(data, written)
    except YAMLError:
        return None
    told = above + written.getvalue()
    return told.replace("\n", "\r\n") if "\r\n" in text else told


def _round_trip(text: str) -> YAML:
    """Return what reads and writes a text as it is indented, each kind of block in one way."""
    yaml = YAML()
    yaml.Resolver = _AsWritten
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    _, indent, dash = load_yaml_guess_indent(text, yaml=yaml)
    if dash is not None:
        yaml.indent(sequence=indent, offset=dash)
    elif indent is not None:
        yaml.indent(mapping=indent)
    return yaml


def _set(data: CommentedMap, key: str, value: str, *, first: bool) -> None:
    had = data.get(key)
    if isinstance(had, SingleQuotedScalarString | DoubleQuotedScalarString):
        value = type(had)(value)
    if first and key not in data:
        data.insert(0, key, value)
    else:
        data[key] = value


def _scalar(value: str) -> str:
    """Return a text as it must be written to be read as one: `v3` as it stands, '3' in quotes."""
    quoted: str = SingleQuotedScalarString(value)
    return value if _read(f"key: {value}", "") == {"key": value} else quoted
