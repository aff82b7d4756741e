"""What a database of 1,000,000 results costs: every figure is that of a process of its own.

    python bench/million.py [--folder DIR] [--scale N] [--rounds 3]

It writes tables of outcomes (ten runs, from 50,000 to 400,000 rows, the same in every run of this
file), imports them, and then times what people ask first: `runs`, `show`, its failed trials, a
comparison of two arms on 100,000 cases, a report. `--folder` keeps the database, and takes the one
that is there already; `--scale 10` is a tenth of all. It ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

SAID = """
the order arrived late and box was torn but refund came quickly thank you for your help battery
lasts two days screen scratched after a week support answered within an hour price seems fair
quality good poor excellent terrible size runs small colour differs from picture
"""
WORDS = tuple(SAID.split())


@dataclass(frozen=True, slots=True)
class Table:
    """The outcomes of one run: so many arms on so many cases."""

    suite: str
    arms: int
    cases: int

    @property
    def rows(self) -> int:
        """Return the number of outcomes."""
        return self.arms * self.cases


TABLES = (
    *(Table(f"daily{number}", 5, 10_000) for number in range(8)),
    Table("wide", 4, 100_000),
    Table("pair", 2, 100_000),
)

QUESTIONS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("runs", ("runs",), 0.5),
    ("show", ("show",), 0.5),
    ("show, of 400,000", ("show", "-2"), 0.5),
    ("show --failed --limit 50", ("show", "--failed", "--limit", "50"), 0.5),
    ("compare, 2 arms of 100,000", ("compare", "--json"), 2.0),
    ("report, of 400,000", ("report", "-2", "-o", "report.html"), 20.0),
)
"""What is asked -> the words of it, and the seconds that it may take."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took from start to end; `cpu_s` is of all its threads."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def outcomes(table: Table) -> Iterator[Sequence[object]]:
    """Yield the rows of a table; hard cases are hard for every arm."""
    chance = random.Random(table.suite)
    for case in range(table.cases):
        easy = chance.random()
        for arm in range(table.arms):
            passed = chance.random() < easy * (0.9 + 0.1 * arm / table.arms)
            text = " ".join(chance.choices(WORDS, k=8 + case % 9))
            tokens = 200 + arm + case % 50
            yield (
                *(f"review@v{arm + 1}", f"c{case}", int(passed), f"{text}, case {case}"),
                *(tokens, 5 + chance.randrange(20), f"{tokens * 1e-6:.6f}"),
            )


def write(table: Table, path: Path) -> None:
    """Write a table as a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        to = csv.writer(file)
        to.writerow(
            ("template", "case", "score", "output", "input_tokens", "output_tokens", "cost_usd")
        )
        to.writerows(outcomes(table))


def timed(folder: Path, words: Sequence[str]) -> Cost:
    """Run promptlab to its good end."""
    command = [sys.executable, "-m", "promptlab", "--db", str(folder / "million.db"), *words]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def fill(folder: Path, scale: int) -> None:
    """Import all tables, and say what that took."""
    total, cpu, peak = 0.0, 0.0, 0.0
    rows = 0
    for whole in TABLES:
        table = Table(whole.suite, whole.arms, whole.cases // scale)
        path = folder / f"{table.suite}.csv"
        write(table, path)
        cost = timed(folder, ["import", path.name, "--suite", table.suite])
        path.unlink()
        total, cpu, peak = total + cost.wall_s, cpu + cost.cpu_s, max(peak, cost.peak_mb)
        rows += table.rows
    print(line(f"import of {rows:,} rows", Cost(total, cpu, peak), ""), flush=True)


def line(label: str, cost: Cost, bar: str) -> str:
    """Return a row of the report."""
    return f"| {label:32} | {cost.wall_s:7.2f} | {cost.cpu_s:7.2f} | {cost.peak_mb:6.0f} | {bar} |"


def environment() -> str:
    """Say what the figures were taken on."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores,"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; load before: {load}"
    )


def main() -> int:
    """Make the database where there is none, ask, judge."""
    parser = argparse.ArgumentParser(description="Measure a database of 1,000,000 results.")
    parser.add_argument("--folder", type=Path, help="keep the database here, or take the one here")
    parser.add_argument("--scale", type=int, default=1, help="make everything N times smaller")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(environment())
    with tempfile.TemporaryDirectory() as temporary:
        folder = (asked.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        # As an installation has it: no start compiles what an earlier one has compiled.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(temporary, "bytecode"))
        print("|                                  |  wall s |   cpu s | peak MB | bar |")
        print("|---|---:|---:|---:|---:|")
        if not (folder / "million.db").exists():
            fill(folder, asked.scale)
        missed = False
        for label, words, bar in QUESTIONS:
            costs = [timed(folder, words) for _ in range(asked.rounds)]
            cost = Cost(
                median(cost.wall_s for cost in costs),
                median(cost.cpu_s for cost in costs),
                max(cost.peak_mb for cost in costs),
            )
            missed |= cost.wall_s > bar
            print(line(label, cost, f"{bar} s"), flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
