"""What `promptlab compare` costs on large runs, as a user starts it: a process of its own.

    python bench/compare.py [--rounds 5] [--quick]

The databases are made through the store, with an answer, tokens, money and seconds for every trial,
as a run of a remote model leaves them; only `compare --json` is measured, the rounds by turns.
`first` is the first call on a run, which reads the tables, compiles, and keeps the rows. It ends
with 1 where a bar is missed: two arms on 100,000 cases in less than 2 s, also where the cases come
in groups of five, and all 120 pairs of 16 arms on 10,000 cases in less than 10 s. `--quick` is a
tenth of the cases, once, and judges nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

from promptlab.core.types import TrialResult
from promptlab.importers.outcome_rows import OutcomeRow
from promptlab.importers.outcomes import gather
from promptlab.store import Store


@dataclass(frozen=True, slots=True)
class Job:
    """Arms on cases, and how long their comparison may take. `group_size` 1: without groups."""

    label: str
    arms: int
    cases: int
    group_size: int
    limit_s: float

    @property
    def pairs(self) -> int:
        """Return how many comparisons there are."""
        return self.arms * (self.arms - 1) // 2

    def rows(self) -> Iterator[OutcomeRow]:
        """Yield what was measured; hard cases are hard for every arm."""
        chance = random.Random(1)
        for case in range(self.cases):
            easy = chance.random()
            group = f"g{case // self.group_size}" if self.group_size > 1 else None
            for arm in range(self.arms):
                yield OutcomeRow(
                    where=f"{case}:{arm}",
                    template=f"review@v{arm + 1}",
                    case=f"c{case}",
                    score=float(chance.random() < easy * (0.9 + 0.1 * arm / self.arms)),
                    group=group,
                    output=f"answer {chance.randrange(1000)} to case {case}",
                    input_tokens=200 + arm + case % 50,
                    output_tokens=5 + chance.randrange(20),
                    cost_usd=1e-6 * (200 + arm + case % 50),
                )


JOBS = (
    Job("2 arms, 100,000 cases", 2, 100_000, 1, 2.0),
    Job("2 arms, 100,000 cases in groups", 2, 100_000, 5, 2.0),
    Job("16 arms, 10,000 cases", 16, 10_000, 1, 10.0),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took from start to end; `cpu_s` is of all its threads."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def store(job: Job, path: Path) -> None:
    """Make a database with one run."""
    imported = gather(job.rows(), "bench", "bench")
    chance = random.Random(2)
    with Store.open(path, lambda: datetime.now(UTC)) as opened:
        opened.begin_run("bench", imported.plan, trials=imported.size)
        with opened.writer("bench") as writer:
            for result in imported.results():
                writer.put_result(answered(result, chance.uniform(0.2, 3.0)))
        opened.end_run("bench", "finished")


def answered(result: TrialResult, latency_s: float) -> TrialResult:
    """Return a result whose answer came from a server, after so long."""
    [turn] = result.turns
    told = replace(turn.completion, latency_s=latency_s, model="model-1", fingerprint="f1")
    return replace(result, turns=(replace(turn, completion=told),))


def compare(path: Path, pairs: int) -> Cost:
    """Run the command to its good end, and see that it compared all pairs."""
    command = [sys.executable, "-m", "promptlab", "--db", str(path), "compare", "--json"]
    with tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        told = out.read()
    found = len(json.loads(told)["comparisons"]) if process.returncode == 0 else 0
    if found != pairs:
        raise SystemExit(f"{' '.join(command)} gave {found} comparisons, not {pairs}")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def environment() -> str:
    """Say what the figures were taken on."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy"))
    versions = f"SQLite {sqlite3.sqlite_version}, {packages}"
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{machine}, Python {platform.python_version()}, {versions}; load before: {load}"


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description="Measure `promptlab compare`.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a tenth of the cases, once")
    asked = parser.parse_args()
    print(environment())
    rounds, scale = (1, 10) if asked.quick else (asked.rounds, 1)
    with tempfile.TemporaryDirectory() as folder:
        # As an installation has it: no start compiles what an earlier one has compiled.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder, "bytecode"))
        paths = [Path(folder, f"{place}.db") for place in range(len(JOBS))]
        jobs = [replace(job, cases=job.cases // scale) for job in JOBS]
        # In a process of its own: a child's peak is never below what its parent holds at the start.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            list(pool.map(store, jobs, paths))
        plan = list(zip(JOBS, paths, strict=True))
        firsts = [compare(path, job.pairs) for job, path in plan]
        costs = [[compare(path, job.pairs) for job, path in plan] for _ in range(rounds)]
    heads = f"{'wall s':>8}{'cpu s':>8}{'peak MB':>9}{'bar s':>7}{'first s':>9}"
    print(f"{'':34}{'pairs':>6}{heads}")
    missed = []
    for job, first, found in zip(JOBS, firsts, zip(*costs, strict=True), strict=True):
        cost = sorted(found, key=lambda one: one.wall_s)[rounds // 2]
        told = f"{job.label:34}{job.pairs:6}{cost.wall_s:8.2f}{cost.cpu_s:8.2f}"
        print(f"{told}{cost.peak_mb:9.0f}{job.limit_s:7.0f}{first.wall_s:9.2f}")
        if cost.wall_s >= job.limit_s:
            missed.append(job.label)
    if asked.quick:
        print("too few cases to judge a bar by")
        return 0
    print("missed: " + "; ".join(missed) if missed else "every bar is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
