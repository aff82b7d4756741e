"""One call over HTTP: a body is posted, and the whole reply read, or it is said why not."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptlab.core.failure import Failure, Fault
from promptlab.core.lazy import lazy_module
from promptlab.remote.transport import fault_of, foreign_errors, raise_if_unsafe, reason_of

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_module("httpx")

MAX_BYTES = 16_000_000  # of an answer: many times the longest there is
_ENOUGH = 1_000_000  # of the body of an error: its status is what counts
_CONNECT_S = 10.0
_WINDOW = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


class CallError(Exception):
    """A call that brought no answer: what was wrong, told in one line, and whether it passes."""

    def __init__(self, fault: Fault, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.failure = Failure(fault, wait_s)

    def __str__(self) -> str:
        return f"{self.failure.fault}: {self.args[0]}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server sent back, its body decoded."""

    status: int
    headers: httpx.Headers
    content: bytes


class Exchange:
    """A connection to one server, for many calls at once."""

    def __init__(self, transport: httpx.AsyncBaseTransport, timeout_s: float) -> None:
        self._transport = transport
        self._timeout_s = timeout_s
        self._extensions = {"timeout": {"connect": min(_CONNECT_S, timeout_s / 2)}}

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def send(
        self, method: str, url: httpx.URL, headers: httpx.Headers, content: bytes | None = None
    ) -> Reply:
        """Send a request and read the reply to its end. Raise CallError where that fails."""
        # A stream, as `content` would have the headers gone through and completed once more.
        stream = httpx.ByteStream(content or b"")
        request = httpx.Request(
            method, url, headers=headers, stream=stream, extensions=self._extensions
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._transport.handle_async_request(request)
                try:
                    raw = await _read(response)
                finally:
                    await response.aclose()
        except foreign_errors() as error:
            raise self._told(error) from None
        return Reply(response.status_code, response.headers, _decode(response, raw))

    def _told(self, error: Exception) -> CallError:
        """Say in our words what went wrong below. Raise BackendError where that is for good."""
        raise_if_unsafe(error)
        fault = fault_of(error)
        if fault is Fault.TIMEOUT:
            return CallError(fault, f"no whole answer in {self._timeout_s:g} s")
        why = reason_of(error)
        if fault is Fault.UNREACHABLE:
            return CallError(fault, f"no connection: {why}")
        return CallError(
            fault, f"the connection broke off: {why}" if fault is Fault.BROKEN else why
        )


async def _read(response: httpx.Response) -> bytes:
    """Read a body as it is on the line, and stop at what can be no answer."""
    length = response.headers.get("content-length", "")
    if response.is_success and length.isdecimal() and int(length) > MAX_BYTES:
        raise _too_large()
    parts = []
    size = 0
    async for part in response.stream:  # type: ignore[union-attr] # of an async transport
        parts.append(part)
        size += len(part)
        if not response.is_success and size > _ENOUGH:
            break
        if size > MAX_BYTES:
            raise _too_large()
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large() -> CallError:
    return CallError(Fault.UNREADABLE, f"a reply of more than {MAX_BYTES / 1e6:.0f} MB")


def _decode(response: httpx.Response, raw: bytes) -> bytes:
    """Return a body unpacked; that of an error is not worth another error."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", "") or not raw:
        return raw
    try:
        return _unpack(encoding, raw)
    except CallError:
        if response.is_success:
            raise
        return b""


def _unpack(encoding: str, raw: bytes) -> bytes:
    """Unpack a body, and never more of it than MAX_BYTES."""
    if encoding not in _WINDOW:
        raise CallError(Fault.UNREADABLE, f"a reply packed as {encoding!r}, unasked")
    bare = encoding == "deflate" and raw[0] & 0x0F != 8  # some servers leave out zlib's own head
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS if bare else _WINDOW[encoding])
    try:
        content = unpacker.decompress(raw, MAX_BYTES + 1)
    except zlib.error:
        raise CallError(Fault.UNREADABLE, f"a reply that is no {encoding}") from None
    if len(content) > MAX_BYTES:
        raise _too_large()
    if not unpacker.eof:
        raise CallError(Fault.BROKEN, f"a reply whose {encoding} ends too early")
    return content
