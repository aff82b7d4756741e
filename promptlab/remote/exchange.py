"""One call over HTTP: post a body and read the whole reply, or report why that failed."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptlab.core.failure import Failure, Fault
from promptlab.core.lazy import lazy_module
from promptlab.remote.transport import fault_of, foreign_errors, raise_if_unsafe, reason_of

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_module("httpx")

Heard = Callable[[bytes], None]
MAX_BYTES = 16_000_000  # of an answer: many times the longest in practice
_ENOUGH = 1_000_000  # bytes of an error's body: what matters is its status
_CONNECT_S = 10.0
_WINDOW = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


class CallError(Exception):
    """A call without an answer: what went wrong, in one line, and whether it is transient."""

    def __init__(self, fault: Fault, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.failure = Failure(fault, wait_s)

    def __str__(self) -> str:
        return f"{self.failure.fault}: {self.args[0]}"


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's reply with its decoded body."""

    status: int
    headers: httpx.Headers
    content: bytes


class Exchange:
    """A connection to one server, for many calls at once."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport, timeout_s: float, way: str = ""
    ) -> None:
        """`way` says by which proxy it goes, for messages."""
        self._transport = transport
        self._way = way
        self._timeout_s = timeout_s
        self._extensions = {"timeout": {"connect": min(_CONNECT_S, timeout_s / 2)}}

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def send(
        self,
        method: str,
        url: httpx.URL,
        headers: httpx.Headers,
        content: bytes | None = None,
        heard: Heard | None = None,
    ) -> Reply:
        """Send a request and read the whole reply. Raise CallError if that fails.

        `heard` is called with each part of an answer that comes as it is, not compressed.
        """
        # A stream, because httpx would process and complete the headers again for `content`.
        stream = httpx.ByteStream(content or b"")
        request = httpx.Request(
            method, url, headers=headers, stream=stream, extensions=self._extensions
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._transport.handle_async_request(request)
                try:
                    raw = await _read(response, heard)
                finally:
                    await response.aclose()
        except foreign_errors() as error:
            raise self._call_error(error) from None
        return Reply(response.status_code, response.headers, _decode(response, raw))

    def _call_error(self, error: Exception) -> CallError:
        """Return the CallError for a transport's error. Raise BackendError if it is permanent."""
        raise_if_unsafe(error)
        fault = fault_of(error)
        if fault is Fault.TIMEOUT:
            return CallError(fault, f"no complete answer within {self._timeout_s:g} s")
        why = reason_of(error)
        if fault is Fault.UNREACHABLE:
            return CallError(fault, f"no connection{self._way}: {why}")
        return CallError(
            fault, f"the connection broke off: {why}" if fault is Fault.BROKEN else why
        )


async def _read(response: httpx.Response, heard: Heard | None = None) -> bytes:
    """Read a body without decoding it, and stop when it cannot be an answer."""
    if not response.is_success or "content-encoding" in response.headers:
        heard = None
    length = response.headers.get("content-length", "")
    if response.is_success and length.isdecimal() and int(length) > MAX_BYTES:
        raise _too_large()
    parts = []
    size = 0
    async for part in response.stream:  # type: ignore[union-attr] # of an async transport
        parts.append(part)
        size += len(part)
        if heard is not None:
            heard(part)
        if not response.is_success and size > _ENOUGH:
            break
        if size > MAX_BYTES:
            raise _too_large()
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large() -> CallError:
    return CallError(Fault.UNREADABLE, f"a reply of more than {MAX_BYTES / 1e6:.0f} MB")


def _decode(response: httpx.Response, raw: bytes) -> bytes:
    """Return a decompressed body; for an error's body a failure is ignored."""
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
    """Decompress a body, but never more of it than MAX_BYTES."""
    if encoding not in _WINDOW:
        raise CallError(Fault.UNREADABLE, f"a reply compressed as {encoding!r}, not requested")
    bare = encoding == "deflate" and raw[0] & 0x0F != 8  # some servers leave out zlib's header
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS if bare else _WINDOW[encoding])
    try:
        content = unpacker.decompress(raw, MAX_BYTES + 1)
    except zlib.error:
        raise CallError(Fault.UNREADABLE, f"a reply that is not valid {encoding}") from None
    if len(content) > MAX_BYTES:
        raise _too_large()
    if not unpacker.eof:
        raise CallError(Fault.BROKEN, f"a reply with truncated {encoding} data")
    return content
