"""Suites for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from promptlab.experiments.outline import SuiteOutline
from promptlab.report.terminal.runs import print_runs
from promptlab.report.terminal.tables import plain_table
from promptlab.report.views.runs import runs_view
from promptlab.report.wording import counted

_RUNS = 10  # of a suite that are listed


def print_suites(console: Console, suites: Sequence[SuiteOutline]) -> None:
    """Print a list of suites."""
    numbers = ("cases", "runs")
    table = plain_table(
        "suite", "templates", "cases", "backends", "runs", "newest run", right=numbers
    )
    for suite in suites:
        newest = suite.runs[0].run_id if suite.runs else ""
        runs = f"{len(suite.runs):,}"
        if suite.settings is None:
            table.add_row(suite.name, "cannot be read", "", "", runs, newest)
            continue
        templates, backends = map(", ".join, (suite.settings.templates, suite.settings.backends))
        table.add_row(suite.name, templates, f"{suite.cases:,}", backends, runs, newest)
    console.print(table)
    for suite in suites:
        if suite.problem is not None:
            console.print(f"{suite.name}: {suite.problem}")


def print_suite(console: Console, suite: SuiteOutline) -> None:
    """Print what a suite says, and its newest runs."""
    table = plain_table("suite", suite.name)
    for name, value in _lines(suite):
        table.add_row(name, value)
    console.print(table)
    console.print()
    if not suite.runs:
        console.print(f"There is no run of it yet: promptlab run {suite.name}")
        return
    print_runs(console, runs_view(suite.runs[:_RUNS]))
    if len(suite.runs) > _RUNS:
        console.print(f"{counted(len(suite.runs) - _RUNS, 'older run')}: promptlab runs")


def _lines(suite: SuiteOutline) -> Iterator[tuple[str, str]]:
    settings = suite.settings
    assert settings is not None
    if settings.description:
        yield "description", settings.description
    yield "templates", ", ".join(settings.templates)
    yield "versions", ", ".join(suite.versions)
    yield "backends", ", ".join(settings.backends)
    groups = "" if suite.groups == suite.cases else f", in {counted(suite.groups, 'group')}"
    yield "cases", f"{suite.cases:,}{groups}"
    if suite.tags:
        yield "tags", ", ".join(f"{tag} ({number:,})" for tag, number in suite.tags.items())
    yield "scorers", ", ".join(_scorer(*each) for each in suite.scorers.items())
    yield "primary", suite.primary or ""
    if settings.repeats > 1:
        yield "repeats", str(settings.repeats)
    if settings.design != "versions":
        yield "design", settings.design
    if settings.holdout:
        share = f"{settings.holdout:g} of the groups"
        yield "holdout", f"{share}: {counted(suite.held_out, 'case')}"
    for gate in settings.gates:
        yield "gate", gate


def _scorer(label: str, kind: str) -> str:
    """Return the label of a scorer, with its kind where that does not say it."""
    return label if label == kind.rpartition(":")[2] else f"{label} ({kind})"
