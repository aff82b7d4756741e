"""`backend check` for an API: does it answer, how fast, and what of a request does it honour?"""

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
from promptlab.core.keys import Keyring
from promptlab.core.types import Completion, Json, Message, Request, Sampling
from promptlab.remote.exchange import CallError, Reply

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_HELLO = Request("check", (Message("user", "Hello"),), Sampling(max_tokens=1))
_ENOUGH = 64  # tokens, for a model that will not answer with one: it thinks, or has a least number
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
_HINTS = {
    Fault.UNREACHABLE: "is there a server at {url}? see base_url",
    Fault.TIMEOUT: "try again, or raise timeout_s",
    Fault.BUSY: "try again in a while",
    Fault.SERVER: "try again in a while",
    Fault.UNREADABLE: "is {url} the address of such an API? see base_url",
}


class Probed(Protocol):
    """What is asked of a backend to find out what it honours; see `backend.RemoteBackend`."""

    @property
    def model(self) -> str:
        """Return the model's name."""

    @property
    def base_url(self) -> str:
        """Return where the API is."""

    @property
    def keys(self) -> Keyring:
        """Return the keys that are struck out of what is told."""

    async def open(self) -> Mapping[str, Json]:
        """Get ready to connect."""

    def content(self, request: Request, extra: Mapping[str, Any] = ...) -> bytes:
        """Return the body of a call, the keys in `extra` added."""

    async def post(self, content: bytes) -> Reply:
        """Send a body."""

    def answer(self, reply: Reply) -> Completion:
        """Read a reply."""

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Say what of these terms is not honoured."""

    def logprob_keys(self) -> Mapping[str, Any] | None:
        """Return what a body needs so that log-probabilities come back."""


class _UnsureError(Exception):
    """A probe that found out nothing."""


async def check(backend: Probed) -> Health:
    """Ask for one token; then, if that works, try what the API may or may not honour."""
    await backend.open()
    try:
        hello, completion, latency = await _greet(backend)
    except CallError as error:
        hint = _HINTS.get(error.failure.fault, "see the backend's table in promptlab.toml")
        told = backend.keys.strike(str(error))
        return Health(False, told, hint.format(url=backend.base_url))
    found: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for name, honours in _PROBES.items():
        try:
            found[await honours(backend, hello)].append(name)
        except _UnsureError:
            found[None].append(name)
    told = f"{completion.model or backend.model}, {latency:.2f} s"
    for what, names in (
        ("honours", found[True]),
        ("not", found[False]),
        ("unsure of", found[None]),
    ):
        told += f"; {what} {', '.join(names)}" if names else ""
    return Health(True, backend.keys.strike(told))


async def _greet(backend: Probed) -> tuple[Request, Completion, float]:
    """Return a shortest request that is answered, its answer, and the seconds that took."""
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
    return backend.answer(await backend.post(backend.content(request)))


async def _try(
    backend: Probed, request: Request, extra: Mapping[str, Any] = _NOTHING
) -> tuple[Completion, Reply] | None:
    """Return an answer and the reply that it was in, None if the API refuses what is asked."""
    try:
        reply = await backend.post(backend.content(request, extra))
        return backend.answer(reply), reply
    except CallError as error:
        if error.failure.passing:
            raise _UnsureError from None
    except PromptlabError:
        pass
    return None


async def _seed(backend: Probed, hello: Request) -> bool:
    """Tell whether answers drawn with the same seed are the same, and with another one another."""
    try:
        lacking = backend.shortfalls(_STORY.sampling, None)
    except BackendError:
        return False
    if any("seed" in line for line in lacking):
        return False
    found = [await _try(backend, request) for request in (_STORY, _STORY, _OTHER_STORY)]
    told = [answer[0].text for answer in found if answer is not None]
    if len(told) < len(found) or told[0] != told[1]:
        return False
    if not told[0] or told[1] == told[2]:
        raise _UnsureError  # it thought and came not to speak, or leaves nothing to chance
    return True


async def _system(backend: Probed, hello: Request) -> bool:
    return await _try(backend, replace(hello, messages=_BRIEF)) is not None


async def _schema(backend: Probed, hello: Request) -> bool:
    found = await _try(backend, _FORMED)
    try:
        answer: Any = json.loads(found[0].text if found else "")
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("colour") in ("red", "green")


async def _logprobs(backend: Probed, hello: Request) -> bool:
    keys = backend.logprob_keys()
    found = None if keys is None else await _try(backend, hello, keys)
    content = found[1].content if found else b""
    return b'"logprob"' in content or b'"logProbability"' in content


_PROBES = {
    "seed": _seed,
    "logprobs": _logprobs,
    "system message": _system,
    "JSON schema": _schema,
}
