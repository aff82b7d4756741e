"""Asks a scorer about answers that no model gave, in the way of every call, and grades them.

They are trials of a plan of their own, which is stored nowhere; what is asked about them is stored
with the run that their cases are of, at once: probing that was broken off asks nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Arm, Case, Outcome, Plan, Score, Trial, TrialResult, Turn
from promptlab.core.watch import Watch
from promptlab.runner.asking_again import Means, ask_all
from promptlab.runner.grading import Grading
from promptlab.runner.questions import MOST_ASIDE, OpenTurn
from promptlab.runner.regrading import Stored
from promptlab.scorers.binding import BoundScorer
from promptlab.scorers.sample import Sample


async def probed_scores(
    stored: Stored,
    scorer: BoundScorer,
    samples: Sequence[Sample],
    means: Means,
    watch: Watch,
) -> list[Score]:
    """Return what a scorer says of answers, having asked whatever it wants to know.

    Raise `PromptlabError` where the budget does not suffice, or a backend fails.
    """
    asking = scorer.may_ask and bool(means.backends)
    if not asking:
        return [await scorer.score(sample) for sample in samples]
    script = _Script(stored.plan, scorer, samples, [*means.backends])
    grading = _Kept(script, watch)
    await ask_all(stored, script, grading, means, watch)
    if len(grading.turns) < len(samples):
        raise PromptlabError(
            f"stopped at {means.budget.limit} before every question was answered",
            hint="raise the limit: what was answered so far is stored, and is not asked again",
        )
    return [
        await scorer.score(script.sample(place, grading.turns[place]))
        for place in range(len(samples))
    ]


class _Script:
    """Trials that each begin with an answer, and go on with the questions of one scorer."""

    asks_others = True

    def __init__(
        self, plan: Plan, scorer: BoundScorer, samples: Sequence[Sample], names: Sequence[str]
    ) -> None:
        case: Case = samples[0].case
        specs = tuple(spec for spec in plan.backends if spec.name in names)
        self._arm = replace(plan.arms[0], backend=names[0])
        self.plan = replace(
            plan,
            arms=(self._arm,),
            cases=(case,) * len(samples),  # each trial has its own, in its sample
            backends=specs,
            repeats=1,
            sequential=None,
        )
        self._scorer = scorer
        self._samples = samples

    def lane_of(self, arm: Arm) -> str:
        """Return the backend in whose lane all trials begin."""
        return self._arm.backend

    def begin(self, trial: Trial) -> list[Turn]:
        """Return the conversation that ends with the answer."""
        return [*self._samples[trial.seq].turns]

    def next(self, trial: Trial, turns: Sequence[Turn]) -> OpenTurn | None:
        """Return the next question about an answer; each names the backend that it asks."""
        sample = self.sample(trial.seq, turns)
        if sample.asker is None or len(turns) > MOST_ASIDE:
            return None
        known = {turn.request.key for turn in turns}
        try:
            asks = self._scorer.asks(sample)
        except PromptlabError:  # it fails again when it grades, and is told then
            return None
        for ask in asks:
            request = sample.asker.request(ask)
            if request.key not in known:
                backend = ask.backend or sample.asker.backend
                return OpenTurn(ask.purpose, request, aside=True, backend=backend)
        return None

    def sample(self, place: int, turns: Sequence[Turn]) -> Sample:
        """Return an answer with what was asked about it; None stands for the backend it is of."""
        sample = self._samples[place]
        own = None if sample.asker is None else sample.asker.backend
        told = [replace(turn, backend=None) if turn.backend == own else turn for turn in turns]
        return replace(sample, turns=tuple(told))


class _Kept(Grading):
    """Keeps what was asked about each answer: all of them are graded in the end."""

    def __init__(self, script: _Script, watch: Watch) -> None:
        super().__init__(script.plan, (), self._pass_over)
        self.turns: dict[int, tuple[Turn, ...]] = {}
        self._watch = watch

    async def finish(self, trial: Trial, turns: tuple[Turn, ...], error: str | None) -> None:
        """Keep the turns of a trial that ended."""
        self.turns[trial.seq] = turns
        asked = tuple(turn for turn in turns if turn.aside)
        self._watch.finished(TrialResult(trial, asked, None, Outcome.OK, error, {}))

    def _pass_over(self, result: TrialResult) -> None:
        """Keep no result: these trials belong to no run."""
