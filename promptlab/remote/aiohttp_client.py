"""The transport over aiohttp; `transport` says why.

Imports aiohttp; `transport` loads it before the first call.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    import httpx

_KEEP_ALIVE_S = 60.0
_PIECE = 500_000  # bytes sent at once: images make some requests long


class AiohttpTransport:
    """Sends requests through one aiohttp session: unlimited connections, no cookies or redirects.

    Errors are raised as aiohttp raises them; the body of a reply is not decoded.
    """

    def __init__(self, safety: ssl.SSLContext | None, proxy: httpx.Proxy | None) -> None:
        self._safety = safety
        self._session: aiohttp.ClientSession | None = None
        self._proxy = None if proxy is None else str(proxy.url)
        self._proxy_headers = None if proxy is None else dict(proxy.headers)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, connect_s: float
    ) -> AiohttpReply:
        """Send a request; return once the reply's head has arrived."""
        if self._session is None:
            self._session = self._connected()
        data: bytes | AsyncIterator[bytes] | None = content or None
        if len(content) > _PIECE:
            data = _pieces(content)
            headers = {**headers, "content-length": str(len(content))}
        response = await self._session.request(
            method,
            url,
            headers=headers,
            data=data,
            allow_redirects=False,
            timeout=_limits(connect_s),
            proxy=self._proxy,
            proxy_headers=self._proxy_headers,
        )
        return AiohttpReply(response)

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


class AiohttpReply:
    """A reply of aiohttp whose head has arrived."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    def parts(self) -> AsyncIterable[bytes]:
        """Return the body as it arrives."""
        return self._response.content.iter_any()

    def close(self) -> None:
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


@lru_cache
def _limits(connect_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect_s)
