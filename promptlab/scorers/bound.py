"""A scorer that is ready to grade: with its parameters, and the scorers that it is made of."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from promptlab.core.errors import PromptlabError
from promptlab.core.foreign import foreign
from promptlab.core.messages import NO_TURN
from promptlab.core.types import CASES, Case, Score, ScorerSpec
from promptlab.scorers.asking import Ask, flaw_of
from promptlab.scorers.conditions import NO_BOUNDS, Bounds, judged
from promptlab.scorers.decorator import Scorer
from promptlab.scorers.entries import GRADE_KEY, Where, told_at, within
from promptlab.scorers.fill import Blank
from promptlab.scorers.parameters import Field, placed
from promptlab.scorers.parts import Part
from promptlab.scorers.prompts import Prompt
from promptlab.scorers.running import Run, failed_score
from promptlab.scorers.sample import Sample
from promptlab.scorers.verdict import not_gradable


@dataclass(frozen=True, slots=True)
class Parts:
    """The scorers that another is made of, and the parameter that takes their scores."""

    key: str
    scorers: tuple[BoundScorer, ...]
    one: bool = False

    def of(self, parts: list[Part]) -> Mapping[str, Any]:
        """Return the parameter with these scores."""
        return {self.key: parts[0] if self.one else parts}


@dataclass(frozen=True, slots=True)
class BoundScorer:
    """A scorer with its parameters. `spec` is what a run stores about it.

    `fixed` are the parameters that are the same for every case, by the function's own names.
    `backends` are the names of those it may ask, besides the one whose answers it grades, `prompts`
    what it asks them with, `own_rivals` the arms that it compares with, each with its parameter.
    `where` is where its parameters are told to be wrong. `grade` names the answer that it grades,
    None for the trial's own; within `bounds` its score passes. `parts` is set if it is made of
    others.
    """

    spec: ScorerSpec
    scorer: Scorer
    fixed: Mapping[str, Any]
    blanks: tuple[tuple[Field, Blank], ...]
    run: Run
    backends: tuple[str, ...] = ()
    where: Where | None = None
    grade: str | None = None
    bounds: Bounds = NO_BOUNDS
    parts: Parts | None = None
    prompts: tuple[Prompt, ...] = ()
    own_rivals: Mapping[str, str] = field(default_factory=dict)

    @property
    def members(self) -> tuple[BoundScorer, ...]:
        """Return the scorers that it is made of."""
        return () if self.parts is None else self.parts.scorers

    @property
    def may_ask(self) -> bool:
        """Return whether it may have questions to a model."""
        return self.scorer.asks is not None or any(part.may_ask for part in self.members)

    @property
    def reads_output(self) -> bool:
        """Return whether it depends on the text of an answer."""
        own = self.scorer.reads_output or self.grade is not None
        return own or any(part.reads_output for part in self.members)

    @property
    def inline(self) -> bool:
        """Return whether it is certain to be quick."""
        return self.scorer.way == "inline" and all(part.inline for part in self.members)

    @property
    def executes(self) -> bool:
        """Return whether it runs code that models wrote."""
        return self.scorer.executes or any(part.executes for part in self.members)

    def require_ready(self) -> None:
        """Raise `PromptlabError` if it cannot work on this machine."""
        if self.scorer.ready is not None:
            place = f"scorer {self.spec.label!r}: it cannot tell whether it can work"
            with foreign(place, passing=(PromptlabError,)):
                self.scorer.ready()
        for part in self.members:
            part.require_ready()

    @property
    def built_in(self) -> bool:
        """Return whether no part of it is user-defined."""
        own = self.scorer.built_in and all(prompt.built_in for prompt in self.prompts)
        return own and all(part.built_in for part in self.members)

    @property
    def shares(self) -> bool:
        """Return whether every score lies between 0 and 1."""
        means = self.scorer.built_in and bool(self.members)
        return self.scorer.shares or (means and all(part.shares for part in self.members))

    def grades(self, case: Case) -> bool:
        """Return whether it grades this case: a scorer that cases have of their own may not."""
        return self.spec.cases is None or case.id in self.spec.cases

    def answers(self) -> dict[str, Where | None]:
        """Return the answers that it names, each with the place."""
        own = {} if self.grade is None else {self.grade: within(self.where, GRADE_KEY)}
        for part in self.members:
            own = part.answers() | own
        return own

    def rivals(self) -> dict[str, Where | None]:
        """Return the arms whose answers it compares with, each with the place."""
        own = {arm: within(self.where, name) for arm, name in self.own_rivals.items()}
        for part in self.members:
            own = part.rivals() | own
        return own

    def asks(self, sample: Sample) -> list[Ask]:
        """Return its questions to a model, whether or not they are already answered.

        Raise `PromptlabError` if its own cannot be determined; those of its parts are then left
        out, as each part says what is wrong when it grades.
        """
        aimed = self._aimed(sample)
        if aimed is None or not self.may_ask:
            return []
        asks = self._own_asks(aimed)
        for part in self._parts_for(sample.case):
            try:
                asks += part.asks_as_part(part.asks(aimed))
            except PromptlabError:
                continue
        return self._asked(asks, aimed)

    def asks_ahead(self, sample: Sample) -> list[Ask]:
        """Return what it will ask, given only a stand-in for the output.

        A function that reads the output may fail on that but not on a model's answer.
        """
        aimed = self._aimed(sample)
        if aimed is None or not self.may_ask:
            return []
        try:
            with told_at(self.where):
                asks = self._own_asks(aimed)
        except PromptlabError as error:
            if not self.scorer.reads_output or error.__cause__ is None:
                raise
            asks = []
        for part in self._parts_for(sample.case):
            asks += part.asks_as_part(part.asks_ahead(aimed))
        return self._asked(asks, aimed)

    def asks_as_part(self, asks: list[Ask]) -> list[Ask]:
        """Return its questions with its own name in front of their purpose."""
        label = self.spec.label
        return [
            replace(ask, purpose=f"{label}: {ask.purpose}" if ask.purpose else label)
            for ask in asks
        ]

    def prepare(self, case: Case) -> Mapping[str, Any]:
        """Return the parameters for this case. Raise `PromptlabError` if they do not fit."""
        for part in self._parts_for(case):
            part.prepare(case)
        if not self.blanks:
            return self.fixed
        params = self._filled(case, self.where)
        place = f"scorer {self.spec.label!r}, case {case.id!r}"
        check_together(self.scorer, params, place, self.where)
        return params

    async def score(self, sample: Sample) -> Score:
        """Grade a sample; any error is a failed score.

        A synchronous built-in scorer never suspends, so awaiting it does not yield to the loop.
        """
        found = None if self.grade is None else sample.of(self.grade)
        if found is None and self.grade is not None:
            missing = not_gradable(f"the trial has no answer {self.grade!r}")
            return replace(missing, graded=(NO_TURN, self.grade))
        aimed = sample if found is None else found[0]
        try:
            params = self._filled(sample.case) if self.blanks else self.fixed
        except PromptlabError as error:
            return failed_score(error)
        if self.parts is not None:
            scored = [
                Part(part.spec.label, await part.score(aimed))
                for part in self._parts_for(sample.case)
            ]
            params = {**params, **self.parts.of(scored)}
        score = await self.run(aimed, params)
        if score.value is None and self.scorer.asks is not None:
            score = self._explained(score, aimed)
        if found is not None and self.grade is not None:
            score = replace(score, graded=(found[1], self.grade))
        return score if self.bounds is NO_BOUNDS else judged(score, self.bounds)

    def _aimed(self, sample: Sample) -> Sample | None:
        """Return the sample in which the answer that it grades is the output, if there is one."""
        if not self.grades(sample.case):
            return None
        if self.grade is None:
            return sample
        found = sample.of(self.grade)
        return None if found is None else found[0]

    def _asked(self, asks: list[Ask], aimed: Sample) -> list[Ask]:
        """Return questions that mean the same outside of the sample in which they were found."""
        if self.grade is None or aimed.asker is None:
            return asks
        prompt = aimed.asker.prompt
        return [replace(ask, messages=prompt) if ask.messages is None else ask for ask in asks]

    def _parts_for(self, case: Case) -> tuple[BoundScorer, ...]:
        """Return the parts that grade a case: all of them, or the one that is the case's own."""
        cases = self.spec.cases
        if cases is None:
            return self.members
        return (self.members[self.fixed[CASES][case.id]],) if case.id in cases else ()

    def _own_asks(self, sample: Sample) -> list[Ask]:
        if self.scorer.asks is None:
            return []
        params = self.prepare(sample.case)
        place = f"scorer {self.spec.label!r}, case {sample.case.id!r}"
        with foreign(f"{place}: its asks fail", passing=(PromptlabError,)):
            asks = list(self.scorer.asks(sample, **params))
            flaws = [flaw_of(ask) for ask in asks]
        for ask, flaw in zip(asks, flaws, strict=True):
            self._check_ask(ask, flaw, place)
        return asks

    def _check_ask(self, ask: Ask, flaw: str | None, place: str) -> None:
        if flaw is not None:
            raise PromptlabError(f"{place}: it asks {reprlib.repr(ask)}: {flaw}")
        if "" in ask.continuations:
            raise PromptlabError(
                f"{place}: there is an empty answer to weigh",
                hint="name one answer or more, none of them empty",
            )
        if ask.backend is not None and ask.backend not in self.backends:
            raise PromptlabError(
                f"{place}: it asks the backend {ask.backend!r}, which none of its parameters names",
                hint="annotate the parameter as promptlab.BackendName",
            )

    def _explained(self, score: Score, sample: Sample) -> Score:
        """Add to a failed score what prevented the scorer from asking, if anything did."""
        try:
            self._own_asks(sample)
        except PromptlabError as error:
            return failed_score(error.__cause__ or error)
        return score

    def _filled(self, case: Case, where: Where | None = None) -> dict[str, Any]:
        params = dict(self.fixed)
        for blank, fill in self.blanks:
            try:
                params[blank.parameter.key] = blank.parse(fill(case))
            except PromptlabError:
                name = blank.parameter.name
                place = f"scorer {self.spec.label!r}, parameter {name!r}, case {case.id!r}"
                with told_at(where, name), placed(place):
                    raise
        return params


def check_together(
    scorer: Scorer, params: Mapping[str, Any], place: str, where: Where | None
) -> None:
    """Run a scorer's own check of all its parameters; `place` begins the message of an error."""
    if scorer.check is None:
        return
    known = (ValueError, PromptlabError)
    fails = foreign(f"{place}: the check of {scorer.name} fails", passing=known)
    with told_at(where):
        try:
            with nullcontext() if scorer.built_in else fails:
                scorer.check(**params)
        except ValueError as error:
            raise PromptlabError(f"{place}: {error}") from error
