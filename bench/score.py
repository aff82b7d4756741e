"""What `promptlab score` costs: 100,000 stored outputs graded again, in a process of its own.

    python bench/score.py [--trials 100000]

The run is made on the backend `echo`; only `score` is measured, by `exact_match` and `regex`
together. It ends with 1 where the bar of the design is missed: less than 15 s.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_S = 15.0
SUITE = """\
templates: ["review@*"]
backends: [echo]
cases: reviews.csv
scorers:
  - exact_match
  - regex: {pattern: "(?i)it is (?:quite )?(\\\\w+)", group: 1, target: good}
"""


def main() -> int:
    """Make a run, grade it again, print, judge."""
    parser = argparse.ArgumentParser(description="Measure grading stored outputs again.")
    parser.add_argument("--trials", type=int, default=100_000)
    trials = parser.parse_args().trials
    load = os.getloadavg()[0]
    print(f"{platform.system()}, {os.cpu_count()} cores, load {load:.1f}, {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        make_project(project, trials)
        measure(folder, "run", "bench")
        wall, cpu, peak = measure(folder, "score")
    print(f"{trials:,} outputs: {wall:.2f} s, of the processor {cpu:.2f} s, peak {peak:.0f} MB")
    missed = wall >= LIMIT_S
    print(f"missed: not below {LIMIT_S:g} s" if missed else "the bar is met")
    return int(missed)


def make_project(root: Path, cases: int) -> None:
    """Write a project with one suite, `bench`, of so many cases."""
    (root / "templates" / "review").mkdir(parents=True)
    (root / "suites").mkdir()
    (root / "templates" / "review" / "v1.j2").write_text("Label this review: {{ review }}\n")
    (root / "suites" / "bench.yaml").write_text(SUITE)
    with (root / "suites" / "reviews.csv").open("w") as file:
        file.write("id,review,expect\n")
        for number in range(cases):
            word = ("good", "bad")[number % 2]
            file.write(f"r{number},Number {number}; it is quite {word} I think,{word}\n")


def measure(project: str, *words: str) -> tuple[float, float, float]:
    """Run a command to its good end; return its seconds by the clock and the processor, and MB."""
    command = [sys.executable, "-m", "promptlab", "--project", project, *words]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    sys.exit(main())
