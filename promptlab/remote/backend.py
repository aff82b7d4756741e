"""The base class of API backends; a vendor's class defines how calls are written and read."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from promptlab.core.answers import received
from promptlab.core.capacity import NO_ENVIRONMENT, Health
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.failure import Failure, Fault
from promptlab.core.lazy import lazy_module
from promptlab.core.masking import mask, strike
from promptlab.core.types import Completion, Json, Outcome, Request
from promptlab.remote.bodies import decoded, encoded, merged, unlike_an_answer
from promptlab.remote.complaints import complains
from promptlab.remote.configured import Configured
from promptlab.remote.exchange import CallError, Exchange, Heard, Reply
from promptlab.remote.failures import RefusedError, judge, judge_body
from promptlab.remote.live import as_it_comes
from promptlab.remote.options import RemoteOptions
from promptlab.remote.probes import check
from promptlab.remote.streams import never_streams, only_streams
from promptlab.remote.transport import open_transport, way_to

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_module("httpx")


_THOUGHT = "the model thought, although thinking is off: the server does not honour it"


class RemoteBackend(Configured):
    """A backend behind an API. A vendor's class implements what its `Dialect` leaves open."""

    def __init__(
        self,
        model: str | None,
        options: RemoteOptions,
        environment: Mapping[str, str] = NO_ENVIRONMENT,
    ) -> None:
        super().__init__(model, options, environment)
        self._exchange: Exchange | None = None
        self._streams = options.stream
        self._urls: dict[str, str] = {}

    async def open(self) -> Mapping[str, Json]:
        """Look up the key and prepare to connect. Raise BackendError if the key is missing."""
        self._headers: Mapping[str, str] = dict(self.headers())
        self._price = self.price
        transport = open_transport(self.base_url)
        self._exchange = Exchange(transport, self.options.timeout_s, way_to(self.base_url))
        return {"url": self.address.url("")}

    def url(self, path: str) -> str:
        """Return where a path of the API is; taking a URL apart takes a tenth of a call."""
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = str(httpx.URL(self.address.url(path)))
        return url

    def headers(self) -> httpx.Headers:
        """Return the headers of every call, with keys filled in."""
        filled = {name: self.keys.fill(text) for name, text in self.options.headers.items()}
        headers = {
            "content-type": "application/json",
            "accept": "application/json",
            "accept-encoding": "gzip, deflate",
            "user-agent": "promptlab",
            **self.extra_headers(),
            **self._authorized(),
        }
        return httpx.Headers({**headers, **{name.lower(): text for name, text in filled.items()}})

    def _authorized(self) -> Mapping[str, str]:
        name = self.options.api_key_env
        if name is None and self.base_url == self.default_url:
            name = self.default_key
        own = {header.lower() for header in self.options.headers}
        if name is None or own.issuperset(self.authorization("")):
            return {}  # the user's own headers carry the key
        return self.authorization(self.keys.require(name))

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        """Make one attempt at each request, one after another."""
        for request in requests:
            yield request, await self._attempt(request)

    def stream(self, request: Request) -> AsyncIterator[str | Completion]:
        """Make one attempt at a request; yield pieces of the answer as they come, then all of it.

        Thoughts are only in the last, whole answer. A server that does not stream answers at once.
        """
        return as_it_comes(self.said, partial(self._attempt, request))

    async def _attempt(self, request: Request, heard: Heard | None = None) -> Completion:
        began = time.perf_counter()
        try:
            if self._exchange is None:
                await self.open()
            asking = self.ask(request) if heard is None else self._ask_live(request, heard)
            completion, _ = await asking
        except RefusedError as error:
            text = strike(str(error.args[0]))
            completion = Completion(Outcome.REFUSED, model=self.model, finish_reason=text)
        except CallError as error:
            return _failed(str(error), error.failure)
        except BackendError:
            raise
        except PromptlabError as error:
            return _failed(str(error), Failure(Fault.REJECTED))
        return self._finished(completion, time.perf_counter() - began)

    async def ask(
        self, request: Request, extra: Mapping[str, Any] = MappingProxyType({})
    ) -> tuple[Completion, Reply]:
        """Make a call; return the answer and the reply. `extra` are more keys of the body.

        A server that only streams is asked for a stream, from then on.
        """
        streams = self._streams
        reply = await self._post(request, extra, streams=streams)
        if not streams and only_streams(reply):
            reply, first = await self._post(request, extra, streams=True), reply
            self._streams = 200 <= reply.status < 300
            reply = reply if self._streams else first
        completion = received(request, self.answer(reply))
        return self._checked(completion), reply

    async def _ask_live(self, request: Request, heard: Heard) -> tuple[Completion, Reply]:
        """Ask for a stream, and pass on what is heard of it; without one, ask for the answer."""
        reply = await self._post(request, {}, streams=True, heard=heard)
        if never_streams(reply):
            return await self.ask(request)
        return self._checked(received(request, self.answer(reply))), reply

    def _checked(self, completion: Completion) -> Completion:
        """Warn if a model thought that was told not to."""
        thought = completion.thoughts or completion.usage.reasoning_tokens
        if not thought or self.thinks is not False:
            return completion
        return replace(completion, warnings=(*completion.warnings, _THOUGHT))

    def _finished(self, completion: Completion, latency_s: float) -> Completion:
        """Add a call's latency and cost, and strike out keys that a server may have repeated."""
        price = self._price
        return replace(
            completion,
            text=mask(completion.text),
            thoughts=completion.thoughts and mask(completion.thoughts),
            model=completion.model and strike(completion.model),
            finish_reason=completion.finish_reason and strike(completion.finish_reason),
            fingerprint=completion.fingerprint and strike(completion.fingerprint),
            warnings=tuple(map(strike, completion.warnings)),
            latency_s=latency_s,
            cost_usd=None if price is None else price.cost(completion.usage),
        )

    async def _post(
        self,
        request: Request,
        extra: Mapping[str, Any],
        *,
        streams: bool,
        heard: Heard | None = None,
    ) -> Reply:
        assert self._exchange is not None
        url = self.url(self.stream_path() if streams else self.path())
        headers = self._headers
        if streams:
            headers = {**headers, "accept": "text/event-stream, application/json"}
        if heard is not None:  # what is compressed comes in pieces that mean nothing
            headers = {**headers, "accept-encoding": "identity"}
        content = self.content(request, extra, streams=streams)
        return await self._exchange.send("POST", url, headers, content, heard)

    def content(
        self,
        request: Request,
        extra: Mapping[str, Any] = MappingProxyType({}),
        *,
        streams: bool = False,
    ) -> bytes:
        """Return the body of a call as it is sent, with the keys in `extra` added."""
        body = self.body(request)
        if streams:
            body |= self.stream_keys()
        if self.options.extra_body or extra:
            body = merged(merged(body, self.options.extra_body), extra)
        return encoded(body)

    def answer(self, reply: Reply) -> Completion:
        """Read a reply. Raise CallError if it is not an answer, BackendError if none can come."""
        if not 200 <= reply.status < 300:
            raise judge(reply)
        whole = decoded(reply)
        body: Mapping[str, Any] = {}
        try:
            body = whole if isinstance(whole, Mapping) else self.join(whole)
            return self.read(body)
        except (LookupError, TypeError, ValueError, AttributeError):
            if complains(body):  # some servers send errors with status 200
                content = reply.content if body is whole else encoded(body)
                raise judge_body(replace(reply, content=content)) from None
            raise unlike_an_answer(reply) from None

    async def check(self) -> Health:
        """Ask for one token, then check which options the API honours."""
        try:
            return await check(self)
        except BackendError as error:
            return Health(False, error.message, error.hint)
        finally:
            await self.close()

    async def close(self) -> None:
        """Close all connections."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            await exchange.aclose()


def _failed(error: str, failure: Failure) -> Completion:
    return Completion(Outcome.ERROR, error=strike(error), failure=failure)
