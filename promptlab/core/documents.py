"""JSON and TOML, read within bounds: whatever a text holds, its reader ends soon and says why not.

YAML, with a line for every value, is up to `yamlfile`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NoReturn

from promptlab.core.errors import PromptlabError, place
from promptlab.core.lazy import lazy_module
from promptlab.core.numbers import read_float, read_int
from promptlab.core.yaml_bounds import MAX_DEPTH

if TYPE_CHECKING:
    import tomllib
else:
    tomllib = lazy_module("tomllib")

MAX_WHOLE = 2**63 - 1
"""The largest whole number that every store and server can hold."""

_DOTS = 200  # of a key in TOML: the library's time grows with the square of their number
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
_LINE = re.compile(r"line (\d+)")
_HOLDERS = (dict, list)  # what holds other values in JSON and TOML
_TOO_DEEP = f"use at most {MAX_DEPTH} levels"


class _NotJson(ValueError):
    """Raised for NaN and Infinity, which Python's parser would accept."""


def parse_json(text: str, file: str, line: int = 1) -> object:
    """Parse a JSON text that begins at `line` of a file; its numbers remember their spelling."""
    where = place(file, line)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise PromptlabError(
            f"bad JSON: {error.msg[:1].lower()}{error.msg[1:]}",
            where=place(file, line + error.lineno - 1),
            hint=f"look at column {error.colno}",
        ) from None
    except _NotJson as error:
        raise PromptlabError(
            f"bad JSON: {error} is not JSON", where=where, hint="use null"
        ) from None
    except ValueError:  # Python rejects integers of more than 4300 digits
        raise PromptlabError(
            "bad JSON: a number is too long", where=where, hint="put it in quotes"
        ) from None
    except RecursionError:
        _too_deep("JSON", where)
    if text.count("{") + text.count("[") > MAX_DEPTH and deeper_than(value, MAX_DEPTH):
        _too_deep("JSON", where)
    return value


def parse_toml(text: str, file: str) -> dict[str, object]:
    """Parse a TOML text; its numbers fit 64 bits, as TOML wants it."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > _DOTS and _STRINGS.sub("", line).count(".") > _DOTS:
            _too_deep("TOML", place(file, number))
    try:
        data: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, at = str(error).partition(" (at ")
        line_found = _LINE.search(at)
        raise PromptlabError(
            f"bad TOML: {message[:1].lower()}{message[1:]}",
            where=place(file, int(line_found[1]) if line_found else None),
            hint="check quotes and brackets",
        ) from None
    except ValueError:
        raise PromptlabError(
            "bad TOML: a number is too long", where=file, hint="put it in quotes"
        ) from None
    except RecursionError:
        _too_deep("TOML", file)
    if deeper_than(data, MAX_DEPTH):
        _too_deep("TOML", file)
    if _holds_huge(data):
        raise PromptlabError(
            "bad TOML: a whole number has more than 64 bits", where=file, hint="put it in quotes"
        )
    return data


def deeper_than(value: object, most: int) -> bool:
    """Return whether a value of JSON or TOML has more than so many levels of lists and keys."""
    level = [value] if isinstance(value, _HOLDERS) else []
    for _ in range(most):
        inner: list[object] = []
        for each in level:
            inner.extend(each.values() if isinstance(each, dict) else each)
        if not inner:
            return False
        level = [each for each in inner if isinstance(each, _HOLDERS)]
    return bool(level)


def _holds_huge(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_huge, value.values()))
    if isinstance(value, list):
        return any(map(_holds_huge, value))
    return isinstance(value, int) and not -MAX_WHOLE - 1 <= value <= MAX_WHOLE


def _too_deep(kind: str, where: str) -> NoReturn:
    raise PromptlabError(f"bad {kind}: nested too deeply", where=where, hint=_TOO_DEEP)


def _no_constant(name: str) -> NoReturn:
    raise _NotJson(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_int=read_int, parse_float=read_float)
