"""The formats of JSON Schema that the library checks only together with further packages.

What it checks by itself (dates, addresses of mail and of the internet protocol, UUIDs) is its own.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import regex
from jsonschema import FormatChecker

_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
_HOST = r"(?!-)[a-z\d-]{1,63}(?<!-)"
# What may stand in a URI, but for its scheme; in an IRI, letters of all scripts as well.
_URI_REST = r"(?:[\w\-.~:/?#\[\]@!$&'()*+,;=]|%[\da-f]{2})*+"
_IRI_REST = r"(?:[^\s\x00-\x20<>\"{}|\\^`%]|%[\da-f]{2})*+"
_POINTER = r"(?:/(?:[^~/]|~[01])*+)*+"
_SCHEME = r"[a-z][a-z\d+.-]*+:"

_ASCII, _ANY = regex.I | regex.A, regex.I
_PATTERNS = {
    "date-time": (rf"\d{{4}}-\d\d-\d\d[Tt ]{_TIME}", _ASCII),
    "time": (_TIME, _ASCII),
    "duration": (
        r"P(?!\Z)(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?!\Z)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?)",
        _ASCII,
    ),
    "hostname": (rf"(?=.{{1,253}}\Z){_HOST}(?:\.{_HOST})*+", _ASCII),
    "uri": (_SCHEME + _URI_REST, _ASCII),
    "uri-reference": (_URI_REST, _ASCII),
    "iri": (_SCHEME + _IRI_REST, _ANY),
    "iri-reference": (_IRI_REST, _ANY),
    "uri-template": (r"(?:[^\s<>\"\\^`{}|]|\{[^\s{}]+\})*+", _ANY),
    "json-pointer": (_POINTER, _ANY),
    "relative-json-pointer": (rf"(?:0|[1-9]\d*)(?:#|{_POINTER})", _ANY),
}
# Formats that only later drafts have mean nothing in earlier ones.
_SINCE_2019 = {"duration", "uuid"}
_SINCE_7 = {"time", "iri", "iri-reference", "relative-json-pointer", "date", "idn-hostname"}
_SINCE_6 = {"uri-reference", "uri-template", "json-pointer"}
_LATER = {
    "draft-03": (_SINCE_6 | _SINCE_7 | _SINCE_2019 | {"hostname"}) - {"time", "date"},
    "draft-04": _SINCE_6 | _SINCE_7 | _SINCE_2019,
    "draft-06": _SINCE_7 | _SINCE_2019,
    "draft-07": _SINCE_2019,
}


def format_checker(draft: Any) -> FormatChecker:
    """Return the checks of all formats that this draft has: the library's, else those here."""
    checker = FormatChecker(formats=())
    checker.checkers = dict(draft.FORMAT_CHECKER.checkers)
    dialect = str(draft.META_SCHEMA.get("$schema", ""))
    later = next((names for part, names in _LATER.items() if part in dialect), frozenset[str]())
    for name in _PATTERNS.keys() - checker.checkers.keys() - later:
        checker.checkers[name] = (_check(name), ValueError)
    return checker


def _check(name: str) -> Callable[[object], bool]:
    source, flags = _PATTERNS[name]
    pattern = regex.compile(source, flags)

    def holds(instance: object) -> bool:
        if not isinstance(instance, str):
            return True
        if not pattern.fullmatch(instance):
            return False
        if name == "date-time":
            datetime.date.fromisoformat(instance[:10])  # a ValueError is no date
        return True

    return holds
