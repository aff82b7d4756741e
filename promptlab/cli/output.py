"""How verbs print: one JSON document, tables for people, or a line. Nothing else writes.

All of it passes the doors of `core.streams`, so that whatever a text contains, it is only shown.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from promptlab.core.lazy import lazy_module
from promptlab.core.streams import Ready
from promptlab.core.visible import escaped_in_json

if TYPE_CHECKING:
    from promptlab.report.terminal import screen
else:
    screen = lazy_module("promptlab.report.terminal.screen")


def print_json(document: object) -> None:
    """Write one JSON document to stdout, in which what a terminal would obey is escaped."""
    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    encoder = json.JSONEncoder(indent=2, ensure_ascii=ascii_only, allow_nan=False)
    out = Ready(sys.stdout)
    for piece in encoder.iterencode(document):
        out.write(escaped_in_json(piece))
    out.write("\n")


def print_data(text: str) -> None:
    """Write what another program reads: as it is into a pipe or a file, visible on a terminal."""
    (sys.stdout if sys.stdout.isatty() else Ready(sys.stdout)).write(text)


def say(*lines: str) -> None:
    """Write lines to stdout."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def tell(*lines: str) -> None:
    """Write lines to stderr: what is about the result and no part of it."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def stdout() -> screen.Screen:
    """Return the console for people, 80 columns wide where there is no terminal."""
    return screen.Screen(sys.stdout)
