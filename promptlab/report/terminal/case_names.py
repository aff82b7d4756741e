"""The cases that flipped, by name: one line for those that were won, one for those lost."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

from promptlab.core.flips import Flip
from promptlab.report.terminal.text import plain_text
from promptlab.report.views.measured import flip_view
from promptlab.report.wording import listed

_NAMED = 12  # in a line


def print_flipped(console: Console, flips: Iterable[Flip]) -> None:
    """Print which cases were lost and which were won."""
    views = [flip_view(flip) for flip in flips]
    for kind in ("lost", "won"):
        names = [view.flip.case_id for view in views if view.kind == kind]
        if names:
            console.print(plain_text(f"{kind}: {listed(list(dict.fromkeys(names)), _NAMED)}"))
