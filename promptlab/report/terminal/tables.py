"""The common look of all tables: no lines except below the head, readable without colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from promptlab.report.terminal.text import BOLD, plain_text


def plain_table(
    *columns: str,
    title: str | None = None,
    right: tuple[str, ...] = (),
    whole: tuple[str, ...] = (),
) -> Table:
    """Return an empty table. Columns in `right` hold numbers; these and `whole` ones never wrap."""
    table = Table(
        box=box.SIMPLE_HEAD,
        title=None if title is None else plain_text(title, BOLD),
        title_justify="left",
        pad_edge=False,
        show_edge=False,
    )
    for name in columns:
        number = name in right
        table.add_column(
            plain_text(name),
            justify="right" if number else "left",
            no_wrap=number or name in whole,
            overflow="fold",  # a long name continues on the next line: no letter of it is lost
        )
    return table


@dataclass(frozen=True, slots=True)
class Column:
    """A column with all of its cells. `number` aligns them to the right.

    If the terminal is too narrow, columns with the highest `rank` are left out first; rank 0
    always stays, and to keep rank 1 the names of rows are folded further.
    """

    heading: str
    cells: Sequence[str | Text]
    number: bool = False
    rank: int = 0

    @property
    def width(self) -> int:
        """Return the width of its widest line."""
        return max(cell_len(text.plain) for text in (plain_text(self.heading), *self.texts))

    @property
    def texts(self) -> list[Text]:
        """Return its cells as they are shown: without markup and control characters."""
        return [plain_text(cell) if isinstance(cell, str) else cell for cell in self.cells]


BETWEEN = 2  # spaces between the columns of a fitted table
_NAME = 20  # the first column, of names, may be folded to this many letters
_SHORT_NAME = 8  # or to this many, rather than lose a column of rank 1


def print_fitted(console: Console, title: str, columns: Sequence[Column]) -> None:
    """Print a table of the columns that fit; the first one holds the names of rows."""
    kept = [column for column in columns if column.rank == 0]
    for column in sorted((each for each in columns if each.rank), key=lambda each: each.rank):
        longest_name = _SHORT_NAME if column.rank == 1 else _NAME
        if total_width([*kept, column], longest_name) <= console.width:
            kept.append(column)
    shown = [column for column in columns if any(column is each for each in kept)]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for place, column in enumerate(shown):
        table.add_column(
            plain_text(column.heading),
            justify="right" if column.number else "left",
            no_wrap=place > 0,
            overflow="fold",
            min_width=None if place else min(column.width, _SHORT_NAME),
        )
    for cells in zip(*(column.texts for column in shown), strict=True):
        table.add_row(*cells)
    console.print(plain_text(title, style="bold"))
    console.print(table)


def total_width(columns: Sequence[Column], longest_name: int = _NAME) -> int:
    """Return the width of a fitted table of these columns, with names folded to `longest_name`."""
    widths = [column.width for column in columns]
    return min(widths[0], longest_name) + sum(widths[1:]) + BETWEEN * (len(columns) - 1)
