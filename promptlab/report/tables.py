"""The one look of our tables: no lines but below the head, readable without colour."""

from __future__ import annotations

from rich import box
from rich.table import Table


def plain_table(
    *columns: str,
    title: str | None = None,
    right: tuple[str, ...] = (),
    whole: tuple[str, ...] = (),
) -> Table:
    """Make an empty table. Columns in `right` hold numbers; these and `whole` ones never wrap."""
    table = Table(
        box=box.SIMPLE_HEAD,
        title=title,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        show_edge=False,
    )
    for name in columns:
        number = name in right
        table.add_column(
            name,
            justify="right" if number else "left",
            no_wrap=number or name in whole,
            overflow="fold",  # a long name goes on in the next line: no letter of it is lost
        )
    return table


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 trial, 1,000 trials."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
