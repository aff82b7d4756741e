"""The calls of a plan's trials, rendered and turned into requests with their keys.

Scorers ask their questions aside, after the conversation; if none of them reads the output, a
choice between given answers is requested in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from promptlab.cases.images import ImageFolder
from promptlab.core.digest import generation_key, seed_from
from promptlab.core.errors import PromptlabError
from promptlab.core.types import (
    Arm,
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
from promptlab.runner.questions import OpenTurn, Questions
from promptlab.runner.rivals import beside, rivals_of
from promptlab.scorers.binding import BoundScorer
from promptlab.scorers.rivals import failed, rival_turn, turns_of, without
from promptlab.templates.template import STAND_IN, Call, Template

NOT_GIVEN = Completion(Outcome.OK, STAND_IN)
"""Stands for an answer that is still to come."""


def not_given(earlier: int) -> Completion:
    """Return what stands for an answer to come, unlike those of `earlier` ones."""
    return replace(NOT_GIVEN, text=STAND_IN + "." * earlier) if earlier else NOT_GIVEN


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
        self.grades_several = any(scorer.answers() or scorer.rivals() for scorer in scorers)
        self._rivals = rivals_of(plan.arms, scorers)
        self._questions = Questions(plan, scorers, weighing)
        self._needs_output = not scorers or any(scorer.reads_output for scorer in scorers)
        # A scorer that does not read the output can only ask about the prompt that it answers.
        self._asks_of_prompt = any(not scorer.reads_output for scorer in self._questions.asking)
        self._templates = [templates[arm.digest] for arm in plan.arms]
        self._off = [frozenset(arm.off) for arm in plan.arms]
        digests = {spec.name: spec.digest for spec in plan.backends}
        self._digests = [digests[arm.backend] for arm in plan.arms]
        self._images = ImageFolder(root / plan.assets, root)
        self._ahead = RenderedAhead()

    def begin(self, trial: Trial) -> list[Turn]:
        """Return the turns that a trial begins with: none."""
        return []

    def lane_of(self, arm: Arm) -> str:
        """Return the backend in whose lane the trials of an arm begin."""
        return arm.backend

    def next(self, trial: Trial, turns: Sequence[Turn]) -> OpenTurn | None:
        """Render the call of a trial that follows these turns; None at the end of the trial."""
        if not turns or not turns[-1].aside:
            answers = [turn.completion.text for turn in turns]
            if (call := self._call(trial, answers)) is not None:
                return self._open(trial, call, answers)
        for rival in beside(trial, self._rivals):
            try:
                opened = self._next_of_rival(rival, turns)
            except PromptlabError:  # told of its own trial; a part of it is not to compare with
                turns = without(self.plan.arms[rival.arm].prompt, turns)
                continue
            if opened is not None:
                return opened
        return self._questions.next(trial, turns)

    def asks_ahead(self, trial: Trial, calls: Sequence[Call]) -> Iterator[OpenTurn]:
        """Yield what scorers will ask about a trial, as far as known without its answers."""
        if self._questions.asking:
            turns = [
                Turn(call.name, Request("", call.messages, Sampling()), NOT_GIVEN, cached=True)
                for call in calls
            ]
            for rival in beside(trial, self._rivals):
                name = self.plan.arms[rival.arm].prompt
                turns += [
                    Turn(rival_turn(name, call.name), turns[-1].request, not_given(1), True, True)
                    for call in self.all_calls(rival)
                ]
            yield from self._questions.ahead(trial, turns)

    def _next_of_rival(self, rival: Trial, turns: Sequence[Turn]) -> OpenTurn | None:
        """Return the next call of a trial that another is compared with, as a turn aside of that.

        `turns` are those of the other trial. A rival whose call failed has no more calls. Raise
        PromptlabError where its template cannot continue from its answers.
        """
        name = self.plan.arms[rival.arm].prompt
        given = turns_of(name, turns)
        answers = [turn.completion.text for turn in given]
        call = None if failed(given) else self._call(rival, answers)
        if call is None:
            return None
        opened = self._open(rival, call, answers)
        return replace(opened, name=rival_turn(name, opened.name), aside=True, rival=True)

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
        turns = self._questions.unanswered(trial, prompt)
        own = [turn.request for turn in turns if turn.backend is None]
        weighing = [ask for ask in own if ask.continuations and ask.messages == prompt]
        return list({request.key: request for request in weighing}.values())

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
