"""What a backend behind an API is: its vendor says how a call is written and how it is read."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from promptlab.core.capacity import NO_ENVIRONMENT, Capacity, Health, Pace, Patience, Throughput
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.failure import Failure, Fault
from promptlab.core.keys import Keyring
from promptlab.core.lazy import lazy_module
from promptlab.core.prices import Price
from promptlab.core.types import Completion, Json, Outcome, Request, Sampling
from promptlab.remote.bodies import decoded, encoded, merged
from promptlab.remote.exchange import CallError, Exchange, Reply
from promptlab.remote.failures import RefusedError, judge
from promptlab.remote.options import RemoteOptions
from promptlab.remote.probes import check
from promptlab.remote.transport import open_transport

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_module("httpx")


class RemoteBackend(ABC):
    """A backend behind an API. A vendor's class fills in what is abstract here, all of it pure.

    `default_url` is where the vendor's API is, `default_key` the variable that its key is kept in
    by custom. That key goes to the vendor's own address alone.
    """

    kind: ClassVar[str]
    options_model: ClassVar[type[BaseModel]] = RemoteOptions
    charges: ClassVar[bool] = True
    weighs_answers: ClassVar[bool] = False
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
        self.base_url = options.base_url or self.default_url
        self.keys = Keyring(environment)
        self._exchange: Exchange | None = None

    # What a vendor fills in.

    @abstractmethod
    def path(self) -> str:
        """Return where calls go, to be put behind the base URL: `/chat/completions`."""

    @abstractmethod
    def authorization(self, key: str) -> Mapping[str, str]:
        """Return the headers that hold the key."""

    @abstractmethod
    def body(self, request: Request) -> dict[str, Any]:
        """Write a request as the body of a call, without what the options add or omit."""

    @abstractmethod
    def read(self, body: Mapping[str, Any]) -> Completion:
        """Read an answer. Raise CallError(UNREADABLE) where the body is none.

        LookupError and TypeError count as the same: a body may lack any part of the format.
        """

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Say what the options leave out; vendors add what their API cannot be told."""
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

    def variant(self) -> Mapping[str, Json]:
        """Return the vendor's own options that answers depend on."""
        return {}

    def extra_headers(self) -> Mapping[str, str]:
        """Return headers that every call of this vendor carries."""
        return {}

    def logprob_keys(self) -> Mapping[str, Any] | None:
        """Return what a body needs so that log-probabilities come back; None: there are none."""
        return None

    # What is the same for all.

    def sampled(self, sampling: Sampling, names: Mapping[str, str]) -> dict[str, Any]:
        """Return sampling in a vendor's words (`names`: our key -> theirs), minus omitted keys."""
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
        """Many calls of one request each, as the options bound them."""
        options = self.options
        return Capacity(
            calls=options.concurrency,
            batch=1,
            pace=Pace(options.requests_per_minute, options.tokens_per_minute),
            patience=Patience(options.max_retries, options.time_limit_s),
        )

    @property
    def reads_images(self) -> bool:
        """As the options say: most servers do not tell before they are asked."""
        return self.options.images

    @property
    def price(self) -> Price | None:
        """Return the configured price."""
        return None if self.options.price is None else self.options.price.noun()

    def identity(self) -> Mapping[str, Json]:
        """Return address, model and all options that change an answer."""
        options = self.options
        found: dict[str, Json] = {"kind": self.kind, "model": self.model, "url": self.base_url}
        if options.omit:
            found["omit"] = [*sorted(options.omit)]
        if options.headers:
            found["headers"] = dict(options.headers)
        if options.extra_body:
            found["extra_body"] = dict(options.extra_body)
        return {**found, **self.variant()}

    def count_tokens(self, request: Request) -> int | None:
        """Only the server knows."""
        return None

    def notice(self) -> str | None:
        """Nothing takes long."""
        return None

    async def open(self) -> Mapping[str, Json]:
        """Look the key up and get ready to connect. Raise BackendError where the key is missing."""
        self._url = httpx.URL(self.base_url + self.path())
        self._headers = self.headers()
        self._price = self.price
        self._exchange = Exchange(open_transport(self.base_url), self.options.timeout_s)
        return {"url": self.base_url}

    def headers(self) -> httpx.Headers:
        """Return the headers of every call, keys filled in."""
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
            return {}  # the user sends the same header, with a key of another name in it
        return self.authorization(self.keys.require(name))

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        """Make one try for each request, one after the other."""
        if self._exchange is None:
            await self.open()
        for request in requests:
            yield request, await self._try(request)

    async def _try(self, request: Request) -> Completion:
        began = time.perf_counter()
        try:
            completion = await self._call(request)
        except RefusedError as error:
            text = self.keys.strike(str(error.args[0]))
            completion = Completion(Outcome.REFUSED, model=self.model, finish_reason=text)
        except CallError as error:
            return _failed(self.keys.strike(str(error)), error.failure)
        except BackendError as error:
            raise self._without_keys(error) from None
        except PromptlabError as error:
            return _failed(self.keys.strike(str(error)), Failure(Fault.REJECTED))
        return self._finished(completion, time.perf_counter() - began)

    async def _call(self, request: Request) -> Completion:
        return self.answer(await self.post(self.content(request)))

    def _finished(self, completion: Completion, latency_s: float) -> Completion:
        """Add what a call took and cost, and strike keys out that a server may have repeated."""
        strike, price = self.keys.strike, self._price
        return replace(
            completion,
            text=strike(completion.text),
            model=completion.model and strike(completion.model),
            finish_reason=completion.finish_reason and strike(completion.finish_reason),
            fingerprint=completion.fingerprint and strike(completion.fingerprint),
            warnings=tuple(map(strike, completion.warnings)),
            latency_s=latency_s,
            cost_usd=None if price is None else price.cost(completion.usage),
        )

    async def post(self, content: bytes) -> Reply:
        """Send a body to where calls go."""
        assert self._exchange is not None
        return await self._exchange.send("POST", self._url, self._headers, content)

    def content(self, request: Request, extra: Mapping[str, Any] = MappingProxyType({})) -> bytes:
        """Return the body of a call as it is sent, the keys in `extra` added."""
        body = self.body(request)
        if self.options.extra_body or extra:
            body = merged(merged(body, self.options.extra_body), extra)
        return encoded(body)

    def answer(self, reply: Reply) -> Completion:
        """Read a reply. Raise CallError where it is no answer, BackendError if none will be."""
        if not 200 <= reply.status < 300:
            raise judge(reply)
        body = decoded(reply, self.keys)
        try:
            return self.read(body)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._unreadable(reply, body, error) from None

    def _unreadable(self, reply: Reply, body: Mapping[str, Any], error: Exception) -> CallError:
        """Some servers and routers send an error under status 200."""
        complaint = body.get("error")
        if complaint:
            code = complaint.get("code") if isinstance(complaint, dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else 500
            return judge(reply, status)
        return CallError(
            Fault.UNREADABLE,
            f"a reply without what an answer has ({type(error).__name__}: {error})",
        )

    def _without_keys(self, error: BackendError) -> BackendError:
        hint = None if error.hint is None else self.keys.strike(error.hint)
        return error.saying(self.keys.strike(error.message)).advising(hint)

    async def check(self) -> Health:
        """Ask for one token, then what of the API's options is honoured."""
        try:
            return await check(self)
        except BackendError as error:
            told = self._without_keys(error)
            return Health(False, told.message, told.hint)
        finally:
            await self.close()

    async def close(self) -> None:
        """Close all connections."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            await exchange.aclose()


def _failed(error: str, failure: Failure) -> Completion:
    return Completion(Outcome.ERROR, error=error, failure=failure)
