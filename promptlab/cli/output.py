"""How verbs print: one JSON document, tables for people, or a line. Nothing else writes.

All of it passes the doors of `core.streams`, so that whatever a text contains, it is only shown.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from promptlab.core.lazy import lazy_module
from promptlab.core.streams import Ready
from promptlab.core.visible import escaped_in_json

if TYPE_CHECKING:
    import json

    from promptlab.report.terminal import screen
else:
    json = lazy_module("json")
    screen = lazy_module("promptlab.report.terminal.screen")

ValueT = TypeVar("ValueT")
_AT_ONCE = 5_000  # pieces of JSON, of which each number, text and bracket is one


def print_json(document: object) -> None:
    """Write one JSON document to stdout, in which what a terminal would obey is escaped."""
    out = Ready(sys.stdout)
    pieces = _encoder().iterencode(document)
    while text := "".join(islice(pieces, _AT_ONCE)):
        out.write(escaped_in_json(text))
    out.write("\n")


def print_json_with(document: Mapping[str, object], key: str, items: Iterable[object]) -> None:
    """Write a JSON document of which the list `key`, its last, is written item by item.

    It reads as if `print_json` had written it, and takes no more memory than one of the items.
    """
    encode, out = _encoder().encode, Ready(sys.stdout)
    out.write("{")
    for name, value in document.items():
        out.write(_indented(f'\n"{name}": {encode(value)},', 1))
    out.write(_indented(f'\n"{key}": [', 1))
    comma = ""
    for item in items:
        out.write(f"{comma}{_indented(chr(10) + encode(item), 2)}")
        comma = ","
    out.write(_indented("\n]" if comma else "]", 1) + "\n}\n")


def _indented(text: str, levels: int) -> str:
    """Return JSON deeper in a document, escaped; within its texts there is no line break."""
    return escaped_in_json(text.replace("\n", "\n" + "  " * levels))


def _encoder() -> json.JSONEncoder:
    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    return json.JSONEncoder(indent=2, ensure_ascii=ascii_only, allow_nan=False)


def print_data(text: str) -> None:
    """Write what another program reads: as it is into a pipe or a file, visible on a terminal."""
    (sys.stdout if sys.stdout.isatty() else Ready(sys.stdout)).write(text)


def write_pieces(pieces: Generator[str, None, ValueT]) -> ValueT:
    """Write data piece by piece, as `print_data` does; return what the pieces end with."""
    out = sys.stdout if sys.stdout.isatty() else Ready(sys.stdout)
    while True:
        try:
            piece = next(pieces)
        except StopIteration as end:
            value: ValueT = end.value
            return value
        out.write(piece)


def say(*lines: str) -> None:
    """Write lines to stdout."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def say_at_once(text: str) -> None:
    """Write a piece of a line to stdout, to be seen before the line ends."""
    sys.stdout.write(text)
    sys.stdout.flush()


def tell(*lines: str) -> None:
    """Write lines to stderr: what is about the result and no part of it."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def stdout() -> screen.Screen:
    """Return the console for people, 80 columns wide where there is no terminal."""
    return screen.Screen(sys.stdout)
