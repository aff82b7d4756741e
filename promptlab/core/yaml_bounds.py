"""The bounds of a YAML document, checked on its events before anything is built from them.

An alias stands for all that its anchor holds: nine of them in a list, nine levels deep, are 387
million values in 400 bytes. What is counted here is what every later walk would meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptlab.core.errors import PromptlabError, place
from promptlab.core.lazy import lazy_module

if TYPE_CHECKING:
    import yaml
else:
    yaml = lazy_module("yaml")  # whoever needs the bounds alone reads JSON or TOML

MAX_DEPTH = 100
"""Levels of lists and keys: no code of ours, and no library, fails at that depth."""

MAX_VALUES = 500_000
"""Values of one document; parsing so many takes some seconds."""

_MAX_ALIASED = 100_000  # values that aliases stand for, beyond those that are written
_MAX_LETTERS = 64_000_000
_ALIASES = "write the values out instead of using aliases"


@dataclass(slots=True)
class _Size:
    """A value and all within it: how many values, how many letters, how many levels."""

    values: int = 1
    letters: int = 0
    levels: int = 0

    def add(self, inner: _Size) -> None:
        """Count a value inside this one."""
        self.values += inner.values
        self.letters += inner.letters
        self.levels = max(self.levels, inner.levels + 1)


@dataclass(slots=True)
class _Open:
    """A list or mapping that has begun: its size so far, and its anchor."""

    size: _Size
    anchor: str | None


def check_bounds(events: Iterable[yaml.Event], file: str, first_line: int) -> None:
    """Raise PromptlabError, with its line, where a document is too deep, too large or in itself."""
    walk = _Walk()
    for event in events:
        problem = walk.meet(event)
        if problem is not None:
            message, hint = problem
            line = first_line + event.start_mark.line if event.start_mark else None
            raise PromptlabError(f"bad YAML: {message}", where=place(file, line), hint=hint)


class _Walk:
    """What has been met of a document: the sizes of anchored values, and what is still open."""

    def __init__(self) -> None:
        self.anchors: dict[str, _Size] = {}
        self.opened: list[_Open] = []
        self.written = 0

    def meet(self, event: yaml.Event) -> tuple[str, str] | None:
        """Take in one event; return what is wrong with the document by now, and the remedy."""
        self.written += 1
        if isinstance(event, yaml.CollectionStartEvent):
            self.opened.append(_Open(_Size(levels=1), event.anchor))
            return self._excess(self.opened[-1].size)
        if isinstance(event, yaml.AliasEvent):
            if any(each.anchor == event.anchor for each in self.opened):
                return f"{event.anchor!r} contains itself", _ALIASES
            return self._add(self.anchors.get(event.anchor or "", _Size()), None)
        if isinstance(event, yaml.ScalarEvent):
            return self._add(_Size(letters=len(event.value)), event.anchor)
        if isinstance(event, yaml.CollectionEndEvent):
            closed = self.opened.pop()
            return self._add(closed.size, closed.anchor)
        return None

    def _add(self, size: _Size, anchor: str | None) -> tuple[str, str] | None:
        """Count a whole value where it stands, and remember it under its anchor."""
        if anchor is not None:
            self.anchors[anchor] = size
        if not self.opened:
            return self._excess(size)
        self.opened[-1].size.add(size)
        return self._excess(self.opened[-1].size)

    def _excess(self, size: _Size) -> tuple[str, str] | None:
        """Return what is too much about a value at the present level, and its remedy."""
        above = max(len(self.opened) - 1, 0)
        if above + size.levels > MAX_DEPTH:
            return "nested too deeply", f"use at most {MAX_DEPTH} levels"
        if self.written > 2 * MAX_VALUES:  # a list or mapping has two events
            return f"more than {MAX_VALUES:,} values", "use JSON Lines for so many"
        if size.values > self.written + _MAX_ALIASED or size.letters > _MAX_LETTERS:
            return "its aliases stand for too many values", _ALIASES
        return None
