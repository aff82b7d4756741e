"""The calls of a plan's trials, rendered, and made into requests with their keys.

What scorers ask of a model is asked aside, after the conversation; where none of them reads the
output, a choice between given answers is asked for in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from promptlab.cases.images import ImageFolder
from promptlab.core.digest import generation_key, seed_from
from promptlab.core.errors import PromptlabError
from promptlab.core.types import (
    Case,
    Completion,
    Json,
    Message,
    Outcome,
    Plan,
    Request,
    Sampling,
    Trial,
    Turn,
)
from promptlab.runner.samples import Samples, graded_turn
from promptlab.scorers import Ask, Sample
from promptlab.scorers.binding import BoundScorer
from promptlab.templates.template import STAND_IN, Call, Template

NOT_GIVEN = Completion(Outcome.OK, STAND_IN)
"""Stands for an answer that is still to come."""

_MOST_ASIDE = 1_000  # questions about one trial: a scorer that never stops asking asks no more


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """A turn of a trial without its answer. See `Turn` for `aside` and `backend`."""

    name: str
    request: Request
    aside: bool = False
    backend: str | None = None

    def answered(self, completion: Completion, *, cached: bool) -> Turn:
        """Return the turn that this and its answer make."""
        return Turn(self.name, self.request, completion, cached, self.aside, self.backend)


class Renderer:
    """Renders the calls of a plan's trials into requests."""

    def __init__(
        self,
        plan: Plan,
        templates: Mapping[str, Template],
        root: Path,
        scorers: Sequence[BoundScorer] = (),
    ) -> None:
        """Take the plan with its compiled templates, the folder of its project and its scorers."""
        self.plan = plan
        self.scorers = scorers
        self.asks_others = any(scorer.backends for scorer in scorers)
        self._asking = [each for each in scorers if each.scorer.asks is not None]
        self._needs_output = not scorers or any(each.scorer.reads_output for each in scorers)
        # Who does not read the output can only ask about the prompt that it answers.
        self._asks_of_prompt = any(not each.scorer.reads_output for each in self._asking)
        self._templates = [templates[arm.digest] for arm in plan.arms]
        self._off = [frozenset(arm.off) for arm in plan.arms]
        digests = {spec.name: spec.digest for spec in plan.backends}
        self._digests = [digests[arm.backend] for arm in plan.arms]
        self._images = ImageFolder(root / plan.assets)
        self._samples = Samples(plan)

    def next(self, trial: Trial, turns: Sequence[Turn]) -> OpenTurn | None:
        """Render the call of a trial that follows these turns; None at its end."""
        if not turns or not turns[-1].aside:
            answers = [turn.completion.text for turn in turns]
            if (call := self._call(trial, answers)) is not None:
                return self._open(trial, call, answers)
        return self._next_aside(trial, turns) if self._asking else None

    def asks_ahead(self, trial: Trial, calls: Sequence[Call]) -> Iterator[OpenTurn]:
        """Yield what scorers will ask of a trial, as far as that is known before it has answers."""
        if not self._asking:
            return
        turns = [
            Turn(call.name, Request("", call.messages, Sampling()), NOT_GIVEN, cached=True)
            for call in calls
        ]
        graded = graded_turn(turns, self.plan.grade)
        if graded is None:
            return
        sample = self._samples.of(trial, turns, graded)
        for scorer in self._asking:
            yield from self._opened(trial, sample, scorer.spec.label, scorer.asks_ahead(sample))

    def _call(self, trial: Trial, answers: Sequence[str]) -> Call | None:
        case = self.plan.cases[trial.case]
        template = self._templates[trial.arm]
        try:
            return template.render(case.vars, answers, self._off[trial.arm], self._images.load)
        except PromptlabError as error:
            raise error.in_case(case.id) from None

    def _open(self, trial: Trial, call: Call, answers: Sequence[str]) -> OpenTurn:
        goes_on = call.name != self._templates[trial.arm].final_answer
        if not self._needs_output and self._is_graded(trial, call, answers):
            wanted = self._weighed(trial, call.messages)
            if choice := next((each for each in wanted if len(each.continuations) > 1), None):
                followed = goes_on or len(wanted) > 1
                return OpenTurn(call.name, replace(choice, followed=followed))
        followed = goes_on or self._asks_of_prompt
        return OpenTurn(call.name, self._request(trial, call, len(answers), followed=followed))

    def _is_graded(self, trial: Trial, call: Call, answers: Sequence[str]) -> bool:
        """Tell whether a call asks for the answer that is graded, as far as that is known yet."""
        if self.plan.grade is not None:
            return call.name == self.plan.grade
        try:
            return self._call(trial, [*answers, STAND_IN]) is None
        except PromptlabError:  # it cannot go on from a stand-in, but from another answer it may
            return False

    def _weighed(self, trial: Trial, prompt: tuple[Message, ...]) -> list[Request]:
        """Return the requests that weigh answers to a prompt, as its own backend is asked them."""
        asked = self._asked(trial, self._samples.unanswered(trial, prompt))
        own = [each.request for each in asked if each.backend is None]
        found = {each.key: each for each in own if each.continuations and each.messages == prompt}
        return list(found.values())

    def _next_aside(self, trial: Trial, turns: Sequence[Turn]) -> OpenTurn | None:
        """Ask what scorers still want to know."""
        graded = graded_turn(turns, self.plan.grade)
        if graded is None or len(turns) > _MOST_ASIDE:
            return None
        sample = self._samples.of(trial, turns, graded)
        known = {turn.request.key for turn in turns}
        asked = self._asked(trial, sample)
        return next((each for each in asked if each.request.key not in known), None)

    def _asked(self, trial: Trial, sample: Sample) -> Iterator[OpenTurn]:
        """Yield all that scorers want to know, answered before or not.

        One that fails to say what it asks fails again when it grades, and is told then.
        """
        for scorer in self._asking:
            try:
                asks = scorer.asks(sample)
            except PromptlabError:
                continue
            yield from self._opened(trial, sample, scorer.spec.label, asks)

    def _opened(
        self, trial: Trial, sample: Sample, label: str, asks: Sequence[Ask]
    ) -> Iterator[OpenTurn]:
        assert sample.asker is not None
        own = self.plan.arms[trial.arm].backend
        for ask in asks:
            name = f"{label}: {ask.purpose}" if ask.purpose else label
            backend = None if ask.backend == own else ask.backend
            yield OpenTurn(name, sample.asker.request(ask), aside=True, backend=backend)

    def all_calls(self, arm: int, case: Case) -> list[Call]:
        """Render every call of an arm on a case, with stand-ins for answers not yet given."""
        calls = self._templates[arm].calls(case.vars, self._off[arm], self._images.load)
        try:
            return list(calls)
        except PromptlabError as error:
            raise error.in_case(case.id) from None

    def _request(self, trial: Trial, call: Call, turn: int, *, followed: bool) -> Request:
        sampling, schema = self.terms(trial, call, turn)
        backend = self._digests[trial.arm]
        key = generation_key(backend, call.messages, sampling, schema, trial.repeat)
        return Request(key, call.messages, sampling, schema, followed=followed)

    def terms(
        self, trial: Trial, call: Call, turn: int
    ) -> tuple[Sampling, Mapping[str, Json] | None]:
        """Return on what terms the model is to answer: its sampling, and the schema to follow."""
        return self._sampling(trial, call, turn), self._templates[trial.arm].schema_of(call)

    def _sampling(self, trial: Trial, call: Call, turn: int) -> Sampling:
        sampling = self.plan.arms[trial.arm].sampling
        if call.sampling:
            sampling = replace(sampling, **call.sampling)
        if sampling.temperature == 0:
            return sampling  # greedy: a seed of ours would only split the store
        base = self.plan.seed if sampling.seed is None else sampling.seed
        case = self.plan.cases[trial.case]
        return replace(sampling, seed=seed_from(base, case.id, trial.repeat, turn))
