"""Run a scorer function on a sample and turn whatever it does into a `Score`.

A verdict, a number and a `Score` are valid; anything else, and any exception, is a failed score. A
user-defined function gets a time limit, and its own thread if it is not async, so that it cannot
stop a run.
"""

from __future__ import annotations

import asyncio
import math
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from numbers import Real
from types import NoneType
from typing import Any

from promptlab.core.errors import PromptlabError
from promptlab.core.foreign import call_foreign, foreign
from promptlab.core.types import Score
from promptlab.scorers.decorator import Scorer
from promptlab.scorers.sample import Sample

TIME_LIMIT_S = 60.0
"""How long a user-defined function may take for one sample."""

Function = Callable[..., Any]
Params = Mapping[str, Any]
Run = Callable[[Sample, Params], Awaitable[Score]]

_TEXT = frozenset((str, NoneType))
_PASSED = Score(1.0, passed=True)
_FAILED = Score(0.0, passed=False)


def runner(scorer: Scorer, time_limit_s: float) -> Run:
    """Return how to run this scorer; user-defined ones get a time limit where possible."""
    if scorer.built_in:
        ways = {"inline": _run_at_once, "thread": _run_pooled, "async": _await}
        return partial(ways[scorer.way], scorer.function)
    if scorer.way == "inline":
        return partial(_run_guarded, scorer.function)
    run: Run = partial(_await if scorer.way == "async" else _run_in_thread, scorer.function)
    return partial(_run_within, time_limit_s, run)


def at_once(scorer: Scorer) -> Run:
    """Return how to run a built-in scorer, if it is no coroutine, in whichever thread calls it."""
    return partial(_run_at_once, scorer.function)


def score_of(result: object) -> Score:
    """Turn a scorer's return value into a score."""
    if result is True:
        return _PASSED
    if result is False:
        return _FAILED
    if isinstance(result, Score):
        return _legal(result)
    plain = result.item() if hasattr(result, "item") else result  # a scalar of numpy or torch
    if isinstance(plain, bool):
        return score_of(plain)
    if isinstance(plain, Real):
        return _legal(Score(float(plain)))
    kind = type(result).__name__
    return Score(None, error=f"the scorer returned {kind}, not a bool, a number or a Score")


def failed_score(error: BaseException) -> Score:
    """Return the failed score for an exception, with its traceback."""
    try:
        with foreign("its text"):
            lines = str(error).splitlines()
    except PromptlabError:
        lines = ["its text cannot be read"]
    message = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return Score(None, error=message, traceback="".join(traceback.format_exception(error)))


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _legal(score: Score) -> Score:
    """Return the score with either a finite float or an error."""
    texts = (score.reason, score.error, score.traceback, score.found, score.expected)
    if not _TEXT.issuperset(map(type, texts)) and not all(map(_is_text, texts)):
        return Score(None, error="the scorer gave a Score whose reason or error is not a text")
    if type(score.gradable) not in (bool, type(None)):
        score = replace(score, gradable=bool(score.gradable))
    if score.error is not None or score.value is None:
        reason = score.error or "the scorer gave a Score without a value"
        return replace(score, value=None, passed=None, error=reason)
    if not math.isfinite(score.value):
        reason = f"the scorer gave the value {score.value}"
        return replace(score, value=None, passed=None, error=reason)
    if type(score.value) is float and (score.passed is None or type(score.passed) is bool):
        return score
    passed = None if score.passed is None else bool(score.passed)
    return replace(score, value=float(score.value), passed=passed)


def _graded(function: Function, sample: Sample, params: Params) -> Score:
    try:
        return score_of(function(sample, **params))
    except Exception as error:  # noqa: BLE001 - what a scorer raises is a failed score
        return failed_score(error)


async def _run_at_once(function: Function, sample: Sample, params: Params) -> Score:
    return _graded(function, sample, params)


async def _run_pooled(function: Function, sample: Sample, params: Params) -> Score:
    """Run a function that never hangs in a thread shared with others."""
    return await asyncio.to_thread(_graded, function, sample, params)


async def _run_guarded(function: Function, sample: Sample, params: Params) -> Score:
    try:
        with foreign("the scorer"):
            return score_of(function(sample, **params))
    except PromptlabError as error:
        return failed_score(error.__cause__ or error)


async def _await(function: Function, sample: Sample, params: Params) -> Score:
    try:
        with foreign("the scorer"):
            return score_of(await function(sample, **params))
    except PromptlabError as error:
        return failed_score(error.__cause__ or error)


async def _run_in_thread(function: Function, sample: Sample, params: Params) -> Score:
    def grade() -> Score:
        return score_of(function(sample, **params))

    try:
        score: Score = await call_foreign(grade, "the scorer")
    except PromptlabError as error:
        return failed_score(error.__cause__ or error)
    return score


async def _run_within(limit_s: float, run: Run, sample: Sample, params: Params) -> Score:
    try:
        async with asyncio.timeout(limit_s):
            return await run(sample, params)
    except TimeoutError:
        return Score(None, error=f"TimeoutError: the scorer took longer than {limit_s:g} s")
