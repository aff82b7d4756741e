"""Messages over a stream: four bytes of length, then as many of JSON."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

LENGTH = struct.Struct("=I")
_CHUNK = 1 << 20


class Ended(Exception):
    """The other side has gone, or says what is no message."""


def packed(message: Any) -> bytes:
    """Return a message as it is sent."""
    text = json.dumps(message, separators=(",", ":")).encode()
    return LENGTH.pack(len(text)) + text


def read_text(text: str) -> dict[str, Any]:
    """Return the object that a text holds, an empty one if it holds none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def send(file: int, message: Any) -> None:
    """Send a message. Raise `Ended` if nobody takes it."""
    data = memoryview(packed(message))
    try:
        while data:
            data = data[os.write(file, data[:_CHUNK]) :]
    except OSError:
        raise Ended from None


def receive(file: int, most: int) -> Any:
    """Return the next message, of at most so many bytes. Raise `Ended` if there is none."""
    (length,) = LENGTH.unpack(_exactly(file, LENGTH.size))
    if length > most:
        raise Ended(f"a message of {length:,} bytes")
    try:
        return json.loads(_exactly(file, length))
    except ValueError:
        raise Ended("what is no JSON") from None


def _exactly(file: int, length: int) -> bytes:
    parts = []
    while length:
        try:
            part = os.read(file, min(length, _CHUNK))
        except OSError:
            raise Ended from None
        if not part:
            raise Ended
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
