"""Small windows over the screen: a line to write, and the list of keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from promptlab.core.visible import is_visible, visible
from promptlab.report.terminal.rating import keys_table
from promptlab.report.terminal.text import DIM, plain_text

_MOST = 500  # characters of a note
_SHOWN = 12  # tags that are offered


class Line(ModalScreen[str | None]):
    """A line to write: a note, or tags. It returns None if it is left with Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", priority=True)]

    def __init__(self, title: str, text: str, known: Sequence[str] = ()) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._known = [tag for tag in known if is_visible(tag)]

    def compose(self) -> ComposeResult:
        """Lay out the line with what helps to fill it."""
        with Vertical(classes="window"):
            yield Static(plain_text(self._title), classes="title")
            yield _Shown(
                self._text, max_length=_MOST, suggester=_Last(self._known) if self._known else None
            )
            if self._known:
                used = ", ".join(self._known[:_SHOWN])
                yield Static(plain_text(f"So far: {used}", DIM))
            keys = "Enter keeps it, Escape leaves it"
            more = ", → completes a tag" if self._known else ""
            yield Static(plain_text(keys + more, DIM))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return what was written."""
        self.dismiss(event.value)

    def action_leave(self) -> None:
        """Return nothing."""
        self.dismiss(None)


class _Shown(Input):
    """A line in which what is pasted is only shown: Textual's own sends it to the terminal."""

    def validate_value(self, value: str) -> str:
        """Return the line with what a terminal would obey spelled out."""
        return visible(value)

    def replace(self, text: str, start: int, end: int) -> None:
        """Put a text in place of another; the cursor stands behind it as it is shown."""
        super().replace(visible(text), start, end)


class _Last(Suggester):
    """Completes the last of several tags that commas separate."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._known = known

    async def get_suggestion(self, value: str) -> str | None:
        before, comma, last = value.rpartition(",")
        begun = last.lstrip()
        if not begun:
            return None
        blank = last[: len(last) - len(begun)]
        found = next((tag for tag in self._known if tag.startswith(begun) and tag != begun), None)
        return None if found is None else f"{before}{comma}{blank}{found}"


class Keys(ModalScreen[None]):
    """All keys. Any key closes it."""

    def __init__(self, rows: list[tuple[str, str]]) -> None:
        super().__init__()
        self._rows = rows

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(classes="window"):
            yield Static(plain_text("Keys"), classes="title")
            yield Static(keys_table(self._rows))
            yield Static(plain_text("Any key closes this", DIM))

    def on_key(self, event: events.Key) -> None:
        """Close it; the key means nothing else."""
        event.stop()
        self.dismiss(None)
