"""A plain function as a backend: `answer(messages, **sampling)`, sync or async.

It gets the conversation as `{"role": ..., "content": ...}`, the form that most clients take, and
of sampling, model and options what it has parameters for. It returns a text, or a `Completion`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict

from promptlab.backends import Backend, Capacity
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.foreign import call_foreign
from promptlab.core.plugins import unknown
from promptlab.core.types import Completion, Json, Outcome, Request, Sampling

Function = Callable[..., Any]

_CALLS = 8  # side by side, unless -j says otherwise; each that is not async has a thread of its own
_DEFAULT = asdict(Sampling())


class FunctionOptions(BaseModel):
    """The options of a function: keyword arguments, the same in every call."""

    model_config = ConfigDict(frozen=True, extra="allow")


class FunctionBackend(Backend):
    """Asks a function of a user's."""

    options_model = FunctionOptions

    def __init__(
        self, reference: str, function: Function, model: str | None, options: BaseModel
    ) -> None:
        self._reference = reference
        self._function = function
        if not inspect.signature(function).parameters:
            raise PromptlabError(
                f"{reference} takes no messages", hint="write def answer(messages, **sampling)"
            )
        self._parameters, self._takes_all = _parameters(function)
        self._fixed: dict[str, Json] = dict(options.model_extra or {})
        if model is not None:
            self._fixed["model"] = model
        for name in self._fixed:
            if not self._takes(name):
                raise unknown("option", name, self._parameters, of=reference)

    @property
    def capacity(self) -> Capacity:
        """Take some calls side by side."""
        return Capacity(calls=_CALLS, batch=1)

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Tell of sampling that the function has no parameter for, unless it is the default."""
        lines = [
            f"{self._reference} takes no {name}"
            for name, value in asdict(sampling).items()
            if value != _DEFAULT[name] and not self._takes(name)
        ]
        return [*lines, *super().shortfalls(sampling, schema)]

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        """Call the function for one request after the other; the executor has several at once."""
        for request in requests:
            yield request, await self._answer(request)

    async def _answer(self, request: Request) -> Completion:
        clock = asyncio.get_running_loop().time
        began = clock()
        call = partial(self._function, _conversation(request), **self._keywords(request))
        try:
            said = await call_foreign(call, f"{self._reference} fails", passing=(BackendError,))
        except BackendError:
            raise
        except PromptlabError as error:
            return Completion(Outcome.ERROR, error=str(error))
        if isinstance(said, Completion):
            return said
        if not isinstance(said, str):
            told = f"{self._reference} returns {type(said).__name__}, not a text or a Completion"
            return Completion(Outcome.ERROR, error=told)
        outcome = Outcome.OK if said.strip() else Outcome.EMPTY
        return replace(Completion(outcome, said), latency_s=clock() - began)

    def _keywords(self, request: Request) -> dict[str, Any]:
        sampling = {**asdict(request.sampling), "stop": list(request.sampling.stop)}
        return {**{name: sampling[name] for name in sampling if self._takes(name)}, **self._fixed}

    def _takes(self, name: str) -> bool:
        return self._takes_all or name in self._parameters


def _conversation(request: Request) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.text} for message in request.messages]


def _parameters(function: Function) -> tuple[list[str], bool]:
    """Return the names of what a function takes after the messages, and whether it takes all."""
    rest = list(inspect.signature(function).parameters.values())[1:]
    takes_all = any(each.kind is each.VAR_KEYWORD for each in rest)
    by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [each.name for each in rest if each.kind in by_name], takes_all
