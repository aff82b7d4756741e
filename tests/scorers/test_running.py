from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from promptlab.core.types import Case, Outcome, Score
from promptlab.scorers.binding import bind
from promptlab.scorers.decorator import Runs, Scorer
from promptlab.scorers.running import failed_score, runner, score_of
from promptlab.scorers.sample import Sample
from promptlab.scorers.verdict import cut, listed, verdict

SAMPLE = Sample("out", Case("c", {}, None, (), None, "b2:0"), Outcome.OK)


def run(function: Any, limit_s: float = 5.0, **params: Any) -> Score:
    one = runner(Scorer("own", "1", function), limit_s)
    return asyncio.run(asyncio.wait_for(_awaited(one, params), 10))


async def _awaited(one: Any, params: dict[str, Any]) -> Score:
    score = await one(SAMPLE, params)
    assert isinstance(score, Score)
    return score


@pytest.mark.parametrize(
    ("result", "score"),
    [
        (True, Score(1.0, True)),
        (False, Score(0.0, False)),
        (1, Score(1.0)),
        (0.25, Score(0.25)),
        (-3, Score(-3.0)),
        (Fraction(1, 4), Score(0.25)),
        (np.float32(0.5), Score(0.5)),
        (np.bool_(True), Score(1.0, True)),
        (np.int64(2), Score(2.0)),
        (Score(0.5, True, "why"), Score(0.5, True, "why")),
        (Score(1), Score(1.0)),
        (Score(np.float64(0.5), np.bool_(True)), Score(0.5, True)),  # type: ignore[arg-type]
        (Score(None, error="broke"), Score(None, error="broke")),
        (Score(1.0, True, error="broke"), Score(None, error="broke")),
    ],
)
def test_legal_results(result: object, score: Score) -> None:
    assert score_of(result) == score
    assert type(score_of(result).value) in (float, type(None))


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (float("nan"), "the scorer gave the value nan"),
        (float("-inf"), "the scorer gave the value -inf"),
        (Score(float("inf"), True), "the scorer gave the value inf"),
        (Score(None), "the scorer gave a Score without a value"),
        (None, "the scorer returned NoneType, not a bool, a number or a Score"),
        ("yes", "the scorer returned str, not a bool, a number or a Score"),
        (1j, "the scorer returned complex, not a bool, a number or a Score"),
        ([True], "the scorer returned list, not a bool, a number or a Score"),
    ],
)
def test_illegal_results_are_failed_scores(result: object, error: str) -> None:
    assert score_of(result) == Score(None, None, None, error)


def test_an_exception_is_a_failed_score_with_its_traceback() -> None:
    def breaks(sample: Sample) -> bool:
        raise KeyError("no such\nthing")

    score = run(breaks)
    assert score.value is None
    assert score.error == "KeyError: 'no such\\nthing'"
    assert "in breaks" in str(score.traceback)


def test_the_error_is_one_line() -> None:
    assert failed_score(ValueError("one\ntwo")).error == "ValueError: one"
    assert failed_score(ValueError()).error == "ValueError"


def test_sync_functions_of_the_user_run_in_a_thread() -> None:
    def where(sample: Sample, *, add: float) -> float:
        return add + (threading.current_thread() is threading.main_thread())

    assert run(where, add=0.5) == Score(0.5)


def test_async_functions_are_awaited() -> None:
    async def later(sample: Sample) -> bool:
        await asyncio.sleep(0)
        return sample.output == "out"

    class Caller:
        async def __call__(self, sample: Sample) -> bool:
            return await later(sample)

    assert run(later) == run(Caller()) == Score(1.0, True)


def test_an_async_function_that_raises() -> None:
    async def breaks(sample: Sample) -> bool:
        raise TimeoutError("mine")

    assert run(breaks).error == "TimeoutError: mine"


def test_a_scorer_cannot_end_the_program() -> None:
    def leaves(sample: Sample) -> bool:
        sys.exit(3)

    async def leaves_later(sample: Sample) -> bool:
        sys.exit(3)

    assert run(leaves).error == run(leaves_later).error == "SystemExit: 3"


def test_a_scorer_that_takes_too_long_is_a_failed_score() -> None:
    release = threading.Event()

    def blocks(sample: Sample) -> bool:
        return release.wait(5)

    async def dreams(sample: Sample) -> bool:
        await asyncio.sleep(5)
        return True

    start = time.perf_counter()
    expected = Score(None, error="TimeoutError: the scorer took longer than 0.05 s")
    assert run(blocks, 0.05) == run(dreams, 0.05) == expected
    assert time.perf_counter() - start < 3
    release.set()


def test_an_answer_after_the_time_limit_is_let_go() -> None:
    release, done = threading.Event(), threading.Event()

    def blocks(sample: Sample) -> bool:
        release.wait(5)
        done.set()
        return True

    async def outlive() -> Score:
        score = await _awaited(runner(Scorer("own", "1", blocks), 0.05), {})
        release.set()
        await asyncio.to_thread(done.wait, 5)
        await asyncio.sleep(0.05)  # its answer arrives, and nothing is left to take it
        return score

    assert asyncio.run(outlive()).value is None


def test_a_slow_function_does_not_block_the_loop() -> None:
    release = threading.Event()

    def blocks(sample: Sample) -> bool:
        return release.wait(5)

    async def both() -> Score:
        grading = asyncio.ensure_future(_awaited(runner(Scorer("own", "1", blocks), 5), {}))
        await asyncio.sleep(0.01)
        release.set()
        return await grading

    assert asyncio.run(both()) == Score(1.0, True)


def test_a_scorer_says_how_it_runs() -> None:
    def where(sample: Sample) -> bool:
        return threading.current_thread() is threading.main_thread()

    def leaves(sample: Sample) -> bool:
        sys.exit(3)

    def run_as(runs: Runs, function: Any) -> Score:
        one = runner(Scorer("own", "1", function, runs=runs), 5.0)
        return asyncio.run(_awaited(one, {}))

    assert run_as("inline", where) == Score(1.0, True)
    assert run_as("thread", where) == Score(0.0, False)
    assert run_as("inline", leaves).error == "SystemExit: 3"


@pytest.mark.slow
def test_a_pattern_that_takes_long_does_not_block_the_loop() -> None:
    [regex] = bind([{"regex": {"pattern": "(a|aa)+$", "timeout": 0.5}}])
    sample = replace(SAMPLE, output="a" * 80 + "!")

    async def tick_beside() -> tuple[Score, int]:
        grading, ticks = asyncio.ensure_future(regex.score(sample)), 0
        while not grading.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return await grading, ticks

    score, ticks = asyncio.run(tick_beside())
    assert score.error == "TimeoutError: the pattern took longer than 0.5 s"
    assert ticks > 5


NEVER_RETURNS = """
import asyncio, threading
from promptlab.scorers.decorator import Runs, Scorer
from promptlab.scorers.sample import Sample
from promptlab.scorers.binding import bind
from promptlab.scorers.running import runner
from promptlab.core.types import Case, Outcome

def blocks(sample):
    threading.Event().wait()

sample = Sample("", Case("c", {}, None, (), None, ""), Outcome.OK)
print(asyncio.run(runner(Scorer("own", "1", blocks), 0.05)(sample, {})).error)
"""


@pytest.mark.slow
def test_a_function_that_never_returns_does_not_keep_the_program_alive() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NEVER_RETURNS],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout.strip() == "TimeoutError: the scorer took longer than 0.05 s"


def test_reasons_are_short() -> None:
    assert verdict(True) == Score(1.0, True)
    assert len(str(verdict(False, "x" * 1000).reason)) == 300
    assert cut("abcdef", 4) == "abc…"
    assert listed(["a", "b" * 200]) == "'a', '" + "b" * 79 + "…'"
