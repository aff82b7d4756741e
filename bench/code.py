"""The scorer `code` on HumanEval: does it tell right from wrong, and how long does a run take?

    python bench/code.py [--workers 2] [--runs 60]

The 164 problems are those of ../shared/data/humaneval. The canonical solution of each must pass,
one that begins with a `return` of something else must fail; `apart` has tests and code in processes
of their own, `together` in one. Then a small function is run again and again, one at a time.
`start` is the server, once for each process of promptlab. Ends with 1 where one is misjudged or
all take more than 90 s.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from promptlab.codebox.box import Box, Job

PROBLEMS = (
    Path(__file__).resolve().parents[2] / "shared" / "data" / "humaneval" / "HumanEval.jsonl.gz"
)
BAR_S = 90.0
SMALL = Job("def f(x):\n    return x + 1\n", "assert f(1) == 2\n")


def main() -> int:
    """Run all, judge."""
    parser = argparse.ArgumentParser(description="Grade HumanEval with the scorer `code`.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=60)
    arguments = parser.parse_args()
    began = time.perf_counter()
    box = Box()
    who = "root" if os.getuid() == 0 else "an ordinary user"
    print(f"start as {who}: {(time.perf_counter() - began) * 1000:.0f} ms")
    good = True
    for apart in (True, False):
        asyncio.run(one_at_a_time(box, arguments.runs, apart=apart))
        if PROBLEMS.is_file():
            good &= asyncio.run(human_eval(box, arguments.workers, apart=apart))
    if not PROBLEMS.is_file():
        print(f"the problems are not there: {PROBLEMS}")
    box.close()
    return 0 if good else 1


async def one_at_a_time(box: Box, runs: int, *, apart: bool) -> None:
    """Time single runs of a small function."""
    job = Job(SMALL.code, SMALL.tests, apart=apart)
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        assert (await box.run(job)).passed
        taken.append((time.perf_counter() - began) * 1000)
    least, middle, most = min(taken), statistics.median(taken), max(taken)
    print(f"{way(apart)}, a run: {middle:.1f} ms ({least:.1f} to {most:.1f}), {runs} runs")


async def human_eval(box: Box, workers: int, *, apart: bool) -> bool:
    """Grade right and broken solutions; return whether all was told and in time."""
    with gzip.open(PROBLEMS, "rt", encoding="utf-8") as lines:
        problems = [json.loads(line) for line in lines]
    began = time.perf_counter()
    right = await passed(box, [job(each, broken=False, apart=apart) for each in problems], workers)
    wrong = await passed(box, [job(each, broken=True, apart=apart) for each in problems], workers)
    seconds = time.perf_counter() - began
    count = len(problems)
    print(
        f"{way(apart)}, {count} problems with {workers} workers: {right.count(True)} right pass, "
        f"{wrong.count(False)} broken fail, {seconds:.1f} s"
    )
    return right == [True] * count and wrong == [False] * count and seconds < BAR_S


async def passed(box: Box, jobs: Sequence[Job], workers: int) -> list[bool | None]:
    """Return which of the jobs passed, with so many at once."""
    slots = asyncio.Semaphore(workers)

    async def one(job: Job) -> bool | None:
        async with slots:
            return (await box.run(job)).passed

    return list(await asyncio.gather(*map(one, jobs)))


def job(problem: dict[str, str], *, broken: bool, apart: bool) -> Job:
    """Return a problem with its canonical solution, or with that broken."""
    solution = problem["canonical_solution"]
    if broken:
        solution = f"    return ['broken']\n{solution}"
    name, prompt = problem["entry_point"], problem["prompt"]
    return Job(solution, problem["test"], name, prompt, apart=apart)


def way(apart: bool) -> str:
    return "apart" if apart else "together"


if __name__ == "__main__":
    sys.exit(main())
