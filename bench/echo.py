"""How fast promptlab itself is: runs on `echo`, as a user starts them, in processes of their own.

    python bench/echo.py [--trials 100000]

Prints a small table; the figures to compare with are in RESULTS.md. It ends with 1 where a bar of
the design is missed: at least 3,000 trials a second with storage, below 400 MB, and a `--help`
that starts no slower than that of sqlite-utils.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

TEMPLATE = """\
---
practices: [clear]
---
{{% system %}}You label customer reviews ({version}).{{% endsystem %}}
{{% user %}}
Label the review as exactly one of: positive, negative. Answer with the label alone.
Review: {{{{ review }}}}
{{% enduser %}}
"""
SUITE = """\
templates: ["review@*"]
backends: [echo]
cases: reviews.jsonl
scorers: [exact_match]
"""

MIN_PER_SECOND = 3_000
MAX_MB = 400
REPEATS = 7
SMALL_CASES = 1_000
VERSIONS = ("v1", "v2", "v3")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took from start to end; `cpu_s` is of all its threads."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description="Measure promptlab on the backend `echo`.")
    parser.add_argument("--trials", type=int, default=100_000)
    trials = parser.parse_args().trials
    print(environment())
    with tempfile.TemporaryDirectory() as folder:
        large, small = Path(folder, "large"), Path(folder, "small")
        make_project(large, trials, VERSIONS[:1])
        make_project(small, SMALL_CASES, VERSIONS)
        cold = measure(run(large))
        warm = measure(run(large))
        small_trials = SMALL_CASES * len(VERSIONS)
        small_cold = measure(run(small))
        small_warm = median_of(REPEATS, [run(small)])[0]
    helps = [python(module, "--help") for module in ("promptlab", "sqlite_utils")]
    ours, theirs = median_of(REPEATS, helps)

    print(f"{'':34}{'wall s':>8}{'cpu s':>8}{'trials/s':>10}{'peak MB':>9}")
    print(row(f"{trials:,} trials, all measured", cold, trials))
    print(row(f"{trials:,} trials, all from the store", warm, trials))
    print(row(f"{small_trials:,} trials, all measured", small_cold, small_trials))
    print(row(f"{small_trials:,} trials, all from the store", small_warm, small_trials))
    print(row("promptlab --help", ours))
    print(row("sqlite-utils --help", theirs))
    return judge(trials / cold.wall_s, max(cold.peak_mb, warm.peak_mb), ours, theirs)


def judge(per_second: float, peak_mb: float, ours: Cost, theirs: Cost) -> int:
    """Say which bars are missed."""
    missed = []
    if per_second < MIN_PER_SECOND:
        missed.append(f"fewer than {MIN_PER_SECOND:,} trials a second")
    if peak_mb >= MAX_MB:
        missed.append(f"not below {MAX_MB} MB")
    if ours.wall_s > theirs.wall_s:
        missed.append("--help starts slower than that of sqlite-utils")
    print("missed: " + "; ".join(missed) if missed else "every bar is met")
    return 1 if missed else 0


def make_project(root: Path, cases: int, versions: Sequence[str]) -> None:
    """Write a project with one suite, `bench`, of so many cases and template versions."""
    (root / "templates" / "review").mkdir(parents=True)
    (root / "suites").mkdir()
    for name in versions:
        (root / "templates" / "review" / f"{name}.j2").write_text(TEMPLATE.format(version=name))
    (root / "suites" / "bench.yaml").write_text(SUITE)
    with (root / "suites" / "reviews.jsonl").open("w") as file:
        for number in range(cases):
            review = f"Number {number} came on day {number % 31}; it is quite good, I think."
            file.write(json.dumps({"id": f"r{number}", "review": review, "expect": "positive"}))
            file.write("\n")


def run(project: Path) -> list[str]:
    """Return the command line that runs the suite of a project."""
    return python("promptlab", "--project", str(project), "run", "bench")


def python(module: str, *arguments: str) -> list[str]:
    """Return the command line of a Python program, the same way for ours and for others."""
    return [sys.executable, "-m", module, *arguments]


def row(label: str, cost: Cost, trials: int | None = None) -> str:
    """Return one line of the table."""
    rate = f"{trials / cost.wall_s:,.0f}" if trials else ""
    return f"{label:34}{cost.wall_s:8.2f}{cost.cpu_s:8.2f}{rate:>10}{cost.peak_mb:9.0f}"


def environment() -> str:
    """Say what the figures were taken on."""
    packages = ("promptlab-workbench", "jinja2", "pydantic", "sqlite-utils")
    told = ", ".join(f"{name} {installed(name)}" for name in packages)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{machine}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {told}"


def installed(package: str) -> str:
    """Return the version of a package; a checkout that is not installed has none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def measure(command: Sequence[str]) -> Cost:
    """Run a command to its good end, its output thrown away."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {told.decode()}")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def median_of(times: int, commands: Sequence[Sequence[str]]) -> list[Cost]:
    """Run commands by turns, so that a busy moment hits all; return the run of median time."""
    rounds = [[measure(command) for command in commands] for _ in range(times)]
    return [
        sorted(costs, key=lambda cost: cost.wall_s)[times // 2]
        for costs in zip(*rounds, strict=True)
    ]


if __name__ == "__main__":
    sys.exit(main())
