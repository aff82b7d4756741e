"""The table of cases and arms of runs, with the trials behind each cell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from promptlab.analysis.grid import Grid, by_cell, lay_out
from promptlab.analysis.measurements import Measurements
from promptlab.core.plugins import unknown
from promptlab.store import Store
from promptlab.workbench.bench import Workbench
from promptlab.workbench.choosing import arms_named
from promptlab.workbench.current import current_suite
from promptlab.workbench.evidence import read_evidence


def read_grid(
    bench: Workbench,
    run_refs: Sequence[str] = (),
    *,
    scorer: str | None = None,
    templates: Sequence[str] = (),
    cases: Sequence[str] = (),
    most: int | None = None,
) -> Grid:
    """Read the table of runs, by default of the newest; `most` is the number of its rows.

    `templates` are references to the only versions to show, `cases` ids of the only cases.
    """
    with bench.open_store() as store:
        evidence = read_evidence(store, run_refs, scorer, partial(current_suite, bench))
        table = evidence.table
        arms = arms_named(bench, table, templates) if templates else [*range(len(table.arms))]
        return grid_of(store, table, arms, _places(table, cases) if cases else None, most)


def grid_of(
    store: Store,
    table: Measurements,
    arms: Sequence[int],
    cases: Sequence[int] | None = None,
    most: int | None = None,
) -> Grid:
    """Return the table of joined runs with these arms, by their places."""
    layout = lay_out(table, arms, cases, most)
    digests = [table.cases[place].digest for place in layout.cases]
    run_ids = tuple(dict.fromkeys(run.info.run_id for run in table.runs))
    trials = [
        trial
        for run_id in run_ids
        for trial in store.cells.trials(run_id, table.scorer.label, digests)
    ]
    return Grid(run_ids, table, layout, by_cell(table, trials), store.cells.contents(digests))


def _places(table: Measurements, ids: Sequence[str]) -> list[int]:
    known = {case.id for case in table.cases}
    for case in ids:
        if case not in known:
            raise unknown("case", case, known, of="this run")
    return [place for place, case in enumerate(table.cases) if case.id in ids]
