"""How verbs print their results: one JSON document, or tables for people."""

from __future__ import annotations

import json
import sys

from rich.console import Console


def print_json(document: object) -> None:
    """Write one JSON document to stdout."""
    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    json.dump(document, sys.stdout, indent=2, ensure_ascii=ascii_only, allow_nan=False)
    sys.stdout.write("\n")


def stdout() -> Console:
    """Return the console for people, 80 columns wide where there is no terminal."""
    return Console(file=sys.stdout, highlight=False)
