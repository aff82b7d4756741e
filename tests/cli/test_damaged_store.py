"""A database that was damaged in any way: every verb says so in one line, none calls it a bug."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from promptlab.cli import run_cli

DAMAGES = [10, pytest.param(120, marks=pytest.mark.slow)]

VERBS = (
    *("runs", "show", "show --json --full", "show --failed", "compare", "practices", "db stats"),
    *("diff note@v1 note@v2", "template log note", "run s --dry-run", "run s --offline"),
    *("resume -2", "score latest", "import o.csv --suite s"),
)
WRONG: Sequence[object] = (
    *(None, "", "x", "{broken", "[]", "{}", "[1, null]", '"a"', "null", "1e999", "\ud7ff"),
    *(-1, 0, 2, 10**18, -(2**63), 0.5, -1.5, float("inf"), b"", b"\xff\xfe", "9" * 40),
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with two runs, one of them with a failed trial and a grading replaced."""
    root = tmp_path_factory.mktemp("damaged")
    for folder in ("templates/note", "suites"):
        (root / folder).mkdir(parents=True)
    (root / "templates/note/v1.j2").write_text(
        'Note {{ about }}{% practice "role" %} as an editor{% endpractice %}'
    )
    (root / "templates/note/v2.j2").write_text(
        "---\npractices: [clear]\n---\n{% user %}Draft {{ about }}{% enduser %}{% generate draft %}"
        '{% user %}Mend {{ draft }}{% practice "clear" %} clearly{% endpractice %}{% enduser %}'
    )
    cases = "".join(f"  - {{id: c{n}, about: 'number {n}', tags: [t]}}\n" for n in range(5))
    (root / "suites/s.yaml").write_text(
        'templates: ["note@*"]\nbackends: [echo]\ndesign: ablation\nscorers:\n'
        "  - contains: {any: ['3']}\n  - length: {unit: words, max: 4}\ncases:\n" + cases
    )
    (root / "o.csv").write_text("template,case,score\na,c1,1\nb,c1,0\n")
    for words in ("run s", "run s --fresh", "score latest"):
        assert run_cli(["--project", str(root), *words.split()]) == 0
    return root


def wrong_value(database: sqlite3.Connection, chance: random.Random) -> str:
    """Put a wrong value into a random column of one row, or of all."""
    table = chance.choice(tables(database))
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    column, value = chance.choice(columns), chance.choice(WRONG)
    rows = "" if chance.random() < 0.3 else f" WHERE {key(database, table, chance)}"
    as_text = isinstance(value, bytes) and chance.random() < 0.7
    slot = "CAST(? AS TEXT)" if as_text else "?"
    database.execute(f"UPDATE OR IGNORE {table} SET {column} = {slot}{rows}", (value,))
    return f"{table}.{column} = {value!r}{rows}"


def lost_rows(database: sqlite3.Connection, chance: random.Random) -> str:
    """Delete one row of a table, or all."""
    table = chance.choice([*tables(database), "_sqlite_migrations"])
    rows = "" if chance.random() < 0.3 else f" WHERE {key(database, table, chance)}"
    database.execute(f"DELETE FROM {table}{rows}")
    return f"DELETE FROM {table}{rows}"


def lost_object(database: sqlite3.Connection, chance: random.Random) -> str:
    """Drop a table, a view or an index, or rename a column."""
    sql = "SELECT type, name FROM sqlite_schema WHERE sql NOTNULL AND name NOT LIKE 'sqlite_%'"
    kind, name = chance.choice(database.execute(sql).fetchall())
    if kind == "table" and chance.random() < 0.5:
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({name})")]
        change = f"ALTER TABLE {name} RENAME COLUMN {chance.choice(columns)} TO lost"
    else:
        change = f"DROP {kind} {name}"
    database.execute(change)
    return change


def moved_rows(database: sqlite3.Connection, chance: random.Random) -> str:
    """Let the rows of one table refer to others than they did."""
    table, column = chance.choice(
        [
            *(("trials", "arm"), ("trials", "case_"), ("trials", "seq"), ("scores", "scorer")),
            *(("run_arms", "template"), ("run_arms", "backend"), ("run_cases", "case_")),
            *(("trial_turns", "generation"), ("generations", "prompt"), ("run_arms", "position")),
            *(("run_scorers", "position"), ("run_cases", "position"), ("trial_turns", "turn")),
        ]
    )
    change = f"UPDATE OR IGNORE {table} SET {column} = {column} + {chance.choice((-1, 1, 7))}"
    database.execute(change)
    return change


KINDS: Sequence[Callable[[sqlite3.Connection, random.Random], str]] = (
    *(wrong_value, wrong_value, wrong_value, lost_rows, lost_object, moved_rows),
)


def tables(database: sqlite3.Connection) -> list[str]:
    sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%sqlite_%'"
    return [name for (name,) in database.execute(sql)]


def key(database: sqlite3.Connection, table: str, chance: random.Random) -> str:
    """Return a condition that one random row of a table meets."""
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})") if row[5]]
    rows = database.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
    row = chance.choice(rows) if rows else [0] * len(columns)
    return " AND ".join(f"{name} = {value!r}" for name, value in zip(columns, row, strict=True))


def damaged(database: Path, seed: int) -> str:
    """Damage a database; return how."""
    chance = random.Random(seed)
    if chance.random() < 0.1:
        content = bytearray(database.read_bytes())
        places = [chance.randrange(100, len(content)) for _ in range(chance.choice((1, 40)))]
        for place in places:
            content[place] = chance.randrange(256)
        database.write_bytes(content)
        return f"bytes at {places}"
    with closing(sqlite3.connect(database, isolation_level=None)) as opened:
        opened.execute("PRAGMA ignore_check_constraints = ON")
        opened.execute("PRAGMA writable_schema = ON")
        try:
            return chance.choice(KINDS)(opened, chance)
        except sqlite3.Error as error:  # NOT NULL, a key that is taken: SQLite prevents it
            return f"nothing: {error}"


@pytest.mark.parametrize("damages", DAMAGES)
@pytest.mark.slow
def test_no_damage_is_called_a_bug(
    measured: Path, damages: int, capsys: pytest.CaptureFixture[str]
) -> None:
    database = measured / "promptlab.db"
    sound = database.read_bytes()
    bugs, unseen = [], []
    try:
        for seed in range(damages):
            chance, verified = random.Random(seed), 0
            for words in ("db verify", *chance.sample(VERBS, 4 if damages < 100 else len(VERBS))):
                for file in measured.glob("promptlab.db*"):
                    file.unlink()
                database.write_bytes(sound)
                how = damaged(database, seed)
                code = run_cli(["--project", str(measured), *words.split()])
                told = capsys.readouterr().err
                if code not in (0, 1, 2, 4):
                    bugs.append(f"{seed}: {how}: {words}: {told}")
                if words == "db verify":
                    verified = code
                elif "promptlab db verify" in told and not verified:
                    unseen.append(f"{seed}: {how}: {words}: {told}")
    finally:
        for file in measured.glob("promptlab.db*"):
            file.unlink()
        database.write_bytes(sound)
    assert bugs == []
    assert unseen == [], "a verb calls a database damaged that db verify calls sound"


@pytest.mark.slow
def test_a_schema_that_is_no_text_is_told_in_one_line(
    measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / "spoilt.db"
    content = (measured / "promptlab.db").read_bytes()
    assert content.count(b"settings TEXT") == 1
    database.write_bytes(content.replace(b"settings TEXT", b"sett\xffngs TEXT"))
    assert run_cli(["--project", str(measured), "--db", str(database), "db", "verify"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"Error: {database}: the database is damaged: Could not decode to UTF-8")
    assert told.count("\n") == 1
