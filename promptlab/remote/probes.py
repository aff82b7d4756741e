"""`backend check` for an API: does it answer, how fast, and which options does it honour?"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol

from promptlab.core.capacity import Health
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.failure import Fault
from promptlab.core.masking import strike
from promptlab.core.types import Completion, Json, Message, Request, Sampling
from promptlab.remote.exchange import CallError, Reply

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_HELLO = Request("check", (Message("user", "Hello"),), Sampling(max_tokens=1))
_ENOUGH = 64  # tokens for a model that cannot answer with one: it thinks, or has a minimum
_BRIEF = (Message("system", "Be brief."), Message("user", "Hello"))
_STORY = Request(
    "check",
    (Message("user", "Begin a story about a fox with an unusual name."),),
    Sampling(temperature=1.0, max_tokens=12, seed=7),
)
_OTHER_STORY = replace(_STORY, sampling=replace(_STORY.sampling, seed=8))
_SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["red", "green"]}},
    "required": ["colour"],
    "additionalProperties": False,
}
_FORMED = Request(
    "check", (Message("user", "Is grass red or green?"),), Sampling(max_tokens=_ENOUGH), _SCHEMA
)
_WEIGHED = Request(
    "check", (Message("user", "Is grass green?"),), Sampling(), continuations=("Yes", "No")
)
_HINTS = {
    Fault.UNREACHABLE: "is there a server at {url}? see base_url",
    Fault.TIMEOUT: "try again, or raise timeout_s",
    Fault.BUSY: "try again in a while",
    Fault.SERVER: "try again in a while",
    Fault.BROKEN: "does {url} need https://, or another port? see base_url",
    Fault.COMPLAINT: "is {url} the address of such an API? see base_url and the model",
    Fault.UNREADABLE: "is {url} the address of such an API? see base_url",
}


class Probed(Protocol):
    """What a probe needs of a backend; see `backend.RemoteBackend`."""

    @property
    def model(self) -> str:
        """Return the model's name."""

    @property
    def base_url(self) -> str:
        """Return the address of the API."""

    async def open(self) -> Mapping[str, Json]:
        """Prepare to connect."""

    async def ask(
        self, request: Request, extra: Mapping[str, Any] = ...
    ) -> tuple[Completion, Reply]:
        """Make a call with the keys in `extra` added; return the answer and the reply."""

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Describe what is not honoured."""

    def logprob_keys(self) -> Mapping[str, Any] | None:
        """Return the body keys that request log-probabilities."""


async def check_weighing(backend: Probed) -> Health:
    """Have the API weigh two answers, which is all that it does."""
    await backend.open()
    began = time.perf_counter()
    try:
        completion, _ = await backend.ask(_WEIGHED)
    except CallError as error:
        return _unhealthy(backend, error)
    taken = time.perf_counter() - began
    detail = f"{completion.model or backend.model}, {taken:.2f} s; weighs given answers"
    return Health(True, strike(detail))


class _UnsureError(Exception):
    """A probe without a result."""


async def check(backend: Probed) -> Health:
    """Ask for one token; if that works, probe what the API may or may not honour."""
    await backend.open()
    try:
        hello, completion, latency = await _greet(backend)
    except CallError as error:
        return _unhealthy(backend, error)
    names: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for name, honours in _PROBES.items():
        try:
            names[await honours(backend, hello)].append(name)
        except _UnsureError:
            names[None].append(name)
    detail = f"{completion.model or backend.model}, {latency:.2f} s"
    for label, result in (("honours", True), ("not", False), ("unsure of", None)):
        detail += f"; {label} {', '.join(names[result])}" if names[result] else ""
    return Health(True, strike(detail))


def _unhealthy(backend: Probed, error: CallError) -> Health:
    hint = _HINTS.get(error.failure.fault, "see the backend's table in promptlab.toml")
    return Health(False, strike(str(error)), hint.format(url=backend.base_url))


async def _greet(backend: Probed) -> tuple[Request, Completion, float]:
    """Return the shortest request that the API answers, the answer, and the seconds it took."""
    more = replace(_HELLO, sampling=replace(_HELLO.sampling, max_tokens=_ENOUGH))
    began = time.perf_counter()
    try:
        return _HELLO, await _ask(backend, _HELLO), time.perf_counter() - began
    except CallError as error:
        if error.failure.fault is not Fault.REJECTED:
            raise
    began = time.perf_counter()
    return more, await _ask(backend, more), time.perf_counter() - began


async def _ask(backend: Probed, request: Request) -> Completion:
    return (await backend.ask(request))[0]


async def _try(
    backend: Probed, request: Request, extra: Mapping[str, Any] = _NOTHING
) -> tuple[Completion, Reply] | None:
    """Return an answer and its reply, None if the API refuses the request."""
    try:
        return await backend.ask(request, extra)
    except CallError as error:
        if error.failure.passing:
            raise _UnsureError from None
    except PromptlabError:
        pass
    return None


async def _seed(backend: Probed, hello: Request) -> bool:
    """Return whether the same seed gives the same answer, and another seed another answer."""
    try:
        shortfalls = backend.shortfalls(_STORY.sampling, None)
    except BackendError:
        return False
    if any("seed" in line for line in shortfalls):
        return False
    results = [await _try(backend, request) for request in (_STORY, _STORY, _OTHER_STORY)]
    texts = [result[0].text for result in results if result is not None]
    if len(texts) < len(results) or texts[0] != texts[1]:
        return False
    if not texts[0] or texts[1] == texts[2]:
        raise _UnsureError  # it used all tokens for thinking, or does not sample at random
    return True


async def _system(backend: Probed, hello: Request) -> bool:
    return await _try(backend, replace(hello, messages=_BRIEF)) is not None


async def _schema(backend: Probed, hello: Request) -> bool:
    result = await _try(backend, _FORMED)
    try:
        answer: Any = json.loads(result[0].text if result else "")
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("colour") in ("red", "green")


async def _logprobs(backend: Probed, hello: Request) -> bool:
    keys = backend.logprob_keys()
    result = None if keys is None else await _try(backend, hello, keys)
    content = result[1].content if result else b""
    return b'"logprob"' in content or b'"logProbability"' in content


_PROBES = {
    "seed": _seed,
    "logprobs": _logprobs,
    "system message": _system,
    "JSON schema": _schema,
}
