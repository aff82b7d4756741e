"""The trials of a plan as scorers see them, both when they ask and when they grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from promptlab.backends import Backend
from promptlab.core.types import Message, Outcome, Plan, Trial, Turn
from promptlab.scorers.asking import Asker
from promptlab.scorers.sample import Sample


class Samples:
    """Makes samples of the trials of one plan; scorers may ask those in `weighing` to weigh."""

    def __init__(self, plan: Plan, weighing: frozenset[str] = frozenset()) -> None:
        self._plan = plan
        self._weighing = weighing
        self._prompts = [arm.prompt for arm in plan.arms]
        self._digests = {spec.name: spec.digest for spec in plan.backends}

    def of(self, trial: Trial, turns: Sequence[Turn], graded: int) -> Sample:
        """Return a trial whose answer at the place `graded` is the one that counts."""
        case, turn = self._plan.cases[trial.case], turns[graded]
        asker, completion = self.asker(trial, turn.request.messages), turn.completion
        arm, grade = self._prompts[trial.arm], self._plan.grade
        return Sample(completion.text, case, completion.outcome, tuple(turns), asker, arm, grade)

    def unanswered(self, trial: Trial, prompt: tuple[Message, ...]) -> Sample:
        """Return a trial whose answer is still to come, for scorers that do not read it."""
        case = self._plan.cases[trial.case]
        return Sample("", case, Outcome.OK, (), self.asker(trial, prompt))

    def asker(self, trial: Trial, prompt: tuple[Message, ...]) -> Asker:
        """Return what turns questions about the answer to a prompt into requests."""
        plan = self._plan
        backend, case = plan.arms[trial.arm].backend, plan.cases[trial.case]
        return Asker(prompt, backend, self._digests, plan.seed, case.id, self._weighing)


def weighing(backends: Mapping[str, Backend]) -> frozenset[str]:
    """Return the names of those backends that can weigh given answers."""
    return frozenset(name for name, backend in backends.items() if backend.weighs_answers)


def graded_turn(turns: Sequence[Turn], grade: str | None) -> int | None:
    """Return the place of the answer that is graded: the last one, or the last of that name."""
    for place in reversed(range(len(turns))):
        if not turns[place].aside and grade in (None, turns[place].name):
            return place
    return None
