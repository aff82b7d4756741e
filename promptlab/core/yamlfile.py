"""YAML with line numbers: every value knows its line, and every error names it.

Plain values are read as in JSON: only `true` and `false` are booleans (not `yes`, `no`, `on`,
`off`), and dates, times and numbers with leading zeros stay text, so a list of labels such as
`[yes, no, 007, 12:30]` means what it says. A number remembers how it was written. Knows nothing of
templates, suites or cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from promptlab.core.errors import PromptlabError, place
from promptlab.core.numbers import read_float, read_int
from promptlab.core.plugins import unknown
from promptlab.core.validation import shown, wrong_value
from promptlab.core.yaml_bounds import check_bounds

KeyPath = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

_Base: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc, valid-type] # the C loader where there is one
    pass


_RESOLVERS = (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    (
        "float",
        r"-?(?:0|[1-9][0-9]*)?(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|(?<=[0-9])[eE][-+]?[0-9]+)",
        "-.0123456789",
    ),
    ("merge", r"<<", "<"),
)
_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in _RESOLVERS:
    _tag = f"tag:yaml.org,2002:{_name}"
    _starts = [character.strip("\0") for character in _first]
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), _starts)


def _number(loader: Any, node: yaml.ScalarNode) -> object:
    """Construct a number that remembers its spelling, and a tagged one as the library does."""
    kind = node.tag.rpartition(":")[2]
    if not _NUMBERS[kind].fullmatch(node.value):
        return getattr(loader, f"construct_yaml_{kind}")(node)
    return read_int(node.value) if kind == "int" else read_float(node.value)


_NUMBERS = {name: re.compile(pattern) for name, pattern, _ in _RESOLVERS}
for _name in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", _number)


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A parsed file: its data, and the line of each key path."""

    file: str
    data: object
    lines: Mapping[KeyPath, int]

    def where(self, path: KeyPath = ()) -> str:
        """Return the place of a key path, or of its nearest parent that is in the file."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        return place(self.file, self.lines.get(known), _dotted(path) or None)


def parse_yaml(text: str, file: str, *, first_line: int = 1) -> YamlDocument:
    """Parse one YAML document; `first_line` is where it starts in its file."""
    loader = None
    try:
        check_bounds(yaml.parse(text, _Loader), file, first_line)
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return YamlDocument(file, None, {})
        lines = dict(_Lines(file, first_line).walk(root, ()))
        return YamlDocument(file, loader.construct_document(root), lines)
    except yaml.YAMLError as error:
        raise _bad_yaml(error, file, first_line) from None
    except RecursionError:
        raise PromptlabError(
            "bad YAML: nested too deeply", where=place(file), hint="use fewer levels"
        ) from None
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ):  # `!!int x`, or a number with thousands of digits
        raise PromptlabError(
            "bad YAML: a value does not fit its type",
            where=place(file),
            hint="quote it, and leave out tags such as !!int",
        ) from None
    finally:
        if loader is not None:
            loader.dispose()


def _bad_yaml(error: yaml.YAMLError, file: str, first_line: int) -> PromptlabError:
    mark = getattr(error, "problem_mark", None)
    problem: str = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    if problem.startswith("but "):
        problem = f"{getattr(error, 'context', 'expected something else')}, {problem}"
    return PromptlabError(
        f"bad YAML: {problem.splitlines()[0]}",
        where=place(file, first_line + mark.line if mark else None),
        hint="check indentation, and quote values that contain ': ' or start with a symbol",
    )


class _Lines:
    """Finds the line of every key path of a document."""

    def __init__(self, file: str, first_line: int) -> None:
        self.file = file
        self.first_line = first_line
        self.walked: set[int] = set()

    def walk(self, node: yaml.Node, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
        """Yield key paths with their lines; a node that aliases repeat is walked once."""
        yield path, node.start_mark.line + self.first_line
        if id(node) in self.walked:
            return
        self.walked.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                yield from self.walk(item, (*path, index))
        elif isinstance(node, yaml.MappingNode):
            yield from self._walk_keys(node, path)

    def _walk_keys(self, node: yaml.MappingNode, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            line = key.start_mark.line + self.first_line
            if name in seen and name != "<<":
                raise PromptlabError(
                    f"the key {name!r} appears twice",
                    where=place(self.file, line, _dotted((*path, name))),
                    hint="keep one of them",
                )
            seen.add(name)
            yield from self.walk(value, (*path, name))
            yield (*path, name), line


def check(model: type[Model], document: YamlDocument) -> Model:
    """Validate a document with a pydantic model; raise the first error with its place."""
    data = {} if document.data is None else document.data
    if not isinstance(data, Mapping):
        raise PromptlabError(
            f"expected keys and values, found {shown(data)}",
            where=document.where(),
            hint="write `key: value` lines",
        )
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _first_mistake(error, model, document) from None


def _first_mistake(
    error: ValidationError, model: type[BaseModel], document: YamlDocument
) -> PromptlabError:
    mistakes = sorted(error.errors(), key=lambda mistake: mistake["type"] != "extra_forbidden")
    path = _path_of(mistakes[0], document)
    if mistakes[0]["type"] == "extra_forbidden":
        mistaken = unknown("key", str(path[-1]), _fields_at(model, path[:-1]))
        return mistaken.at(document.where(path))
    if mistakes[0]["type"] == "missing":
        return PromptlabError(
            f"the key {path[-1]!r} is missing", where=document.where(path), hint="add it"
        )
    # Each member of a union reports an error; the one that got deepest was meant.
    inside = [(p, m) for m in mistakes if (p := _path_of(m, document))[: len(path)] == path]
    deepest = max((p for p, _ in inside), key=len)
    message, hint = wrong_value([mistake for p, mistake in inside if p == deepest])
    return PromptlabError(message, where=document.where(deepest), hint=hint)


def _path_of(mistake: ErrorDetails, document: YamlDocument) -> KeyPath:
    """Return the key path of an error, without what pydantic inserts for members of a union."""
    path: KeyPath = ()
    for part in mistake["loc"]:
        if (*path, part) in document.lines:
            path = (*path, part)
    return (*path, mistake["loc"][-1]) if mistake["type"] == "missing" else path


def _fields_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """List the keys allowed at `path`, following nested models."""
    current: object = model
    for part in path:
        fields = getattr(current, "model_fields", {})
        if part in fields:
            current = fields[part].annotation
    fields = getattr(current, "model_fields", {})
    return [info.alias or name for name, info in fields.items()]


def _dotted(path: KeyPath) -> str:
    return ".".join(str(part) for part in path)
