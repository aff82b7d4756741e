"""The one input of every scorer: a trial, with the answers to what it asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import isnan

from promptlab.core.types import Case, Completion, Likelihood, Outcome, Turn
from promptlab.scorers.asking import Ask, Asker
from promptlab.scorers.rivals import failed, turns_of

SEVERAL = ALL, ANSWERS = ("all", "answers")
"""What `grade` can say beside the name of an answer; see `Sample.of`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Everything that a scorer may know about one trial. The only input of every scorer.

    `turns` are its model calls in order; those made by scorers are marked `aside`. `arm` is the
    version that gave the output, `grade` the name of the answer that it is, None for the last.
    """

    output: str
    case: Case
    outcome: Outcome
    turns: tuple[Turn, ...] = ()
    asker: Asker | None = field(default=None, repr=False)
    arm: str | None = None
    grade: str | None = None

    def of(self, answer: str) -> tuple[Sample, int] | None:
        """Return the sample in which another answer is graded, and the place of its turn.

        `answer` is the name of one, of which the last counts; `ANSWERS` for all answers, or
        `ALL` for the whole conversation as a text. None if the trial has no such answer.
        """
        places = [place for place, turn in enumerate(self.turns) if not turn.aside]
        named = [p for p in places if answer in (ALL, ANSWERS, self.turns[p].name)]
        if not named:
            return None
        turn = self.turns[named[-1]]
        output = turn.completion.text
        if answer == ANSWERS:
            output = "\n\n".join(self.turns[place].completion.text for place in places)
        if answer == ALL:
            said = [f"{message.role}: {message.text}" for message in turn.request.messages]
            output = "\n\n".join([*said, f"assistant: {output}"])
        asker = self.asker and replace(self.asker, prompt=turn.request.messages)
        outcome = turn.completion.outcome
        found = replace(self, output=output, outcome=outcome, asker=asker, grade=answer)
        return found, named[-1]

    def rival(self, arm: str) -> str | None:
        """Return the answer that another arm gave to the same case, if it is there (yet).

        It is the one that corresponds to the output. That of its own arm is the output.
        """
        if arm == self.arm:
            return self.output
        turns = turns_of(arm, self.turns)
        if not turns or failed(turns):
            return None
        if self.grade is None:
            return turns[-1].completion.text
        found = replace(self, turns=turns).of(self.grade)
        return None if found is None else found[0].output

    def answer_to(self, ask: Ask) -> Completion:
        """Return the model's answer to this question. Raise `LookupError` if there is none."""
        key = None if self.asker is None else self.asker.request(ask).key
        for turn in reversed(self.turns):
            if turn.request.key == key:
                return _answered(turn)
        raise LookupError("the model was not asked this")

    def answered(self, ask: Ask) -> bool:
        """Return whether the model was asked this, with or without success."""
        key = None if self.asker is None else self.asker.request(ask).key
        return any(turn.request.key == key for turn in self.turns)

    def weighed(self, continuations: Sequence[str]) -> tuple[Likelihood, ...]:
        """Return how likely the model finds each of these answers; the scorer must have asked."""
        for turn in reversed(self.turns):
            if turn.request.continuations == tuple(continuations) and self._is_of_prompt(turn):
                return _likelihoods(turn)
        raise LookupError("the model was not asked how likely these answers are")

    def _is_of_prompt(self, turn: Turn) -> bool:
        """Return whether a turn asks about the prompt whose answer is graded."""
        if turn.backend is not None:
            return False
        return self.asker is None or turn.request.messages == self.asker.prompt


def _likelihoods(turn: Turn) -> tuple[Likelihood, ...]:
    found = _answered(turn).likelihoods
    wanted = len(turn.request.continuations)
    if len(found) != wanted or any(isnan(each.logprob) for each in found):
        raise LookupError(f"the model did not say how likely each of {wanted} answers is")
    return found


def _answered(turn: Turn) -> Completion:
    if turn.completion.outcome is Outcome.ERROR:
        raise LookupError(f"the model was asked, but {turn.completion.error or 'gave no answer'}")
    return turn.completion
