"""One call over HTTP: post a body and read the whole reply, or report why that failed."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from promptlab.core.failure import Failure, Fault
from promptlab.remote.transport import (
    Arriving,
    Transport,
    fault_of,
    foreign_errors,
    raise_if_unsafe,
    reason_of,
)

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
    """A server's reply with its decoded body. Names of headers are found in any case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Exchange:
    """A connection to one server, for many calls at once."""

    def __init__(self, transport: Transport, timeout_s: float, way: str = "") -> None:
        """`way` says by which proxy it goes, for messages."""
        self._transport = transport
        self._way = way
        self._timeout_s = timeout_s
        self._connect_s = min(_CONNECT_S, timeout_s / 2)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes = b"",
        heard: Heard | None = None,
    ) -> Reply:
        """Send a request and read the whole reply. Raise CallError if that fails.

        `heard` is called with each part of an answer that comes as it is, not compressed.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await self._transport.send(method, url, headers, content, self._connect_s)
                try:
                    raw = await _read(reply, heard)
                finally:
                    reply.close()
        except foreign_errors() as error:
            raise self._call_error(error) from None
        return Reply(reply.status, reply.headers, _decode(reply, raw))

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


async def _read(reply: Arriving, heard: Heard | None = None) -> bytes:
    """Read a body without decoding it, and stop when it cannot be an answer."""
    succeeded = _succeeded(reply)
    if not succeeded or "content-encoding" in reply.headers:
        heard = None
    length = reply.headers.get("content-length", "")
    if succeeded and length.isdecimal() and int(length) > MAX_BYTES:
        raise _too_large()
    parts = []
    size = 0
    async for part in reply.parts():
        parts.append(part)
        size += len(part)
        if heard is not None:
            heard(part)
        if not succeeded and size > _ENOUGH:
            break
        if size > MAX_BYTES:
            raise _too_large()
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _succeeded(reply: Arriving) -> bool:
    return 200 <= reply.status < 300


def _too_large() -> CallError:
    return CallError(Fault.UNREADABLE, f"a reply of more than {MAX_BYTES / 1e6:.0f} MB")


def _decode(reply: Arriving, raw: bytes) -> bytes:
    """Return a decompressed body; for an error's body a failure is ignored."""
    encoding = reply.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", "") or not raw:
        return raw
    try:
        return _unpack(encoding, raw)
    except CallError:
        if _succeeded(reply):
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
