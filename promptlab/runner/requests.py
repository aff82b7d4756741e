"""The calls of a plan's trials, rendered, and made into requests with their keys.

Where scorers want to know how likely given answers are, that is asked aside, after the
conversation; where none of them reads the output, a choice is asked for in its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from promptlab.cases.images import ImageFolder
from promptlab.core.digest import generation_key, seed_from, weighing_key
from promptlab.core.errors import PromptlabError
from promptlab.core.types import (
    Case,
    Completion,
    Json,
    Message,
    Plan,
    Request,
    Sampling,
    Trial,
    Turn,
)
from promptlab.scorers.binding import BoundScorer
from promptlab.templates.template import STAND_IN, Call, Template

# Of a request that weighs given answers: nothing is said, so nothing else would change it.
_SILENT = Sampling(max_tokens=0)


@dataclass(frozen=True, slots=True)
class Ask:
    """One call of a trial: the name of its answer, and the request. See `Turn` for `aside`."""

    name: str
    request: Request
    aside: bool = False

    def answered(self, completion: Completion, *, cached: bool) -> Turn:
        """Return the turn that this call and its answer make."""
        return Turn(self.name, self.request, completion, cached, self.aside)


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
        self._weighing = [scorer for scorer in scorers if scorer.weighs]
        self._needs_output = not scorers or any(each.scorer.reads_output for each in scorers)
        self._templates = [templates[arm.digest] for arm in plan.arms]
        self._off = [frozenset(arm.off) for arm in plan.arms]
        digests = {spec.name: spec.digest for spec in plan.backends}
        self._digests = [digests[arm.backend] for arm in plan.arms]
        self._images = ImageFolder(root / plan.assets)

    def next(self, trial: Trial, turns: Sequence[Turn]) -> Ask | None:
        """Render the call of a trial that follows these turns; None at its end."""
        if not turns or not turns[-1].aside:
            answers = [turn.completion.text for turn in turns]
            if (call := self._call(trial, answers)) is not None:
                return self._ask(trial, call, answers)
        return self._ask_aside(trial, turns) if self._weighing else None

    def continuations(self, case: Case) -> dict[tuple[str, ...], str]:
        """Return the answers that scorers want weighed, and the label of the first that does."""
        wanted: dict[tuple[str, ...], str] = {}
        for scorer in self._weighing:
            wanted.setdefault(scorer.continuations(case), scorer.spec.label)
        return wanted

    def _call(self, trial: Trial, answers: Sequence[str]) -> Call | None:
        case = self.plan.cases[trial.case]
        template = self._templates[trial.arm]
        try:
            return template.render(case.vars, answers, self._off[trial.arm], self._images.load)
        except PromptlabError as error:
            raise error.in_case(case.id) from None

    def _ask(self, trial: Trial, call: Call, answers: Sequence[str]) -> Ask:
        goes_on = call.name != self._templates[trial.arm].final_answer
        if not self._needs_output and self._is_graded(trial, call, answers):
            wanted = self.continuations(self.plan.cases[trial.case])
            if choice := next((texts for texts in wanted if len(texts) > 1), None):
                followed = goes_on or len(wanted) > 1
                return Ask(call.name, self._weigh(trial, call.messages, choice, followed=followed))
        followed = goes_on or bool(self._weighing)
        return Ask(call.name, self._request(trial, call, len(answers), followed=followed))

    def _is_graded(self, trial: Trial, call: Call, answers: Sequence[str]) -> bool:
        """Tell whether a call asks for the answer that is graded, as far as that is known yet."""
        if self.plan.grade is not None:
            return call.name == self.plan.grade
        try:
            return self._call(trial, [*answers, STAND_IN]) is None
        except PromptlabError:  # it cannot go on from a stand-in, but from another answer it may
            return False

    def _ask_aside(self, trial: Trial, turns: Sequence[Turn]) -> Ask | None:
        """Ask what scorers still want to know of the prompt whose answer is graded."""
        place = graded_turn(turns, self.plan.grade)
        if place is None:
            return None
        graded = turns[place]
        known = {turn.request.continuations for turn in turns if turn.aside or turn is graded}
        for texts, label in self.continuations(self.plan.cases[trial.case]).items():
            if texts not in known:
                return Ask(label, self._weigh(trial, graded.request.messages, texts), aside=True)
        return None

    def _weigh(
        self,
        trial: Trial,
        messages: tuple[Message, ...],
        continuations: tuple[str, ...],
        *,
        followed: bool = False,
    ) -> Request:
        """Make the request that asks how likely each text is as the answer to `messages`."""
        key = weighing_key(self._digests[trial.arm], messages, continuations)
        return Request(key, messages, _SILENT, None, continuations, followed)

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


def graded_turn(turns: Sequence[Turn], grade: str | None) -> int | None:
    """Return the place of the answer that is graded: the last one, or the last of that name."""
    for place in reversed(range(len(turns))):
        if not turns[place].aside and grade in (None, turns[place].name):
            return place
    return None
