"""Values as cells of a sheet or in XML: what a program would obey or cannot hold is spelled out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from promptlab.core.visible import is_visible, visible
from promptlab.exporters.runs.layout import as_text

# What a sheet takes for the beginning of a formula, also after blanks and in full width; behind
# apostrophes, so that one that was put before it can be told from one that was there.
_FORMULA = re.compile(r"'*[\s\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_OBEYED_FIRST = re.compile(r"'*[\t\r\n]")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_NO_CHARACTER = re.compile("[\ufffe\uffff]")  # of Unicode, and so of XML


@dataclass(slots=True)
class Said:
    """What is to be told of a file: its trials, and the cells that are not as they were.

    `spelled` have characters spelled out, `marked` an apostrophe before what would be a formula.
    """

    trials: int = 0
    spelled: int = 0
    marked: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Return a line for each thing that was changed."""
        notes = []
        if self.spelled:
            notes.append(
                f"{_cells(self.spelled)} control characters, spelled out as ^[ or <U+202E>; in"
                " jsonl and parquet they stand as they are"
            )
        if self.marked:
            notes.append(
                f"{_cells(self.marked)} what a sheet would take for a formula, with an apostrophe"
                " before it"
            )
        return tuple(notes)

    def text(self, text: str) -> str:
        """Return a text whose line breaks are LF, with control characters spelled out."""
        unified = text.replace("\r\n", "\n")
        if is_visible(unified) and not _NO_CHARACTER.search(unified):
            return unified
        self.spelled += 1
        return _NO_CHARACTER.sub(lambda match: f"<U+{ord(match[0]):04X}>", visible(unified))

    def cell(self, value: object) -> str | int | float | bool | None:
        """Return a value as a cell: a number, a verdict, or a text."""
        if isinstance(value, (bool, int, float)) or value is None:
            return value
        if isinstance(value, tuple):
            return self.text(", ".join(map(str, value)))
        return self.text(as_text(value) or "")  # type: ignore[arg-type] # a value of a case

    def harmless(self, text: str) -> str:
        """Return a text that no sheet takes for a formula; a plain number is none."""
        if _NUMBER.fullmatch(text) or not (_FORMULA.match(text) or _OBEYED_FIRST.match(text)):
            return text
        self.marked += 1
        return f"'{text}"


def _cells(number: int) -> str:
    return "1 cell has" if number == 1 else f"{number:,} cells have"
