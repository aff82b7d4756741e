"""The ledger of looks through the verbs: told, kept, shown, and never in the way."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab, query
from .drawn import lay_out, suite, version

PAIR = {"v1": version("0-19"), "v2": version("0-17,20-26", "Take your time.")}
FOUR = {**PAIR, "v3": version("0-15,30-36"), "v4": version("5-28")}


def row_of(promptlab: Promptlab, *words: str) -> dict[str, Any]:
    ran = promptlab("compare", "--json", *words)
    assert ran.code == 0, ran.err
    [row] = json.loads(ran.out)["comparisons"]
    return dict(row)


def codes(row: dict[str, Any]) -> set[str]:
    return {note["code"] for note in row["notes"]}


def account(promptlab: Promptlab) -> list[dict[str, Any]]:
    return list(json.loads(promptlab("ledger", "task", "--json").out)["families"])


def grown(project: Path, promptlab: Promptlab, *sizes: int) -> None:
    """Run a suite that has more cases each time, all ranked the same way."""
    for size in sizes:
        rows = "\n".join(
            f"  - {{id: c{place:03}, vars: {{rank: {place * 7 % 40}}}}}" for place in range(size)
        )
        text = suite(1)
        lay_out(project, PAIR, text[: text.index("  - {id")] + rows + "\n")
        assert promptlab("run", "task").code == 0
        row_of(promptlab)


@pytest.mark.slow
def test_appended_cases_are_further_looks(project: Path, promptlab: Promptlab) -> None:
    grown(project, promptlab, 40, 80, 120)
    row = row_of(promptlab)
    assert row["look"] == {"number": 3, "level": 0.00125}
    [note] = [note for note in row["notes"] if note["code"] == "looked-again"]
    assert note["text"] == "third look (40 cases undecided, 80 undecided): level .0013"
    assert "note: third look (40 cases undecided" in promptlab("compare").out
    assert [family["looks"][0]["number"] for family in account(promptlab)] == [1, 2, 3]


@pytest.mark.slow
def test_looking_twice_at_the_same_is_one_look(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, PAIR, suite())
    rows = []
    for _ in range(2):  # the second run is answered by the store
        promptlab("run", "task")
        rows += [row_of(promptlab), row_of(promptlab, "--min-effect", "0.1")]
    assert all(row["look"] == {"number": 1, "level": 0.05} for row in rows)
    assert rows[0] == rows[2]
    assert len(account(promptlab)) == 1


@pytest.mark.slow
def test_every_verb_keeps_and_knows_the_same_looks(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, FOUR, suite())
    promptlab("run", "task")
    [pair] = json.loads(promptlab("diff", "v1", "v4", "--json").out)["measured"]
    assert [family["size"] for family in account(promptlab)] == [6]
    ran = promptlab("compare", "--json", "--baseline", "task@v1")
    [row] = [row for row in json.loads(ran.out)["comparisons"] if row["b"] == "task@v4"]
    same = ("delta", "verdict", "p_adjusted", "notes", "look")
    assert {name: pair[name] for name in same} == {name: row[name] for name in same}
    promptlab("run", "task", "--offline", "--gate", "task@v4 > task@v1")
    assert len(account(promptlab)) == 1


@pytest.mark.slow
def test_a_part_that_was_asked_first_stays_as_it_was(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, FOUR, suite())
    promptlab("run", "task")
    first = json.loads(promptlab("compare", "--json", "--baseline", "task@v1").out)["comparisons"]
    whole = json.loads(promptlab("compare", "--json").out)["comparisons"]
    assert whole[:3] == first
    assert [row["look"]["number"] for row in whole[3:]] == [2, 2, 2]
    assert all("asked-beside" in codes(row) for row in whole[3:])
    assert [family["size"] for family in account(promptlab)] == [3, 6]


@pytest.mark.slow
def test_a_gate_on_no_loss_has_the_level_of_its_look(project: Path, promptlab: Promptlab) -> None:
    gate = "no-worse task@v1 by 0.07"
    exits = []
    for size in (40, 80):
        for known in (False, True):
            db = () if known else ("--db", f"fresh{size}.db")
            text = suite(1)
            rows = "\n".join(
                f"  - {{id: c{place:03}, vars: {{rank: {place * 7 % 40}}}}}"
                for place in range(size)
            )
            lay_out(project, PAIR, text[: text.index("  - {id")] + rows + "\n")
            exits.append(promptlab(*db, "run", "task", "--gate", gate).code)
    assert exits[2] == 0  # 80 cases alone show it
    levels = query(project, "SELECT number, level FROM looks ORDER BY id")
    assert levels == [(1, 0.05), (2, 0.0025)]
    assert exits[3] == 1


@pytest.mark.slow
def test_a_race_is_one_look_however_often_it_is_looked_at(
    project: Path, promptlab: Promptlab
) -> None:
    lay_out(project, {"v1": version("0-59"), "v2": version("0-49,60-75")}, suite(120))
    promptlab("run", "task", "--until-decided", "--max-calls", "90")
    for _ in range(2):
        assert row_of(promptlab)["look"]["number"] == 1
        promptlab("resume", "--max-calls", "999")
    looks = [look for family in account(promptlab) for look in family["looks"]]
    assert [look["number"] for look in looks] == [1] * len(looks)
    assert all(family["until_decided"] for family in account(promptlab))
    assert looks[0]["trials"] < looks[-1]["trials"]


def test_a_holdout_is_counted_told_and_burned(project: Path, promptlab: Promptlab) -> None:
    versions = {f"v{place}": version(f"{place * 9}-{place * 9 + 60}") for place in range(1, 7)}
    lay_out(project, versions, suite(120, more="holdout: 0.5\n"))
    rows = []
    for place in (2, 3, 4):
        pair = ("-t", "task@v1", "-t", f"task@v{place}")
        assert promptlab("run", "task", "--split", "holdout", *pair).code == 0
        rows.append(row_of(promptlab))
    levels = [(row["look"]["level"], row["verdict"] == "refused") for row in rows]
    assert levels == [(0.05, False), (0.0025, False), (0.00125, False)]
    assert "the holdout was used 3 of 3 times" in promptlab("ledger", "task").out
    for words in ((), ("--dry-run",)):
        ran = promptlab("run", "task", "--split", "holdout", "-t", "task@v5", *words)
        assert (ran.code, "was used 3 times" in ran.err) == (2, True)
    again = ("-t", "task@v1", "-t", "task@v4")
    assert promptlab("run", "task", "--split", "holdout", *again).code == 0  # its answer is known
    assert row_of(promptlab) == rows[-1]
    # Whoever gets there by naming the cases gets no verdict.
    held_out = [case for (case,) in query(project, "SELECT DISTINCT case_id FROM results")]
    named = [word for case in held_out for word in ("--case", case)]
    assert promptlab("run", "task", "-t", "task@v1", "-t", "task@v5", *named).code == 0
    assert "holdout-used-up" in {reason["code"] for reason in row_of(promptlab)["reasons"]}


def test_nothing_is_known_of_a_suite_before_a_conclusion(
    project: Path, promptlab: Promptlab
) -> None:
    lay_out(project, PAIR, suite())
    promptlab("run", "task")
    ran = promptlab("ledger", "task")
    assert (ran.code, ran.out) == (
        0,
        "Nothing was concluded of suite task yet: promptlab compare\n",
    )
    assert account(promptlab) == []
    ran = promptlab("ledger", "tusk")
    assert (ran.code, ran.err) == (2, "Error: unknown suite 'tusk' (did you mean 'task'?)\n")


@pytest.mark.slow
def test_a_ledger_fits_on_a_screen_and_says_all(project: Path, promptlab: Promptlab) -> None:
    grown(project, promptlab, 40, 80)
    out = promptlab("ledger", "task").out
    assert max(map(len, out.splitlines())) <= 80
    for text in ("task@v2 against task@v1", "0.0025", "undecided", "2 looks at 1 question."):
        assert text in out


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@pytest.mark.slow
def test_a_locked_ledger_is_told_and_in_nobodys_way(
    project: Path, promptlab: Promptlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promptlab.store.ledger._PATIENCE_S", 0.0)
    lay_out(project, PAIR, suite())
    promptlab("run", "task")
    with locked(project / "promptlab.db"):
        unkept = row_of(promptlab)
    assert "look-not-kept" in codes(unkept)
    kept = row_of(promptlab)
    assert "look-not-kept" not in codes(kept)
    assert {**unkept, "notes": 0, "warnings": 0} == {**kept, "notes": 0, "warnings": 0}
    with locked(project / "promptlab.db"):
        assert row_of(promptlab) == kept  # there is nothing to keep


@pytest.mark.slow
def test_a_damaged_ledger_is_told_as_such(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, PAIR, suite())
    promptlab("run", "task")
    row_of(promptlab)
    assert promptlab("db", "verify").code == 0
    with closing(sqlite3.connect(project / "promptlab.db")) as database, database:
        database.execute("UPDATE look_cases SET keys = x'00'")
    ran = promptlab("db", "verify")
    assert (ran.code, "set of cases 1 was changed" in ran.out) == (1, True)
    assert query(project, "SELECT count(*) FROM looks") == [(1,)]
