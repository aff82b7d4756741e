"""What was measured elsewhere is stored in bulk, row for row as the writer of a run stores it."""

from __future__ import annotations

import itertools
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from promptlab.core.outside import Outside
from promptlab.core.runs import RunSettings
from promptlab.importers.outcome_rows import OutcomeRow
from promptlab.importers.outcomes import ImportedRun, gather
from promptlab.store import Store
from promptlab.store.bulk import add_all

FROM = RunSettings(imported="f")
TABLES = ("texts", "generations", "trials", "trial_turns", "scores", "runs", "run_cases")
MOMENTS = {"created_at", "finished_at", "heartbeat", "process_started"}


def outcomes(said: str = "yes") -> ImportedRun:
    """Outcomes of every kind: with and without answers, tokens, cost, scores, repeats."""
    rows = []
    for case, arm, repeat in itertools.product(range(5), ("v1", "v2"), range(2)):
        number = case * 4 + repeat
        rows.append(
            OutcomeRow(
                where=f"{case}",
                template=f"t@{arm}",
                case=f"c{case}",
                score=None if number == 3 else float(number % 2),
                repeat=repeat,
                output=None if case == 1 else f"{said} {number} ü",
                input_tokens=None if case in (1, 2) else 10 + number,
                output_tokens=3 if case == 0 else None,
                cost_usd=1e20 if number == 16 else 0.25 * (case == 3),
            )
        )
        rows.append(OutcomeRow("x", f"t@{arm}", f"c{case}", 0.5, repeat=repeat, scorer="other"))
    return gather(rows, "s", "f")


def contents(path: Path) -> dict[str, list[dict[str, object]]]:
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return {
            table: [
                {name: row[name] for name in row.keys() if name not in MOMENTS}  # noqa: SIM118
                for row in database.execute(f"SELECT * FROM {table}")
            ]
            for table in TABLES
        }


def test_rows_are_those_of_the_writer(tmp_path: Path, clock: Callable[[], datetime]) -> None:
    runs = {"r1": outcomes(), "r2": outcomes(), "r3": outcomes("no")}  # twice, and edited
    for way in ("one by one", "in bulk"):
        with Store.open(tmp_path / f"{way}.db", clock) as store:
            for run_id, imported in runs.items():
                store.begin_run(run_id, imported.plan, settings=FROM, trials=imported.size)
                if way == "in bulk":
                    store.add_outside(run_id, imported.trials())
                else:
                    with store.writer(run_id) as writer:
                        for result in imported.results():
                            writer.put_result(result)
                store.end_run(run_id, "finished")
            assert store.verify() == []
    one, many = (contents(tmp_path / f"{way}.db") for way in ("one by one", "in bulk"))
    assert len(one["trials"]) == 60
    assert many == one


def test_an_interruption_loses_no_whole_batch(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(sys.modules[add_all.__module__]), "_BATCH", 4)
    imported = outcomes()

    def interrupted() -> Iterator[Outside]:
        yield from itertools.islice(imported.trials(), 10)
        raise KeyboardInterrupt

    store.begin_run("r1", imported.plan, settings=FROM, trials=imported.size)
    with pytest.raises(KeyboardInterrupt):
        store.add_outside("r1", interrupted())
    store.end_run("r1", "interrupted")
    assert store.run("r1").stored == 8
    assert store.verify() == []
