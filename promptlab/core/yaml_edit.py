"""Set or remove one key in a user's YAML file: comments, order and quotes stay.

The result is read again, and must equal what the file said except for that key.
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

_WIDTH = 1_000_000  # of a line: no line is wrapped that was not


class _AsWritten(VersionedResolver):
    """Treats every scalar as text, so that `null`, `007` and `yes` are written unchanged."""

    @property
    def versioned_resolver(self) -> dict[str, list[object]]:
        return {}


def with_key(text: str, file: str, key: str, value: str, *, first: bool = False) -> str:
    """Return the mapping `text` with a key set; a new one is added last, or first if `first`.

    Raise PromptlabError where `text` is not such a mapping; `file` is its name in errors.
    """
    before = _read(text, file)
    edited = None if before is None else _edited(text, key, _scalar(value), first=first)
    if edited is None or before is None or _read(edited, file) != {**before, key: value}:
        raise PromptlabError(
            "has no `key: value` lines to add to", where=file, hint=f"write '{key}: {value}' there"
        )
    return edited


def without_key(text: str, file: str, key: str) -> str:
    """Return the mapping `text` without a key that has a line of its own; see `with_key`."""
    line = parse_yaml(text, file).lines.get((key,))
    if line is None:
        return text
    lines = text.splitlines(keepends=True)
    edited = "".join([*lines[: line - 1], *lines[line:]])
    before = _read(text, file) or {}
    if _read(edited, file) != {name: before[name] for name in before if name != key}:
        raise PromptlabError(
            f"the key {key!r} has no line of its own", where=file, hint="remove it by hand"
        )
    return edited


def _read(text: str, file: str) -> dict[str, object] | None:
    """Read a mapping as every other reader does, None where `text` is not one."""
    try:
        data = parse_yaml(text, file).data
    except PromptlabError:
        return None
    if data is None:
        return {}
    return dict(data) if isinstance(data, Mapping) else None


def _edited(text: str, key: str, value: str, *, first: bool) -> str | None:
    """Return the mapping with the key set; None where ruamel.yaml cannot read what PyYAML can."""
    lines = text.replace("\r\n", "\n")
    try:
        yaml = _round_trip(lines)
        data = yaml.load(lines)
        above = "" if data is not None or not lines.strip() else f"{lines.rstrip()}\n"
        data = CommentedMap() if data is None else data  # comments only
        _set(data, key, value, first=first)
        written = io.StringIO()
        yaml.dump(data, written)
    except YAMLError:
        return None
    edited = above + written.getvalue()
    return edited.replace("\n", "\r\n") if "\r\n" in text else edited


def _round_trip(text: str) -> YAML:
    """Return a reader and writer that keeps the text's indentation, one for each kind of block."""
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
    before = data.get(key)
    if isinstance(before, SingleQuotedScalarString | DoubleQuotedScalarString):
        value = type(before)(value)
    if first and key not in data:
        data.insert(0, key, value)
    else:
        data[key] = value


def _scalar(value: str) -> str:
    """Return a text as it must be written to be read as text: `v3` bare, '3' in quotes."""
    quoted: str = SingleQuotedScalarString(value)
    return value if _read(f"key: {value}", "") == {"key": value} else quoted
