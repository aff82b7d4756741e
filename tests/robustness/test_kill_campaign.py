"""A hundred `kill -9` at random moments of everything that writes: all of it goes on unharmed.

The fast tests beside this kill runs; this also kills resumes, a judge's questions, imports,
vacuums and migrations, one after the other in one database.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlite_utils

from promptlab.store import Store
from promptlab.store.migrations import migrations
from promptlab.store.schema import STEPS
from tests.store.conftest import Clock

if TYPE_CHECKING:
    from tests.robustness.conftest import Lab

KILLS = 100
AT_RISK_S = 1.0  # what the writer may still hold back, and the way to it
AT_WORK = 0.8  # of the kills of a run: after its first answer
STARTS: list[float] = []  # measured once
ROWS = 20_000  # of the file that is imported: a second's work

# Calls of both backends are logged with the moment at which they were answered.
_BACKEND = """
import asyncio, os, time
from promptlab.backends import Capacity
from promptlab.backends.echo import Echo

class Logged(Echo):
    capacity = Capacity(32, 1)

    async def generate(self, requests):
        async for request, completion in super().generate(requests):
            await asyncio.sleep(0.15)
            with open(os.environ["CALLS"], "a") as log:
                log.write(f"{request.key}@{time.time()}\\n")
            yield request, completion
"""


@pytest.fixture
def judged(lab: Lab) -> Lab:
    """Return a project whose suite `one` asks a judge about every answer."""
    toy = Path(__file__).parents[1] / "cli" / "toy_judge.py"
    (lab.root / "toy_judge.py").write_bytes(toy.read_bytes())
    (lab.root / "logged_echo.py").write_text(_BACKEND)
    (lab.root / "promptlab.toml").write_text(
        '[backends.logged]\nkind = "logged_echo:Logged"\nmodel = "a"\n'
        '[backends.judge]\nkind = "logged_echo:Logged"\nmodel = "b"\n'
    )
    (lab.root / "suites" / "one.yaml").write_text(
        'templates: ["one@*"]\nbackends: [logged]\ncases: cases.jsonl\n'
        'scorers:\n  - "toy_judge:polite": {judge: judge, votes: 2}\n'
    )
    rows = [f"{version},case{n},{n % 2}" for n in range(ROWS // 2) for version in ("a", "b")]
    (lab.root / "o.csv").write_text("\n".join(["template,case,score", *rows]))
    return lab


def killed(lab: Lab, chance: random.Random, *words: str, work_s: float) -> tuple[Path, float]:
    """Kill a command while it starts or works; return its log and the moment."""
    process, log = lab.begin(*words)
    if words[0] in ("run", "resume") and chance.random() < AT_WORK:
        lab.wait_until(lambda: log.stat().st_size or process.poll() is not None)
        time.sleep(chance.uniform(0.0, work_s))
    else:
        time.sleep(_start_s(lab) * chance.uniform(0.6, 1.1) + chance.uniform(0.0, work_s))
    moment = time.time()
    process.kill()
    process.communicate()
    return log, moment


def _start_s(lab: Lab) -> float:
    """Return how long a command takes on this machine, as busy as it is now."""
    if not STARTS:
        began = time.monotonic()
        process, _ = lab.begin("suite", "list")
        process.communicate(timeout=40)
        STARTS.append(time.monotonic() - began)
    return STARTS[0]


def answered(log: Path) -> Iterator[tuple[str, float]]:
    """Yield the key of each call that was answered, and when; the last line may be cut off."""
    for line in log.read_text().splitlines():
        key, _, moment = line.partition("@")
        if moment.count("."):
            yield key, float(moment)


def kill_run(lab: Lab, chance: random.Random) -> None:
    """Kill a run, or the resume of one: what is stored is not asked again, nor lost."""
    unfinished = lab.rows("SELECT 1 FROM runs WHERE status <> 'finished' AND suite = 'one'")
    stored = lab.stored()
    words = ("resume",) if unfinished else ("run", "one")
    log, moment = killed(lab, chance, *words, work_s=1.0)
    calls = list(answered(log))
    asked = dict(calls)
    assert len(calls) == len(asked), "an answer was asked for twice"
    assert not asked.keys() & stored, "a stored answer was asked for again"
    safe = {key for key, at in asked.items() if at < moment - AT_RISK_S}
    assert stored | safe <= lab.stored(), "an answer of more than a second ago was lost"


def kill_import(lab: Lab, chance: random.Random) -> None:
    """Kill an import: what of it is there is sound, and the next one is whole."""
    killed(lab, chance, "import", str(lab.root / "o.csv"), "--suite", "o", work_s=2.5)


def kill_vacuum(lab: Lab, chance: random.Random) -> None:
    """Kill a vacuum: all rows stay."""
    counts = "SELECT (SELECT count(*) FROM trials), (SELECT count(*) FROM generations)"
    before = lab.rows(counts)
    killed(lab, chance, "db", "vacuum", work_s=0.3)
    assert lab.rows(counts) == before


def kill_migration(lab: Lab, chance: random.Random) -> None:
    """Kill the migration of an older database: it is done the next time."""
    old = lab.root / "old.db"
    for file in lab.root.glob("old.db*"):
        file.unlink()
    with closing(sqlite3.connect(old, isolation_level=None)) as opened:
        step = chance.choice(["0002_paid_by", "0005_likelihoods", "0008_thoughts"])
        migrations().apply(sqlite_utils.Database(opened), stop_before=step)
    killed(lab, chance, "--db", str(old), "db", "stats", work_s=0.2)
    assert Store.verify_file(old, Clock()) == []
    with closing(sqlite3.connect(old)) as opened:
        steps = opened.execute("SELECT count(*) FROM _sqlite_migrations").fetchone()
    assert steps == (len(STEPS),)


@pytest.mark.slow
def test_whatever_writes_may_be_killed_at_any_moment(judged: Lab) -> None:
    lab, chance = judged, random.Random(7)
    Store.open(lab.root / "promptlab.db", Clock()).close()
    kinds = [kill_run] * 6 + [kill_import, kill_vacuum, kill_migration]
    for kill in range(KILLS):
        chance.choice(kinds)(lab, chance)
        if kill % 10 == 9:
            assert Store.verify_file(lab.root / "promptlab.db", Clock()) == []

    lab.carry("resume") if unfinished(lab) else lab.carry("run", "one")
    runs = lab.rows("SELECT id FROM runs WHERE suite = 'one' ORDER BY id")
    trials = f"SELECT count(*), count(DISTINCT seq) FROM trials WHERE run = {runs[-1][0]}"
    assert lab.rows(trials) == [(lab.trials, lab.trials)]
    assert lab.carry("run", "one")["calls"] == 0
    lab.carry("import", str(lab.root / "o.csv"), "--suite", "o")
    assert lab.rows("SELECT count(*) FROM trials GROUP BY run ORDER BY run DESC LIMIT 1") == [
        (ROWS,)
    ]
    assert lab.carry("db", "verify") == {"problems": []}


def unfinished(lab: Lab) -> bool:
    sql = "SELECT 1 FROM runs WHERE status <> 'finished' AND suite = 'one'"
    return bool(lab.rows(sql))
