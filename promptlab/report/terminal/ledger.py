"""The ledger of a suite, for a terminal."""

from __future__ import annotations

from rich.console import Console

from promptlab.report.terminal.tables import Column, print_fitted
from promptlab.report.terminal.text import print_lines
from promptlab.report.views.ledger import FamilyTable, LedgerView


def print_ledger(console: Console, view: LedgerView) -> None:
    """Print all looks, a table for each family, and how many they are."""
    for table in view.tables:
        _print_family(console, table)
        console.print()
    print_lines(console, [view.total])


def _print_family(console: Console, table: FamilyTable) -> None:
    rows = table.rows
    columns = [
        Column("", [row.name for row in rows]),
        Column("cases", [row.cases for row in rows], number=True, rank=2),
        Column("trials", [row.trials for row in rows], number=True, rank=3),
        Column("look", [row.look for row in rows], number=True),
        Column("level", [row.level for row in rows], number=True, rank=1),
        Column("p", [row.p for row in rows], number=True, rank=1),
        Column("verdict", [row.verdict for row in rows]),
    ]
    print_fitted(console, table.heading, columns)
