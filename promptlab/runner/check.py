"""The check before every run: an error in the last case is found before the first call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from promptlab.backends import Backend, Transparent
from promptlab.core.digest import canonical_json
from promptlab.core.errors import PromptlabError
from promptlab.core.types import Arm, Case, Json, Message, Sampling, Trial
from promptlab.runner.questions import OpenTurn
from promptlab.runner.requests import Renderer

_BREATH = 500  # cases between two checks for Ctrl-C


async def check(renderer: Renderer, backends: Mapping[str, Backend]) -> dict[str, list[str]]:
    """Render every arm on every case and fill in every scorer, so that mistakes cost no call.

    Return, for each backend, what it will not honour of the requests, one line each.
    """
    checker = _Check(renderer, backends)
    for place, case in enumerate(renderer.plan.cases):
        if place % _BREATH == 0:
            await asyncio.sleep(0)
        for scorer in renderer.scorers:
            scorer.prepare(case)
        for arm in range(len(renderer.plan.arms)):
            checker.check_trial(Trial(0, arm, place, 0))
    return {name: lines for name, lines in checker.shortfalls.items() if lines}


class _Check:
    """Checks trials, and collects what backends will not honour of their requests."""

    def __init__(self, renderer: Renderer, backends: Mapping[str, Backend]) -> None:
        self.shortfalls: dict[str, list[str]] = {}
        self._renderer = renderer
        self._backends = backends
        self._known: set[tuple[object, ...]] = set()

    def check_trial(self, trial: Trial) -> None:
        """Check everything a trial would ask, as far as that is known without its answers."""
        plan = self._renderer.plan
        arm, case = plan.arms[trial.arm], plan.cases[trial.case]
        calls = self._renderer.all_calls(trial)
        for turn, call in enumerate(calls):
            if not self._backends[arm.backend].reads_images and _has_image(call.messages):
                raise _unreadable_image(arm, case)
            self._read(arm.backend, call.messages)
            terms = (trial.arm, call.name, str(call.sampling) if call.sampling else "")
            if terms not in self._known:
                self._known.add(terms)
                self._note(arm.backend, *self._renderer.terms(trial, call, turn))
        for opened in self._renderer.asks_ahead(trial, calls):
            self._check_ask(opened, opened.backend or arm.backend)

    def _check_ask(self, opened: OpenTurn, name: str) -> None:
        backend, request = self._backends[name], opened.request
        if request.continuations and not backend.weighs_answers:
            raise PromptlabError(
                f"scorer {opened.name!r} asks for the likelihood of given answers,"
                f" which backend {name!r} does not report",
                hint="run it only on local models (kind hf), or remove the scorer",
            )
        if opened.backend is not None and not backend.reads_images and _has_image(request.messages):
            raise PromptlabError(
                f"scorer {opened.name!r} shows an image, which backend {name!r} cannot read",
                hint="choose a backend that reads images",
            )
        self._read(name, request.messages)
        sampling = replace(request.sampling, seed=None)
        schema = "" if request.schema is None else canonical_json(dict(request.schema))
        if not request.continuations and (name, sampling, schema) not in self._known:
            self._known.add((name, sampling, schema))
            self._note(name, request.sampling, request.schema)

    def _read(self, name: str, messages: Sequence[Message]) -> None:
        """Ask a backend once for each sequence of roles what the model will be given of it."""
        backend, roles = self._backends[name], (name, *(message.role for message in messages))
        if roles in self._known:  # nearly always; to look for the methods of a protocol is slow
            return
        self._known.add(roles)
        if isinstance(backend, Transparent):
            self._add(name, backend.losses(messages))

    def _note(self, name: str, sampling: Sampling, schema: Mapping[str, Json] | None) -> None:
        try:
            found = self._backends[name].shortfalls(sampling, schema)
        except PromptlabError as error:
            raise error.at(f"backend {name!r}") from error
        self._add(name, found)

    def _add(self, name: str, found: Sequence[str]) -> None:
        lines = self.shortfalls.setdefault(name, [])
        lines += [line for line in found if line not in lines]


def _unreadable_image(arm: Arm, case: Case) -> PromptlabError:
    return PromptlabError(
        f"{arm.prompt} shows an image in case {case.id!r},"
        f" which backend {arm.backend!r} cannot read",
        hint="choose a backend that reads images",
    )


def _has_image(messages: Sequence[Message]) -> bool:
    return any(not isinstance(message.content, str) for message in messages)
