"""What a terminal would show, as plain text."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TypeVar

from rich.console import Console

from promptlab.report.terminal.screen import Screen

_WIDTH = 80
View = TypeVar("View")


def as_text(render: Callable[[Console, View], None], view: View) -> str:
    """Return what a renderer prints of a view, in 80 columns and without colour."""
    page = io.StringIO()
    console = Screen(page, _WIDTH, color_system=None)
    render(console, view)
    return page.getvalue().rstrip("\n")
