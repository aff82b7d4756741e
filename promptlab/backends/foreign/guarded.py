"""The boundary around a user-defined backend: nothing that it does appears as a bug in promptlab.

Before a run, a mistake is an error that names the backend. During a run, a call that raises is a
failed trial. An answer that belongs to no request ends the backend, since none of its answers can
then be trusted to belong to their requests.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import suppress
from types import NoneType
from typing import Any, TypeVar

from promptlab.backends import Backend, Capacity, Health, Price, Streams, Throughput
from promptlab.backends.foreign.answers import flaw
from promptlab.backends.foreign.members import streams
from promptlab.core.digest import canonical_json
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.foreign import call_foreign, foreign
from promptlab.core.types import Completion, Json, Outcome, Request, Sampling

Fact = TypeVar("Fact")

_CLOSE_LIMIT_S = 5.0
_END = object()
_ITS_OWN = (PromptlabError,)  # errors by which a backend itself reports what is wrong


class GuardedBackend(Backend):
    """Wraps a user-defined backend and checks everything that it returns."""

    def __init__(self, name: str, inner: Any, origin: Mapping[str, Json]) -> None:
        """Wrap `inner`; `origin` is its identity unless it defines its own."""
        self._name = name
        self._inner = inner
        self._origin = origin

    def require_facts(self) -> None:
        """Read each fact once, so that a wrong one is reported before any call."""
        for name in ("charges", "weighs_answers", "reads_images", "price", "capacity"):
            getattr(self, name)

    @property
    def charges(self) -> bool:
        """Return the backend's own value."""
        return self._fact("charges", bool)

    @property
    def weighs_answers(self) -> bool:
        """Return the backend's own value."""
        return self._fact("weighs_answers", bool)

    @property
    def reads_images(self) -> bool:
        """Return the backend's own value."""
        return self._fact("reads_images", bool)

    @property
    def price(self) -> Price | None:
        """Return the backend's own value."""
        return self._fact("price", Price, NoneType)

    @property
    def capacity(self) -> Capacity:
        """Return the backend's own value."""
        return self._fact("capacity", Capacity)

    @property
    def throughput(self) -> Throughput | None:
        """Return the backend's own value."""
        return self._fact("throughput", Throughput, NoneType)

    @property
    def repeats_itself(self) -> bool:
        """Return the backend's own value, False where it has none."""
        return self._claim("repeats_itself")

    @property
    def pinned(self) -> bool:
        """Return the backend's own value, False where it has none."""
        return self._claim("pinned")

    def identity(self) -> Mapping[str, Json]:
        """Return the backend's own value, or its origin."""
        if getattr(type(self._inner), "identity", None) is Backend.identity:
            return self._origin
        return self._json(self._call("identity"), "identity")

    def count_tokens(self, request: Request) -> int | None:
        """Return the backend's own value."""
        return self._typed("count_tokens", self._call("count_tokens", request), int, NoneType)

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Return the backend's own value."""
        lines = self._typed("shortfalls", self._call("shortfalls", sampling, schema), list, tuple)
        return [self._typed("shortfalls", line, str) for line in lines]

    def notice(self) -> str | None:
        """Return the backend's own value."""
        return self._typed("notice", self._call("notice"), str, NoneType)

    async def open(self) -> Mapping[str, Json]:
        """Open the backend. Any error ends it."""
        try:
            facts = await call_foreign(self._inner.open, self._fails("open"), passing=_ITS_OWN)
            return {} if facts is None else self._json(facts, "open")
        except BackendError:
            raise
        except PromptlabError as error:
            raise BackendError(error.message, hint=error.hint, where=error.where) from error

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        """Yield its answers; if it raises, the requests without an answer have failed."""
        owed = {request.key: request for request in requests}
        stream = self._stream(requests)
        try:
            while (pair := await self._next(stream)) is not None:
                key, completion = pair
                if key not in owed:
                    raise BackendError(
                        f"backend {self._name!r} answers what it was not asked, or answers twice",
                        hint="let generate yield each request once, with its own completion",
                    )
                yield owed.pop(key), completion
        except BackendError:
            raise
        except PromptlabError as error:
            for request in owed.values():
                yield request, Completion(Outcome.ERROR, error=str(error))
        finally:
            if hasattr(stream, "aclose"):
                with suppress(PromptlabError), foreign(self._fails("generate")):
                    await stream.aclose()

    @property
    def stream(self) -> Streams | None:
        """Return the backend's own stream, None if it has none or it is older than `generate`."""
        return self._live if streams(type(self._inner)) else None

    async def _live(self, request: Request) -> AsyncIterator[str | Completion]:
        """Yield its pieces, and in the end its completion; an error in its place if it raises."""
        completion = Completion(Outcome.ERROR, error=f"backend {self._name!r} gives no answer")
        try:
            with foreign(self._fails("stream"), passing=_ITS_OWN):
                pieces = aiter(self._inner.stream(request))
            while True:
                with foreign(self._fails("stream"), passing=_ITS_OWN):
                    piece = await anext(pieces, _END)
                if not isinstance(piece, str):
                    break
                yield piece
            if piece is not _END:
                completion = self._sound(piece)
        except BackendError:
            raise
        except PromptlabError as error:
            completion = Completion(Outcome.ERROR, error=str(error))
        yield completion

    async def check(self) -> Health:
        """Return the backend's own value."""
        health = await call_foreign(self._inner.check, self._fails("check"), passing=_ITS_OWN)
        checked = self._typed("check", health, Health)
        self._typed("check", checked.detail, str)
        self._typed("check", checked.hint, str, NoneType)
        return checked

    async def close(self) -> None:
        """Close the backend, or give up after some seconds."""
        try:
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                await call_foreign(self._inner.close, self._fails("close"), passing=_ITS_OWN)
        except TimeoutError:
            raise BackendError(
                f"backend {self._name!r} did not close within {_CLOSE_LIMIT_S:g} s"
            ) from None

    def _stream(self, requests: Sequence[Request]) -> Any:
        with foreign(self._fails("generate"), passing=_ITS_OWN):
            stream: Any = self._inner.generate(requests)
            if isinstance(stream, AsyncIterable):
                return aiter(stream)
        if inspect.iscoroutine(stream):
            stream.close()  # or Python warns that it was never awaited
        raise BackendError(
            f"backend {self._name!r}: its generate gives {type(stream).__name__}, not answers as"
            " they finish",
            hint="write async def generate(self, requests), and yield",
        )

    async def _next(self, stream: Any) -> tuple[str, Completion] | None:
        """Return the key and the completion of the next answered request."""
        with foreign(self._fails("generate"), passing=_ITS_OWN):
            pair = await anext(stream, _END)
        if pair is _END:
            return None
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], Request)):
            raise PromptlabError(
                f"backend {self._name!r} yields {type(pair).__name__}, not a request with its"
                " completion"
            )
        request, completion = pair
        return request.key, self._sound(completion)

    def _sound(self, completion: Any) -> Completion:
        """Return what is given for an answer, or an error in its place."""
        with foreign(self._fails("generate"), passing=_ITS_OWN):  # a subclass may do anything
            reason = flaw(completion)
        if reason is None:
            answer: Completion = completion
            return answer
        return Completion(Outcome.ERROR, error=f"backend {self._name!r} gives {reason}")

    def _call(self, member: str, *arguments: object) -> Any:
        with foreign(self._fails(member), passing=_ITS_OWN):
            return getattr(self._inner, member)(*arguments)

    def _fact(self, member: str, *kinds: type[Fact]) -> Fact:
        with foreign(self._fails(member), passing=_ITS_OWN):
            value = getattr(self._inner, member)
        return self._typed(member, value, *kinds)

    def _claim(self, member: str) -> bool:
        """Return what a backend says of itself beyond the contract."""
        return hasattr(type(self._inner), member) and self._fact(member, bool)

    def _typed(self, member: str, value: object, *kinds: type[Fact]) -> Fact:
        if isinstance(value, kinds):
            return value
        wanted = " or ".join("None" if kind is NoneType else kind.__name__ for kind in kinds)
        raise self._wrong(member, value, wanted)

    def _wrong(self, member: str, value: object, wanted: str) -> PromptlabError:
        given = type(value).__name__
        return PromptlabError(f"backend {self._name!r}: its {member} is {given}, not {wanted}")

    def _json(self, value: object, member: str) -> Mapping[str, Json]:
        if not isinstance(value, Mapping):
            raise self._wrong(member, value, "a mapping")
        try:
            canonical_json(dict(value))
        except (TypeError, ValueError, RecursionError) as error:
            raise PromptlabError(
                f"backend {self._name!r}: its {member} is not JSON: {error}"
            ) from error
        return value

    def _fails(self, member: str) -> str:
        return f"backend {self._name!r}: its {member} fails"
