"""The calls of a plan's trials, rendered and turned into requests with their keys.

Scorers ask their questions aside, after the conversation; if none of them reads the output, a
choice between given answers is requested in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from promptlab.cases.images import ImageFolder
from promptlab.core.digest import generation_key, seed_from
from promptlab.core.errors import PromptlabError
from promptlab.core.types import (
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
from promptlab.runner.ahead import RenderedAhead
from promptlab.runner.samples import Samples, graded_turn
from promptlab.scorers.asking import Ask
from promptlab.scorers.binding import BoundScorer
from promptlab.scorers.sample import Sample
from promptlab.templates.template import STAND_IN, Call, Template

NOT_GIVEN = Completion(Outcome.OK, STAND_IN)
"""Stands for an answer that is still to come."""


def not_given(earlier: int) -> Completion:
    """Return what stands for an answer to come, unlike those of `earlier` ones."""
    return replace(NOT_GIVEN, text=STAND_IN + "." * earlier) if earlier else NOT_GIVEN


_MOST_ASIDE = 1_000  # questions about one trial: stops a scorer that never stops asking


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """A turn of a trial without its answer. See `Turn` for `aside` and `backend`."""

    name: str
    request: Request
    aside: bool = False
    backend: str | None = None

    def answered(self, completion: Completion, *, cached: bool) -> Turn:
        """Return the turn made of this and its answer."""
        return Turn(self.name, self.request, completion, cached, self.aside, self.backend)


class Renderer:
    """Renders the calls of a plan's trials into requests."""

    def __init__(
        self,
        plan: Plan,
        templates: Mapping[str, Template],
        root: Path,
        scorers: Sequence[BoundScorer] = (),
        weighing: frozenset[str] = frozenset(),
    ) -> None:
        """Take the plan with its compiled templates, the folder of its project and its scorers.

        `weighing` are the backends that can weigh given answers.
        """
        self.plan = plan
        self.scorers = scorers
        self.asks_others = any(scorer.backends for scorer in scorers)
        # A question about one answer is another than the same question about the next one.
        self.grades_several = any(scorer.answers() for scorer in scorers)
        self._asking = [scorer for scorer in scorers if scorer.may_ask]
        self._needs_output = not scorers or any(scorer.reads_output for scorer in scorers)
        # A scorer that does not read the output can only ask about the prompt that it answers.
        self._asks_of_prompt = any(not scorer.reads_output for scorer in self._asking)
        self._templates = [templates[arm.digest] for arm in plan.arms]
        self._off = [frozenset(arm.off) for arm in plan.arms]
        digests = {spec.name: spec.digest for spec in plan.backends}
        self._digests = [digests[arm.backend] for arm in plan.arms]
        self._images = ImageFolder(root / plan.assets, root)
        self._samples = Samples(plan, weighing)
        self._ahead = RenderedAhead()

    def next(self, trial: Trial, turns: Sequence[Turn]) -> OpenTurn | None:
        """Render the call of a trial that follows these turns; None at the end of the trial."""
        if not turns or not turns[-1].aside:
            answers = [turn.completion.text for turn in turns]
            if (call := self._call(trial, answers)) is not None:
                return self._open(trial, call, answers)
        return self._next_aside(trial, turns) if self._asking else None

    def asks_ahead(self, trial: Trial, calls: Sequence[Call]) -> Iterator[OpenTurn]:
        """Yield what scorers will ask about a trial, as far as known without its answers."""
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
        if not answers and (call := self._ahead.take(trial, self.plan.repeats)) is not None:
            return call
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
            if choice := next((ask for ask in wanted if len(ask.continuations) > 1), None):
                followed = goes_on or len(wanted) > 1
                return OpenTurn(call.name, replace(choice, followed=followed))
        followed = goes_on or self._asks_of_prompt
        return OpenTurn(call.name, self._request(trial, call, len(answers), followed=followed))

    def _is_graded(self, trial: Trial, call: Call, answers: Sequence[str]) -> bool:
        """Return whether a call asks for the answer that is graded, as far as that is known."""
        if self.plan.grade is not None:
            return call.name == self.plan.grade
        try:
            return self._call(trial, [*answers, STAND_IN]) is None
        except PromptlabError:  # it cannot continue from a stand-in, but might from a real answer
            return False

    def _weighed(self, trial: Trial, prompt: tuple[Message, ...]) -> list[Request]:
        """Return the requests to the trial's own backend that weigh answers to a prompt."""
        turns = self._questions(trial, self._samples.unanswered(trial, prompt))
        own = [turn.request for turn in turns if turn.backend is None]
        weighing = [ask for ask in own if ask.continuations and ask.messages == prompt]
        return list({request.key: request for request in weighing}.values())

    def _next_aside(self, trial: Trial, turns: Sequence[Turn]) -> OpenTurn | None:
        """Return the next question that scorers still have, if any."""
        graded = graded_turn(turns, self.plan.grade)
        if graded is None or len(turns) > _MOST_ASIDE:
            return None
        sample = self._samples.of(trial, turns, graded)
        known = {turn.request.key for turn in turns}
        questions = self._questions(trial, sample)
        return next((question for question in questions if question.request.key not in known), None)

    def _questions(self, trial: Trial, sample: Sample) -> Iterator[OpenTurn]:
        """Yield all questions of scorers, answered before or not.

        A scorer that fails here fails again when it grades, and is reported then.
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

    def all_calls(self, trial: Trial) -> list[Call]:
        """Render every call of a trial, with stand-ins for answers not yet given."""
        case = self.plan.cases[trial.case]
        template = self._templates[trial.arm]
        try:
            calls = list(template.calls(case.vars, self._off[trial.arm], self._images.load))
        except PromptlabError as error:
            raise error.in_case(case.id) from None
        if calls:
            self._ahead.keep(trial, calls[0])
        return calls

    def _request(self, trial: Trial, call: Call, turn: int, *, followed: bool) -> Request:
        sampling, schema = self.terms(trial, call, turn)
        backend = self._digests[trial.arm]
        key = generation_key(backend, call.messages, sampling, schema, trial.repeat)
        return Request(key, call.messages, sampling, schema, followed=followed)

    def terms(
        self, trial: Trial, call: Call, turn: int
    ) -> tuple[Sampling, Mapping[str, Json] | None]:
        """Return the terms of an answer: its sampling, and the schema to follow."""
        return self._sampling(trial, call, turn), self._templates[trial.arm].schema_of(call)

    def _sampling(self, trial: Trial, call: Call, turn: int) -> Sampling:
        sampling = self.plan.arms[trial.arm].sampling
        if call.sampling:
            sampling = replace(sampling, **call.sampling)
        if sampling.temperature == 0:
            return sampling  # greedy: a seed would only split the store
        base = self.plan.seed if sampling.seed is None else sampling.seed
        case = self.plan.cases[trial.case]
        return replace(sampling, seed=seed_from(base, case.id, trial.repeat, turn))
