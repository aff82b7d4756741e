"""Text tables: CSV with the separator that its writer chose, and tabs.

Spreadsheets write semicolons where a comma is the decimal mark, a byte order mark, and `sep=;`
above the header. The separator is found by reading the first rows with each. Text is UTF-8, as in
every file of a project.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from promptlab.core.errors import PromptlabError, place
from promptlab.core.files import decoded, read_bytes

MAX_CELL = 1_000_000  # characters; Python's own limit is 131,072

_COMMON = (",", ";", "\t", "|")
_RARE = ("^", "~", ":", "\x1f", "¦")
_LOOKED_AT = 30  # rows that tell the separator
_SAYS_SEPARATOR = re.compile(r'\A"?sep=([^\n"])"?\n', re.IGNORECASE)


def read_delimited(
    path: Path, file: str, separator: str | None = None
) -> tuple[Iterator[tuple[str, list[str]]], str]:
    """Read the lines of a text table, and its separator; `file` is its name in errors."""
    data = read_bytes(path, file)
    text = decoded(data, file).replace("\r\n", "\n")
    if "\0" in text:  # UTF-16 without its mark is such a text
        line = text.count("\n", 0, text.index("\0")) + 1
        hint = "save the file as UTF-8"
        raise PromptlabError("a table holds no NUL character", where=place(file, line), hint=hint)
    said = _SAYS_SEPARATOR.match(text)
    mark = said[1] if said else separator or separator_of(text)
    above = 1 if said else 0
    return _lines(text[said.end() :] if said else text, mark, file, above), mark


def separator_of(text: str) -> str:
    """Find the separator: all rows have as many cells as the header, and as many as possible.

    A rare one counts only where it fits every row. A table of one column gets the comma.
    """
    csv.field_size_limit(MAX_CELL)
    common = {mark: _widths(text, mark) for mark in _COMMON}
    best = max(_COMMON, key=lambda mark: (_fits(common[mark]), _width(common[mark])))
    if _width(common[best]) > 1:
        return best
    rare = (mark for mark in _RARE if len(found := _widths(text, mark)) > 1 and _fits(found))
    return next(rare, ",")


def _widths(text: str, mark: str) -> list[int]:
    """Return how many cells the first rows have with this separator; none if it is not theirs."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        return [len(cells) for cells in islice(filter(any, reader), _LOOKED_AT)]
    except csv.Error:
        return []


def _width(widths: list[int]) -> int:
    return widths[0] if widths else 0


def _fits(widths: list[int]) -> bool:
    return _width(widths) > 1 and len(set(widths)) == 1


def _lines(text: str, mark: str, file: str, above: int) -> Iterator[tuple[str, list[str]]]:
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    start = above + 1
    try:
        for cells in reader:
            yield place(file, start), cells
            start = above + reader.line_num + 1
    except csv.Error as error:
        raise PromptlabError(
            f"bad CSV: {error}",
            where=place(file, start),
            hint="check the quotes in this row; a cell can hold at most 1 MB",
        ) from None
