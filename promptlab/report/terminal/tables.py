"""The common look of all tables: no lines except below the head, readable without colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from promptlab.report.terminal.text import BOLD, plain_text
from promptlab.report.views.arm_names import numbered


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
    always stays, and to keep rank 1 rows are numbered instead of named. Before any is left out, a
    `short` heading takes the place of the heading.
    """

    heading: str
    cells: Sequence[str | Text]
    number: bool = False
    rank: int = 0
    short: str | None = None

    @property
    def width(self) -> int:
        """Return the width of its widest line."""
        return max(cell_len(text.plain) for text in (plain_text(self.heading), *self.texts))

    @property
    def texts(self) -> list[Text]:
        """Return its cells as they are shown: without markup and control characters."""
        return [plain_text(cell) if isinstance(cell, str) else cell for cell in self.cells]


BETWEEN = 2  # spaces between the columns of a fitted table
_FEW = 4  # columns of a name too short to be replaced by a number
_UNBOUNDED = 10_000


def print_fitted(console: Console, title: str, columns: Sequence[Column]) -> None:
    """Print a table of the columns that fit; the first one holds the names of rows.

    A row is a line. If names leave no room for the columns of rank 1, numbers stand for them, and
    the names below the table.
    """
    names, *others = fitted(columns, console.width)
    shown, legend = _kept([names, *others], console.width), list[str]()
    if any(column.rank == 1 and not _is_in(column, shown) for column in others):
        numbers = replace(names, cells=[f"#{place}" for place in range(1, len(names.cells) + 1)])
        if names.width > max(numbers.width, _FEW):
            shown = _kept([numbers, *others], console.width)
            legend = numbered([text.plain.strip() for text in names.texts])
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for place, column in enumerate(shown):
        table.add_column(
            plain_text(column.heading),
            justify="right" if column.number else "left",
            no_wrap=place > 0,
            overflow="fold",
        )
    for cells in zip(*(column.texts for column in shown), strict=True):
        table.add_row(*cells)
    console.print(plain_text(title, style="bold"))
    console.print(table)
    for line in legend:
        console.print(plain_text(line))


def fitted(columns: Sequence[Column], width: int) -> list[Column]:
    """Return the columns, with their short headings if they do not all fit otherwise."""
    if total_width(columns) <= width:
        return [*columns]
    return [
        column if column.short is None else replace(column, heading=column.short)
        for column in columns
    ]


def level_column(levels: Sequence[str] | None) -> list[Column]:
    """Return the column that says which interval has which level, none where all have the same."""
    return [] if levels is None else [Column("level", levels, number=True, rank=1)]


def _kept(columns: Sequence[Column], width: int) -> list[Column]:
    """Return the columns that fit, in their order; those of rank 0 in any case."""
    kept = [column for column in columns if column.rank == 0]
    for column in sorted((each for each in columns if each.rank), key=lambda each: each.rank):
        if total_width([*kept, column]) <= width:
            kept.append(column)
    return [column for column in columns if _is_in(column, kept)]


def _is_in(column: Column, columns: Sequence[Column]) -> bool:
    """Return whether a column is among others: itself, not one that is equal."""
    return any(column is each for each in columns)


def total_width(columns: Sequence[Column]) -> int:
    """Return the width of a fitted table of these columns."""
    return sum(column.width for column in columns) + BETWEEN * (len(columns) - 1)


def fits(console: Console, table: Table, *, wrapped: bool = False) -> bool:
    """Return whether a table fits without breaking a line; `wrapped`, without breaking a word."""
    unbounded = console.options.update_width(_UNBOUNDED)
    width = console.measure(table, options=unbounded)
    return (width.minimum if wrapped else width.maximum) <= console.width
