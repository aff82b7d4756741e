"""Reads the cases that comparisons won and lost: their questions, and the answers of both sides."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing

from promptlab.analysis.flipped_cases import FlippedCases
from promptlab.analysis.grid import Grid
from promptlab.store import Store
from promptlab.workbench.bench import Workbench
from promptlab.workbench.conclusions import Compared
from promptlab.workbench.matrix import grid_of


def flipped_cases(bench: Workbench, compared: Compared, most: int) -> FlippedCases:
    """Read the first `most` cases that each comparison won, and as many that it lost."""
    table = compared.evidence.table
    wanted = {case for row in compared.comparisons for case in (*row.won[:most], *row.lost[:most])}
    places = [place for place, case in enumerate(table.cases) if case.id in wanted]
    if not places:
        return FlippedCases()
    with bench.open_store() as store:
        grid = grid_of(store, table, range(len(table.arms)), places)
        at = {table.cases[place].id: place for place in reversed(grid.layout.cases)}
        return FlippedCases(grid, at, _outputs(store, grid))


def _outputs(store: Store, grid: Grid) -> dict[tuple[str, int], str | None]:
    """Return the answers that the scorer of the table graded, by run and trial."""
    first: defaultdict[str, list[int]] = defaultdict(list)
    for trials in grid.trials.values():
        trial = min(trials, key=lambda trial: trial.repeat)
        first[trial.run_id].append(trial.seq)
    found: dict[tuple[str, int], str | None] = {}
    for run_id, seqs in first.items():
        with closing(store.results(run_id, None, seqs)) as results:
            for row in results:
                if row.scorer == grid.table.scorer.label:
                    found[run_id, row.seq] = row.output
    return found
