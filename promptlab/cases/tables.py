"""Tables: a header and rows of text, as spreadsheets and other programs write them.

One reader for the cases of a suite and for outcomes to import, whatever the format of the file. A
row without content is no row, and an unnamed column without content is no column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.cases.delimited import read_delimited
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module

if TYPE_CHECKING:
    from promptlab.cases import xlsx
else:
    xlsx = lazy_module("promptlab.cases.xlsx")

Line = tuple[str, Sequence[str]]
"""The cells of a row, with its place."""

SUFFIXES = (".csv", ".tsv", ".xlsx")
MAX_COLUMNS = 16_384  # of any spreadsheet


class Cells(dict[str, str]):
    """A row of a table. All values are text, and a blank one may stand for an unknown.

    `header` is the place of the line that names the columns.
    """

    header: str = ""


def read_table(path: Path, file: str) -> Iterator[tuple[str, Cells]]:
    """Read the rows of a table with their places; `file` is its name in errors."""
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        return rows_of(xlsx.read_sheet(path, file), "use one column for each name")
    lines, separator = read_delimited(path, file, "\t" if suffix == ".tsv" else None)
    name = {",": "a comma", ";": "a semicolon", "\t": "a tab"}.get(separator, repr(separator))
    return rows_of(lines, f"quote cells that contain {name} or a line break")


def rows_of(lines: Iterable[Line], hint: str) -> Iterator[tuple[str, Cells]]:
    """Turn lines into rows; the first with content is the header. Linear in the cells.

    `hint` is the remedy for a row that does not fit the header.
    """
    filled = ((where, cells) for where, cells in lines if not all(map(is_blank, cells)))
    where, names = next(filled, ("", ()))
    header = _Header(where, names)
    for place, cells in filled:
        yield place, header.row(place, cells, hint)


def is_blank(cell: str) -> bool:
    """Return whether a cell has no content."""
    return not cell or cell.isspace()


class _Header:
    """The names of a table's columns, where they are, and how many cells a row has."""

    def __init__(self, where: str, names: Sequence[str]) -> None:
        if len(names) > MAX_COLUMNS:
            raise PromptlabError(
                f"there are {len(names):,} columns, more than {MAX_COLUMNS:,}",
                where=where,
                hint="write one case to a row, and each of its variables in a column",
            )
        self._where = where
        self._names = names
        self._unnamed = [at for at, name in enumerate(names) if is_blank(name)]
        self._named = [(at, name) for at, name in enumerate(names) if not is_blank(name)]
        twice = [name for name, times in Counter(n for _, n in self._named).items() if times > 1]
        if twice:
            raise PromptlabError(
                f"the column {twice[0]!r} appears twice",
                where=where,
                hint="give each column its own name",
            )

    def row(self, where: str, cells: Sequence[str], hint: str) -> Cells:
        """Return a row by the names of its columns."""
        wanted = len(self._names)
        if len(cells) < wanted or not all(map(is_blank, cells[wanted:])):
            raise PromptlabError(
                f"the row has {len(cells)} cells under {wanted} columns", where=where, hint=hint
            )
        if any(not is_blank(cells[at]) for at in self._unnamed):
            raise PromptlabError(
                "a column has no name", where=self._where, hint="give each column its own name"
            )
        row = Cells((name, cells[at]) for at, name in self._named)
        row.header = self._where
        return row
