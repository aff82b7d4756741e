"""Choose the HTTP client, in one place and with the reasons.

The interface is ours: it has what a call needs, and no more. The implementation is aiohttp's.
Measured with 64 calls in flight (`python bench/remote.py --step transports`; the figures are in
bench/RESULTS.md), httpx's own pool costs more than twenty times as much as this transport, because
it searches all of its connections on every call (encode/httpcore#1035); httpx2 and eight small
httpx clients more than four times; an `httpx.AsyncClient` over the adapter `httpx-aiohttp` twice,
for cookies, redirects and authentication that no call here uses. To write each call as a request
of httpx and its reply as a response, without a client between, still took a tenth of a run.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterable, Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from promptlab.core.errors import BackendError
from promptlab.core.failure import Fault
from promptlab.core.lazy import lazy_module
from promptlab.remote.environment import (
    about_trust,
    proxy_for,
    proxy_variable,
    require_log,
    trusted,
)

if TYPE_CHECKING:
    import aiohttp
    import httpx

    from promptlab.remote import aiohttp_client
else:
    aiohttp = lazy_module("aiohttp")
    httpx = lazy_module("httpx")
    aiohttp_client = lazy_module("promptlab.remote.aiohttp_client")


class Arriving(Protocol):
    """A reply whose head has arrived. Headers are found in any case; of several the first."""

    @property
    def status(self) -> int:
        """Return the status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers."""

    def parts(self) -> AsyncIterable[bytes]:
        """Return the body as it arrives, not decoded."""

    def close(self) -> None:
        """Let go of the connection, whether or not the body was read to its end."""


class Transport(Protocol):
    """Sends requests to one server, many at a time."""

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, connect_s: float
    ) -> Arriving:
        """Send a request; return once the reply's head has arrived. Making a connection may take
        `connect_s`.
        """

    async def aclose(self) -> None:
        """Close all connections."""


def open_transport(url: str) -> Transport:
    """Return a transport for calls to this address. Close it with `aclose`.

    It opens as many connections as there are calls; the executor limits these. Proxies are taken
    from the environment.
    """
    require_log()
    secure = urlsplit(url).scheme == "https"
    return aiohttp_client.AiohttpTransport(trusted() if secure else None, proxy_for(url))


def way_to(url: str) -> str:
    """Return by which proxy an address is reached, for messages; an empty text for none."""
    if proxy_for(url) is None:
        return ""
    return f", by the proxy that {proxy_variable(urlsplit(url).scheme)} names"


def foreign_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions that a transport raises if a call fails."""
    return (TimeoutError, aiohttp.ClientError, OSError)


def fault_of(error: Exception) -> Fault:
    """Classify a client's error."""
    for kinds, fault in (
        ((aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError), Fault.UNREACHABLE),
        ((aiohttp.ClientHttpProxyError,), Fault.UNREACHABLE),
        ((aiohttp.ClientResponseError,), Fault.UNREADABLE),
        ((aiohttp.ClientError,), Fault.BROKEN),
    ):
        if isinstance(error, kinds):
            return fault
    return Fault.TIMEOUT if isinstance(error, TimeoutError) else Fault.BROKEN


def reason_of(error: Exception) -> str:
    """Describe in a few words why a call failed, as far as the client reports it."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "connecting took too long"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy says HTTP {error.status}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{error.host}:{error.port}: {_of_system(error.os_error)}"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "in the middle of the reply"
    if isinstance(error, aiohttp.ClientResponseError):
        return "a reply that is not HTTP"
    return _of_system(error) if isinstance(error, OSError) else str(error) or type(error).__name__


def raise_if_unsafe(error: Exception) -> None:
    """Raise BackendError if no attempt can establish a trusted connection."""
    if not isinstance(error, aiohttp.ClientConnectorError):
        return
    below = error.os_error
    if isinstance(below, ssl.SSLCertVerificationError):
        raise BackendError(
            f"the certificate of {error.host} cannot be trusted: {below.verify_message}",
            hint=f"check base_url and {about_trust()}",
        )
    if getattr(below, "reason", None) == "WRONG_VERSION_NUMBER":
        raise BackendError(f"{error.host} does not speak https", hint="write http:// in base_url")


def _of_system(error: BaseException) -> str:
    """Return an operating system's error without its number and Python's wording."""
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
