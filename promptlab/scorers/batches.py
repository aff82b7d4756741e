"""Grading many samples one after the other, without an event loop, which costs more than most."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import replace

from promptlab.core.types import Score
from promptlab.scorers.bound import BoundScorer
from promptlab.scorers.running import at_once
from promptlab.scorers.sample import Sample


def waits(scorer: BoundScorer) -> bool:
    """Return whether a scorer may wait for something, or hang, and so needs an event loop."""
    own = scorer.scorer.way == "async" or not scorer.scorer.built_in
    return own or any(map(waits, scorer.members))


def reads_one_answer(scorer: BoundScorer) -> bool:
    """Return whether a scorer needs nothing of a trial but its case and the answer it grades."""
    alone = scorer.built_in and scorer.grade is None and not scorer.may_ask and not scorer.rivals()
    return alone and all(map(reads_one_answer, scorer.members))


def score_all(scorer: BoundScorer, samples: Sequence[Sample]) -> list[Score]:
    """Grade samples in this thread; the scorer must be one that never `waits`."""
    plain = _in_this_thread(scorer)
    return [_returned(plain.score(sample)) for sample in samples]


def _in_this_thread(scorer: BoundScorer) -> BoundScorer:
    parts = scorer.parts
    if parts is not None:
        parts = replace(parts, scorers=tuple(map(_in_this_thread, parts.scorers)))
    return replace(scorer, run=at_once(scorer.scorer), parts=parts)


def _returned(work: Coroutine[None, None, Score]) -> Score:
    """Return what a coroutine returns that never suspends."""
    try:
        work.send(None)
    except StopIteration as done:
        score: Score = done.value
        return score
    work.close()
    raise RuntimeError("the scorer waits")
