"""Imports outcomes measured elsewhere as a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from promptlab.cases.files import read_rows
from promptlab.core.errors import PromptlabError
from promptlab.core.results import RunResults
from promptlab.core.runs import RunSettings
from promptlab.importers.outcome_rows import read_outcomes
from promptlab.importers.outcomes import ImportedRun, gather
from promptlab.store import Store
from promptlab.workbench.bench import Workbench
from promptlab.workbench.runs import read_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a file of outcomes is read: the suite's name, and the roles of columns.

    `columns` maps a role to its column. Columns without a role are an error, unless
    `ignore_unknown` is set.
    """

    suite: str
    columns: Mapping[str, str] = field(default_factory=dict)
    ignore_unknown: bool = False


def import_outcomes(bench: Workbench, file: Path, reading: Reading) -> RunResults:
    """Store the outcomes of a file as a run like any other, and return it."""
    name = _checked_name(reading.suite)
    rows = read_rows(file, str(file))
    measured = read_outcomes(rows, reading.columns, ignore_unknown=reading.ignore_unknown)
    imported = gather(measured, name, str(file))
    with bench.open_store(readonly=False) as store:
        run_id = bench.session.new_run_id()
        _keep(store, run_id, imported, file)
        return read_run(store, run_id, imported.plan)


def _checked_name(suite: str) -> str:
    name = suite.strip()
    if not name or not name.isprintable() or "@" in name:
        raise PromptlabError(
            f"{suite!r} is not a valid suite name",
            where="--suite",
            hint="use letters, digits, _ and -",
        )
    return name


def _keep(store: Store, run_id: str, imported: ImportedRun, file: Path) -> None:
    """Store the run: all of it, or as much as was stored before an interruption."""
    settings = RunSettings(imported=file.name)
    store.begin_run(run_id, imported.plan, settings=settings, trials=imported.size)
    status: Literal["finished", "interrupted"] = "interrupted"
    try:
        store.add_outside(run_id, imported.trials())
        status = "finished"
    finally:
        store.end_run(run_id, status)
