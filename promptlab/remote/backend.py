"""The base class of API backends; a vendor's class defines how calls are written and read."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from promptlab.core.answers import received
from promptlab.core.capacity import NO_ENVIRONMENT, Capacity, Health, Pace, Patience, Throughput
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.failure import Failure, Fault
from promptlab.core.keys import Keyring
from promptlab.core.lazy import lazy_module
from promptlab.core.masking import mask, strike
from promptlab.core.prices import Price
from promptlab.core.types import Completion, Json, Outcome, Request, Sampling
from promptlab.remote.address import read_address
from promptlab.remote.bodies import decoded, encoded, merged, unlike_an_answer
from promptlab.remote.complaints import complains
from promptlab.remote.dialect import Dialect
from promptlab.remote.exchange import CallError, Exchange, Reply
from promptlab.remote.failures import RefusedError, judge, judge_body
from promptlab.remote.options import RemoteOptions
from promptlab.remote.probes import check
from promptlab.remote.streams import only_streams
from promptlab.remote.transport import open_transport, way_to

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_module("httpx")


_THOUGHT = "the model thought, although thinking is off: the server does not honour it"


class RemoteBackend(Dialect):
    """A backend behind an API. A vendor's class implements what its `Dialect` leaves open.

    `default_url` is the address of the vendor's API, `default_key` the environment variable that
    customarily holds its key. That key is only sent to the vendor's own address.
    """

    options_model: ClassVar[type[BaseModel]] = RemoteOptions
    charges: ClassVar[bool] = True
    throughput: Throughput | None = None  # the server computes
    default_url: ClassVar[str]
    default_key: ClassVar[str | None]

    def __init__(
        self,
        model: str | None,
        options: RemoteOptions,
        environment: Mapping[str, str] = NO_ENVIRONMENT,
    ) -> None:
        if not model:
            raise BackendError(f"{self.kind} needs a model", hint=f'for example "{self.kind}:NAME"')
        self.model = model
        self.options = options
        self.address = read_address(options.base_url or self.default_url, options.query)
        self.keys = Keyring(environment)
        self._exchange: Exchange | None = None
        self._streams = options.stream

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Describe what the options omit; vendors add what their API does not support."""
        given = {
            "temperature": True,
            "top_p": sampling.top_p is not None,
            "max_tokens": True,
            "stop": bool(sampling.stop),
            "seed": sampling.seed is not None,
        }
        return [
            f"{key} is not sent: the options omit it" for key in self.options.omit if given[key]
        ]

    @property
    def base_url(self) -> str:
        """Return the address without its parameters."""
        return self.address.base

    def sampled(self, sampling: Sampling, names: Mapping[str, str]) -> dict[str, Any]:
        """Return sampling by a vendor's names (`names`: our key to theirs), minus omitted keys."""
        values: dict[str, Any] = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "stop": list(sampling.stop) or None,
            "seed": sampling.seed,
        }
        omitted = self.options.omit
        return {
            name: values[key]
            for key, name in names.items()
            if values[key] is not None and key not in omitted
        }

    @property
    def capacity(self) -> Capacity:
        """Return many calls of one request each, limited by the options."""
        options = self.options
        return Capacity(
            calls=options.concurrency,
            batch=1,
            pace=Pace(options.requests_per_minute, options.tokens_per_minute),
            patience=Patience(options.max_retries, options.time_limit_s),
        )

    @property
    def weighs_answers(self) -> bool:
        """Return False: APIs that write answers do not report how likely others are."""
        return False

    @property
    def reads_images(self) -> bool:
        """Return the option: most servers only reveal it when they get an image."""
        return self.options.images

    @property
    def price(self) -> Price | None:
        """Return the configured price."""
        return None if self.options.price is None else self.options.price.noun()

    def identity(self) -> Mapping[str, Json]:
        """Return the address, the model and all options that affect answers."""
        options = self.options
        identity: dict[str, Json] = {"kind": self.kind, "model": self.model, "url": self.base_url}
        if self.address.query:
            identity["query"] = self.address.parameters
        if options.omit:
            identity["omit"] = [*sorted(options.omit)]
        if options.headers:
            identity["headers"] = dict(options.headers)
        if options.extra_body:
            identity["extra_body"] = dict(options.extra_body)
        return {**identity, **self.variant()}

    def count_tokens(self, request: Request) -> int | None:
        """Return None: only the server knows."""
        return None

    def notice(self) -> str | None:
        """Return None: nothing takes long."""
        return None

    async def open(self) -> Mapping[str, Json]:
        """Look up the key and prepare to connect. Raise BackendError if the key is missing."""
        self._headers = self.headers()
        self._price = self.price
        transport = open_transport(self.base_url)
        self._exchange = Exchange(transport, self.options.timeout_s, way_to(self.base_url))
        return {"url": self.address.url("")}

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
        if self._exchange is None:
            await self.open()
        for request in requests:
            yield request, await self._attempt(request)

    async def _attempt(self, request: Request) -> Completion:
        began = time.perf_counter()
        try:
            completion, _ = await self.ask(request)
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

    async def _post(self, request: Request, extra: Mapping[str, Any], *, streams: bool) -> Reply:
        assert self._exchange is not None
        url = httpx.URL(self.address.url(self.stream_path() if streams else self.path()))
        headers = self._headers
        if streams:
            headers = httpx.Headers({**headers, "accept": "text/event-stream, application/json"})
        content = self.content(request, extra, streams=streams)
        return await self._exchange.send("POST", url, headers, content)

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
