"""The cases that a page shows of joined runs, read with their conversations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from html import escape
from itertools import groupby

from promptlab.analysis.grid import Grid
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.noteworthy import noteworthy
from promptlab.analysis.reported import Shown, TrialKey
from promptlab.core.measured import CellTrial
from promptlab.core.shown import MOST_CHARACTERS, ShownTrial
from promptlab.core.types import Json
from promptlab.core.visible import visible
from promptlab.store import Store
from promptlab.workbench.matrix import grid_of

_MARK = 120  # characters of a number in a page, with its place in the document


@dataclass(frozen=True, slots=True)
class Room:
    """How much a page has room for: trials, cases, and characters of all that they hold.

    A page with all of that has less than 5 MB.
    """

    trials: int = 800
    cases: int = 200
    characters: int = 1_500_000


def shown_cells(store: Store, table: Measurements, room: Room = Room()) -> Shown:
    """Read the cases of joined runs that tell most, as many as there is room for."""
    repeats = max(run.repeats for run in table.runs)
    most = max(1, min(room.cases, room.trials // (len(table.arms) * repeats)))
    chosen = noteworthy(table, most)
    grid = grid_of(store, table, range(len(table.arms)), chosen.places)
    trials = _read(store, (trial for cell in grid.trials.values() for trial in cell))
    kept = _fitting(grid, trials, chosen.places, room.characters)
    tallies = chosen.tallies(kept)
    layout = replace(
        grid.layout,
        cases=tuple(place for place in grid.layout.cases if place in kept),
        cases_in_all=tallies.all,
        flips_in_all=tallies.flipped.all,
    )
    return Shown(replace(grid, layout=layout), trials, tallies)


def _read(store: Store, trials: Iterable[CellTrial]) -> dict[TrialKey, ShownTrial]:
    """Read the rows and the conversations of these trials."""
    of_run: defaultdict[str, list[int]] = defaultdict(list)
    for trial in trials:
        of_run[trial.run_id].append(trial.seq)
    found: dict[TrialKey, ShownTrial] = {}
    for run_id, seqs in of_run.items():
        turns = store.cells.conversations(run_id, seqs)
        with closing(store.results(run_id, places=seqs)) as results:
            for seq, rows in groupby(results, key=lambda row: row.seq):
                found[run_id, seq] = ShownTrial(list(rows), turns[seq])
    return found


def _fitting(
    grid: Grid, trials: Mapping[TrialKey, ShownTrial], places: Sequence[int], characters: int
) -> frozenset[int]:
    """Return which cases there is room for; the first one always has it."""
    kept: set[int] = set()
    for place in places:
        cells = [grid.trials.get((arm, place), ()) for arm in grid.layout.arms]
        content = grid.contents[grid.table.cases[place].digest]
        size = _value_size(dict(content.vars)) + _value_size(content.expect)
        size += sum(_size(trials[one.run_id, one.seq]) for cell in cells for one in cell)
        if size <= characters or not kept:
            kept.add(place)
            characters -= size
    return frozenset(kept)


def _value_size(value: Json) -> int:
    """Return how many characters a value takes: texts are escaped, numbers stand in marks."""
    if isinstance(value, Mapping):
        return sum(_value_size(key) + _value_size(inner) for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return sum(map(_value_size, value))
    return len(escape(visible(value))) if isinstance(value, str) else _MARK


def _size(trial: ShownTrial) -> int:
    texts = 2 * [trial.rows[0].output or ""] if trial.rows else []  # also beside another one
    texts += [row.reason or row.error or "" for row in trial.rows]
    for turn in trial.turns:
        texts += [turn.completion.text, turn.completion.thoughts or ""]
        texts += [message.text for message in turn.request.messages]
    return sum(len(escape(visible(text[:MOST_CHARACTERS]))) for text in texts)
