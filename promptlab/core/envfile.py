"""The file `.env` of a project: names and values, within bounds.

A value may name earlier ones as `${NAME}`: what they stand for together is bounded too.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module

if TYPE_CHECKING:
    from dotenv import main as dotenv
else:
    dotenv = lazy_module("dotenv.main")

MAX_BYTES = 256_000
# Possessive, and without `{` in a name: the library's own pattern takes a minute for `${${${...`.
_REFERENCE = re.compile(r"\$\{(?P<name>[^{}:]*+)(?::-(?P<default>[^}]*+))?\}")
_MAX_VALUE = 32_000  # letters; Windows takes no longer variable, and nobody writes one


def parse_env(text: str, file: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Parse a text of `NAME=value` lines; references see `environment`, then earlier lines."""
    values: dict[str, str] = {}
    known: dict[str, str | None] = dict(environment)
    for name, value in dotenv.DotEnv(None, stream=io.StringIO(text), interpolate=False).parse():
        if value is not None:
            known[name] = values[name] = _filled_in(name, value, file, known)
    return values


def _filled_in(name: str, value: str, file: str, known: Mapping[str, str | None]) -> str:
    """Return the value with what its references stand for, as the library would, but bounded."""
    parts: list[str] = []
    length = len(value)
    cursor = 0
    for match in _REFERENCE.finditer(value) if length <= _MAX_VALUE else ():
        parts += [value[cursor : match.start()], _value_of(match, known)]
        length += len(parts[-1])
        cursor = match.end()
        if length > _MAX_VALUE:
            break
    if length > _MAX_VALUE:
        raise PromptlabError(
            f"the value of {name} is longer than {_MAX_VALUE:,} characters",
            where=file,
            hint="shorten it, or write it without ${...}",
        )
    return "".join([*parts, value[cursor:]])


def _value_of(match: re.Match[str], known: Mapping[str, str | None]) -> str:
    return known.get(match["name"], match["default"] or "") or ""
