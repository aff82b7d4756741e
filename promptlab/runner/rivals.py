"""Which arms of a plan scorers compare the answers of another arm with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from promptlab.core.types import Arm, Trial
from promptlab.scorers.binding import BoundScorer


def rivals_of(arms: Sequence[Arm], scorers: Sequence[BoundScorer]) -> Mapping[int, tuple[int, ...]]:
    """Return, for each arm by its place, those on its backend that scorers compare it with."""
    named = {name for scorer in scorers for name in scorer.rivals()}
    return {
        place: tuple(
            other
            for other, rival in enumerate(arms)
            if other != place and rival.prompt in named and rival.backend == arm.backend
        )
        for place, arm in enumerate(arms if named else ())
    }


def beside(trial: Trial, rivals: Mapping[int, tuple[int, ...]]) -> Iterator[Trial]:
    """Yield the trials on the same case and repeat that a trial is compared with."""
    for arm in rivals.get(trial.arm, ()):
        yield replace(trial, seq=trial.seq - trial.arm + arm, arm=arm)
