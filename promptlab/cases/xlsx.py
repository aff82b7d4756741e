"""The first sheet of an Excel workbook, as text: what a CSV of it would hold.

Only what the reader needs of the format, with the standard library: strings, numbers, dates and the
stored results of formulas. Bounded in size, and no entity is ever declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from promptlab.cases.sheet_values import DateSystem, Format, number_text
from promptlab.cases.workbook import Workbook, open_workbook
from promptlab.core.errors import PromptlabError, place

_MAX_CELLS = 5_000_000  # of the sheet as a rectangle
_COLUMNS = 16_384  # of any sheet
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_CODED = re.compile("_x([0-9A-Fa-f]{4})_")


def read_sheet(path: Path, file: str) -> Iterator[tuple[str, list[str]]]:
    """Read the rows of the first visible sheet; `file` is its name in errors."""
    workbook = open_workbook(path, file)
    texts = _shared_texts(workbook)
    sheet = _Sheet(workbook, texts, file)
    workbook.walk(workbook.sheet, sheet.start, sheet.end, sheet.text)
    return iter(sheet.lines)


def _shared_texts(workbook: Workbook) -> list[str]:
    """Return the texts that cells refer to by number."""
    texts = _Texts()
    workbook.walk("xl/sharedStrings.xml", texts.start, texts.end, texts.text)
    return texts.found


class _Texts:
    """Collects the shared texts; how Japanese names are pronounced is left out."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._parts: list[str] = []
        self._in_text = False
        self._aside = 0

    def start(self, name: str, _: Mapping[str, str]) -> None:
        if name == "si":
            self._parts = []
        elif name == "rPh":
            self._aside += 1
        self._in_text = name == "t" and not self._aside

    def end(self, name: str) -> None:
        self._in_text = False
        if name == "si":
            self.found.append(plain("".join(self._parts)))
        elif name == "rPh":
            self._aside -= 1

    def text(self, data: str) -> None:
        if self._in_text:
            self._parts.append(data)


class _Sheet:
    """Collects the rows of one sheet."""

    def __init__(self, workbook: Workbook, texts: list[str], file: str) -> None:
        self.lines: list[tuple[str, list[str]]] = []
        self._formats: list[Format] = workbook.formats
        self._dates: DateSystem = workbook.dates
        self._texts = texts
        self._file = file
        self._row = 0
        self._width = 0
        self._cells: dict[int, str] = {}
        self._size = 0
        self._next = 0
        self._attributes: Mapping[str, str] = {}
        self._inside = ""
        self._value: list[str] = []
        self._has_formula = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "row":
            given = attributes.get("r", "")
            self._row = int(given) if given.isdecimal() and len(given) < 8 else self._row + 1
            self._cells, self._next = {}, 0
        elif name == "c":
            self._attributes, self._value, self._has_formula = attributes, [], False
        elif name == "f":
            self._has_formula = True
        self._inside = name

    def text(self, data: str) -> None:
        if self._inside in ("v", "t"):
            self._value.append(data)

    def end(self, name: str) -> None:
        self._inside = "c" if name in ("v", "t", "f") else ""
        if name == "c":
            column = self._column()
            self._next = column + 1
            value = self._cell_text("".join(self._value), f"{_letters(column)}{self._row}")
            if value:
                self._cells[column] = value
        elif name == "row" and self._cells:
            self._end_row()

    def _end_row(self) -> None:
        self._width = max(self._width, max(self._cells) + 1)
        self._size += self._width
        if self._size > _MAX_CELLS:
            raise PromptlabError(
                f"the sheet has more than {_MAX_CELLS:,} cells",
                where=self._file,
                hint="save it as CSV, or leave out columns",
            )
        cells = [self._cells.get(at, "") for at in range(self._width)]
        self.lines.append((place(self._file, key=f"row {self._row}"), cells))

    def _column(self) -> int:
        """Return the cell's column, counted from 0; a cell without a reference is the next one."""
        match = _REFERENCE.fullmatch(self._attributes.get("r", ""))
        column = self._next
        if match:
            column = 0
            for letter in match[1]:
                column = column * 26 + ord(letter) - ord("A") + 1
            column -= 1
        if column >= _COLUMNS:
            raise PromptlabError(
                f"the sheet has more than {_COLUMNS:,} columns",
                where=place(self._file, key=f"row {self._row}"),
                hint="save it again",
            )
        return column

    def _cell_text(self, value: str, cell: str) -> str:
        kind = self._attributes.get("t", "n")
        if not value:
            if self._has_formula and kind != "str":
                self._fail(
                    "a formula without a stored result", cell, "open the file, save it again"
                )
            return ""
        if kind == "e":
            self._fail(f"the error {value[:20]}", cell, "fix the formula, or empty the cell")
        if kind == "s":
            return self._shared(value, cell)
        if kind == "b":
            return "true" if value == "1" else "false"
        if kind == "n":
            return self._number(value, cell)
        return plain(value)

    def _shared(self, value: str, cell: str) -> str:
        if not (value.isdecimal() and len(value) < 10 and int(value) < len(self._texts)):
            self._fail("a text that is not in the file", cell, "save the file again")
        return self._texts[int(value)]

    def _number(self, value: str, cell: str) -> str:
        style = self._attributes.get("s", "0")
        known = style.isdecimal() and len(style) < 8 and int(style) < len(self._formats)
        text = number_text(value, self._formats[int(style)] if known else Format(), self._dates)
        if text is None:
            self._fail(f"{value[:20]!r}, which is no number", cell, "save the file again")
        return text

    def _fail(self, what: str, cell: str, hint: str) -> NoReturn:
        raise PromptlabError(f"the cell holds {what}", where=place(self._file, key=cell), hint=hint)


def plain(text: str) -> str:
    """Return a text without what Excel writes for control characters; lines end in LF."""
    if "_x" in text:
        text = _CODED.sub(lambda match: chr(int(match[1], 16)), text)
    return text.replace("\r\n", "\n")


def _letters(column: int) -> str:
    """Return a column's name: A, Z, AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
