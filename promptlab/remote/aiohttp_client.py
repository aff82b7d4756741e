"""An httpx transport over aiohttp, without a client around it; `transport` says why.

Imports both libraries; `transport` loads it before the first call.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from functools import lru_cache

import aiohttp
import httpx

_KEEP_ALIVE_S = 60.0
_PIECE = 500_000  # bytes sent at once: images make some requests long


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends requests through one aiohttp session: unlimited connections, no cookies or redirects.

    Errors are raised as aiohttp raises them; the body of a response is not decoded.
    """

    def __init__(self, safety: ssl.SSLContext | None, proxy: httpx.Proxy | None) -> None:
        self._safety = safety
        self._session: aiohttp.ClientSession | None = None
        self._proxy = None if proxy is None else str(proxy.url)
        self._proxy_headers = None if proxy is None else dict(proxy.headers)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; return once the response's head has arrived."""
        if self._session is None:
            self._session = self._connected()
        assert isinstance(request.stream, httpx.AsyncByteStream)
        content = b"".join([part async for part in request.stream])
        headers = (*_texts(tuple(request.headers.raw)), ("content-length", str(len(content))))
        response = await self._session.request(
            request.method,
            str(request.url),
            headers=headers,
            data=_pieces(content) if len(content) > _PIECE else content,
            allow_redirects=False,
            timeout=_limits(request.extensions.get("timeout", {}).get("connect")),
            proxy=self._proxy,
            proxy_headers=self._proxy_headers,
        )
        return httpx.Response(
            response.status, headers=[*response.raw_headers], stream=_Body(response)
        )

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _connected(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=_KEEP_ALIVE_S,
            ssl=True if self._safety is None else self._safety,
        )
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )


class _Body(httpx.AsyncByteStream):
    """The body of a response, as it arrives."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._response.content.iter_any():
            yield part

    async def aclose(self) -> None:
        """Release the connection; abort it if the body was not read to its end.

        A graceful close would first send the rest of a request that nobody reads.
        """
        connection = self._response.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()
        self._response.release()


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]


@lru_cache(maxsize=16)  # those of one backend are the same for every call
def _texts(headers: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode(), value.decode()) for name, value in headers)


@lru_cache
def _limits(connect_s: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect_s)
