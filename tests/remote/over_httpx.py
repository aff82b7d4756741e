"""A transport over one of httpx's, for replies that a test writes."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping

import httpx
from multidict import CIMultiDict, CIMultiDictProxy


class OverHttpx:
    """Sends requests through a transport of httpx."""

    def __init__(self, below: httpx.AsyncBaseTransport) -> None:
        self._below = below
        self.replies: list[WrittenReply] = []

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, connect_s: float
    ) -> WrittenReply:
        """Send a request; return the reply that the test wrote."""
        assert connect_s > 0
        request = httpx.Request(method, url, headers=headers, content=content)
        reply = WrittenReply(await self._below.handle_async_request(request))
        self.replies.append(reply)
        return reply

    async def aclose(self) -> None:
        """Close nothing."""


class WrittenReply:
    """A reply of httpx, as it was written, with its headers as aiohttp has them."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        headers = response.headers.raw
        raw = [(name.decode(), text.decode("utf-8", "surrogateescape")) for name, text in headers]
        self.headers: Mapping[str, str] = CIMultiDictProxy(CIMultiDict(raw))
        self.is_closed = False

    def parts(self) -> AsyncIterable[bytes]:
        """Return the body, not decoded."""
        assert isinstance(self._response.stream, httpx.AsyncByteStream)
        return self._response.stream

    def close(self) -> None:
        """Note that it was closed."""
        self.is_closed = True
