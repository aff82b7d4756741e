"""Who takes part when trials are carried out: what these say, who looks up, stores and grades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from promptlab.core.types import Arm, Plan, Trial, Turn
from promptlab.runner.answers import Answers
from promptlab.runner.clerk import Clerk
from promptlab.runner.grading import Grading
from promptlab.runner.questions import OpenTurn
from promptlab.runner.recorder import Recorder
from promptlab.runner.stopping import Stopping


class Script(Protocol):
    """What trials say: the turns that each begins with, and what comes next.

    `asks_others` tells whether a trial may ask another backend than the one it begins at.
    """

    asks_others: bool
    plan: Plan

    def lane_of(self, arm: Arm) -> str:
        """Return the backend in whose lane the trials of an arm begin."""

    def begin(self, trial: Trial) -> list[Turn]:
        """Return the turns that a trial begins with."""

    def next(self, trial: Trial, turns: Sequence[Turn]) -> OpenTurn | None:
        """Return what follows these turns of a trial, None at its end."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The parties to a run other than the trials, each with one job."""

    answers: Answers
    clerk: Clerk
    stopping: Stopping
    recorder: Recorder
    grading: Grading

    def end(self) -> None:
        """Give up what is still being graded, and record what backends have done."""
        self.grading.drop()
        self.recorder.keep_work()
