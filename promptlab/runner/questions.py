"""What scorers ask about the trials of a plan: aside, after the conversation, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Completion, Message, Plan, Request, Trial, Turn
from promptlab.runner.samples import Samples, graded_turn
from promptlab.scorers.asking import Ask
from promptlab.scorers.binding import BoundScorer
from promptlab.scorers.sample import Sample

MOST_ASIDE = 1_000  # questions about one trial: stops a scorer that never stops asking


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """A turn of a trial without its answer. See `Turn` for `aside` and `backend`.

    One of a `rival` is the call of another trial of the plan, which this one is compared with.
    """

    name: str
    request: Request
    aside: bool = False
    backend: str | None = None
    rival: bool = False

    def answered(self, completion: Completion, *, cached: bool) -> Turn:
        """Return the turn made of this and its answer."""
        return Turn(self.name, self.request, completion, cached, self.aside, self.backend)


class Questions:
    """Turns the questions of scorers into turns of a trial.

    `weighing` are the backends that can weigh given answers.
    """

    def __init__(
        self,
        plan: Plan,
        scorers: Sequence[BoundScorer],
        weighing: frozenset[str] = frozenset(),
    ) -> None:
        self.asking = [scorer for scorer in scorers if scorer.may_ask]
        self._plan = plan
        self._samples = Samples(plan, weighing)

    def next(self, trial: Trial, turns: Sequence[Turn]) -> OpenTurn | None:
        """Return the next question that scorers still have, if any."""
        graded = graded_turn(turns, self._plan.grade) if self.asking else None
        if graded is None or len(turns) > MOST_ASIDE:
            return None
        known = {turn.request.key for turn in turns}
        questions = self._of(trial, self._samples.of(trial, turns, graded))
        return next((question for question in questions if question.request.key not in known), None)

    def ahead(self, trial: Trial, turns: Sequence[Turn]) -> Iterator[OpenTurn]:
        """Yield what scorers will ask about a trial, given stand-ins for its answers."""
        graded = graded_turn(turns, self._plan.grade)
        if graded is None:
            return
        sample = self._samples.of(trial, turns, graded)
        for scorer in self.asking:
            yield from self._opened(trial, sample, scorer.spec.label, scorer.asks_ahead(sample))

    def unanswered(self, trial: Trial, prompt: tuple[Message, ...]) -> Iterator[OpenTurn]:
        """Yield what scorers ask about a prompt that has no answer yet."""
        return self._of(trial, self._samples.unanswered(trial, prompt))

    def _of(self, trial: Trial, sample: Sample) -> Iterator[OpenTurn]:
        """Yield all questions of scorers, answered before or not.

        A scorer that fails here fails again when it grades, and is reported then.
        """
        for scorer in self.asking:
            try:
                asks = scorer.asks(sample)
            except PromptlabError:
                continue
            yield from self._opened(trial, sample, scorer.spec.label, asks)

    def _opened(
        self, trial: Trial, sample: Sample, label: str, asks: Sequence[Ask]
    ) -> Iterator[OpenTurn]:
        assert sample.asker is not None
        own = self._plan.arms[trial.arm].backend
        for ask in asks:
            name = f"{label}: {ask.purpose}" if ask.purpose else label
            backend = None if ask.backend == own else ask.backend
            yield OpenTurn(name, sample.asker.request(ask), aside=True, backend=backend)
