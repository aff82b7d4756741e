"""The calls of a plan's trials, rendered, and made into requests with their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from promptlab.digest import digest_json, seed_from
from promptlab.errors import PromptlabError
from promptlab.images import ImageFolder
from promptlab.templates import Call, Template
from promptlab.types import Case, Json, Message, Plan, Request, Sampling, Trial


class Renderer:
    """Renders the calls of a plan's trials into requests."""

    def __init__(self, plan: Plan, templates: Mapping[str, Template], root: Path) -> None:
        """Take the plan with its compiled templates, and the folder of its project."""
        self.plan = plan
        self._templates = [templates[arm.digest] for arm in plan.arms]
        self._off = [frozenset(arm.off) for arm in plan.arms]
        digests = {spec.name: spec.digest for spec in plan.backends}
        self._digests = [digests[arm.backend] for arm in plan.arms]
        self._images = ImageFolder(root / plan.assets)

    def call(self, trial: Trial, answers: Sequence[str]) -> Call | None:
        """Render a trial up to the call that follows `answers`; None at its end."""
        case = self.plan.cases[trial.case]
        template = self._templates[trial.arm]
        try:
            return template.render(case.vars, answers, self._off[trial.arm], self._images.load)
        except PromptlabError as error:
            raise _with_case(error, case) from None

    def all_calls(self, arm: int, case: Case) -> list[Call]:
        """Render every call of an arm on a case, with stand-ins for answers not yet given."""
        calls = self._templates[arm].calls(case.vars, self._off[arm], self._images.load)
        try:
            return list(calls)
        except PromptlabError as error:
            raise _with_case(error, case) from None

    def request(self, trial: Trial, call: Call, turn: int) -> Request:
        """Make the request of a call. Its key covers all that can change the answer."""
        sampling, schema = self.terms(trial, call, turn)
        content: dict[str, Json] = {
            "backend": self._digests[trial.arm],
            "messages": [message_json(message) for message in call.messages],
            "repeat": trial.repeat,
            "sampling": _sampling_json(sampling),
        }
        if schema is not None:
            content["schema"] = dict(schema)
        return Request(digest_json(content), call.messages, sampling, schema)

    def terms(
        self, trial: Trial, call: Call, turn: int
    ) -> tuple[Sampling, Mapping[str, Json] | None]:
        """Return on what terms the model is to answer: its sampling, and the schema to follow."""
        return self._sampling(trial, call, turn), self._templates[trial.arm].schema_of(call)

    def _sampling(self, trial: Trial, call: Call, turn: int) -> Sampling:
        sampling = self.plan.samplings[trial.arm]
        if call.sampling:
            sampling = replace(sampling, **call.sampling)
        if sampling.temperature == 0:
            return sampling  # greedy: a seed of ours would only split the store
        base = self.plan.seed if sampling.seed is None else sampling.seed
        case = self.plan.cases[trial.case]
        return replace(sampling, seed=seed_from(base, case.id, trial.repeat, turn))


def message_json(message: Message) -> Json:
    """Return a message as JSON; an image is known by its digest."""
    if isinstance(message.content, str):
        return [message.role, message.content]
    parts: list[Json] = [
        part if isinstance(part, str) else {"image": part.digest} for part in message.content
    ]
    return [message.role, parts]


def _sampling_json(sampling: Sampling) -> Json:
    return [
        sampling.temperature,
        sampling.top_p,
        sampling.max_tokens,
        list(sampling.stop),
        sampling.seed,
    ]


def _with_case(error: PromptlabError, case: Case) -> PromptlabError:
    return PromptlabError(
        f"{error.message}, in case {case.id!r}", where=error.where, hint=error.hint
    )
