"""A judge's passport, for a terminal."""

from __future__ import annotations

from rich.console import Console

from promptlab.report.terminal.tables import Column, print_fitted
from promptlab.report.terminal.text import plain_text, print_lines
from promptlab.report.views.passport import PassportView


def print_passport(console: Console, view: PassportView) -> None:
    """Print a passport: what the judge is good for, what speaks against it, and the figures."""
    console.print(plain_text(view.headline))
    print_lines(console, view.against)
    console.print()
    _print_arms(console, view)
    if view.probes:
        console.print()
        _print_probes(console, view)
    print_lines(console, view.lines)


def _print_arms(console: Console, view: PassportView) -> None:
    rows = view.arms
    columns = [
        Column("arm", [row.name for row in rows]),
        Column("labels", [row.labels for row in rows], number=True, rank=2),
        Column("bias", [row.bias for row in rows], number=True),
        Column("interval", [row.interval for row in rows], rank=3),
        Column("passes right", [row.sensitivity for row in rows], rank=1),
        Column("failures right", [row.specificity for row in rows], rank=1),
    ]
    print_fitted(console, "Held against people, 95 % intervals", columns)


def _print_probes(console: Console, view: PassportView) -> None:
    rows = view.probes
    columns = [
        Column("the same answer", [row.name for row in rows]),
        Column("n", [row.n for row in rows], number=True, rank=1),
        Column("up", [row.up for row in rows], number=True),
        Column("down", [row.down for row in rows], number=True),
        Column("shift", [row.shift for row in rows], number=True, rank=2),
        Column("p", [row.p for row in rows], number=True, rank=3),
        Column("", [row.said for row in rows]),
    ]
    print_fitted(console, "Probed: scores that rise and fall, or pass and fail", columns)
