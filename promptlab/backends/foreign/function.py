"""A plain function as a backend: `answer(messages, **sampling)`, sync or async.

It gets the conversation as `{"role": ..., "content": ...}`, the form that most clients take, and
those values of sampling, model and options for which it has parameters. It returns a text or a
`Completion`.
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

_CALLS = 8  # at the same time, unless -j is given; a sync function gets a thread for each
_DEFAULT = asdict(Sampling())


class FunctionOptions(BaseModel):
    """The options of a function: keyword arguments, the same for every call."""

    model_config = ConfigDict(frozen=True, extra="allow")


class FunctionBackend(Backend):
    """Calls a user-defined function."""

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
        """Take some calls at the same time."""
        return Capacity(calls=_CALLS, batch=1)

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Report sampling that is not the default and for which the function has no parameter."""
        lines = [
            f"{self._reference} takes no {name}"
            for name, value in asdict(sampling).items()
            if value != _DEFAULT[name] and not self._takes(name)
        ]
        return [*lines, *super().shortfalls(sampling, schema)]

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        """Call the function for one request after another; the executor runs several at once."""
        for request in requests:
            yield request, await self._answer(request)

    async def _answer(self, request: Request) -> Completion:
        clock = asyncio.get_running_loop().time
        began = clock()
        call = partial(self._function, _conversation(request), **self._keywords(request))
        try:
            answer = await call_foreign(call, f"{self._reference} fails", passing=(BackendError,))
        except BackendError:
            raise
        except PromptlabError as error:
            return Completion(Outcome.ERROR, error=str(error))
        if isinstance(answer, Completion):
            return answer
        if not isinstance(answer, str):
            kind = type(answer).__name__
            message = f"{self._reference} returns {kind}, not a text or a Completion"
            return Completion(Outcome.ERROR, error=message)
        outcome = Outcome.OK if answer.strip() else Outcome.EMPTY
        return replace(Completion(outcome, answer), latency_s=clock() - began)

    def _keywords(self, request: Request) -> dict[str, Any]:
        sampling = {**asdict(request.sampling), "stop": list(request.sampling.stop)}
        return {**{name: sampling[name] for name in sampling if self._takes(name)}, **self._fixed}

    def _takes(self, name: str) -> bool:
        return self._takes_all or name in self._parameters


def _conversation(request: Request) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.text} for message in request.messages]


def _parameters(function: Function) -> tuple[list[str], bool]:
    """Return a function's parameters after the messages, and whether it has `**kwargs`."""
    rest = list(inspect.signature(function).parameters.values())[1:]
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in rest)
    by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter.name for parameter in rest if parameter.kind in by_name], takes_all
