"""An answer of a server as it comes: its pieces, and in the end the whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from promptlab.core.types import Completion
from promptlab.remote.exchange import Heard
from promptlab.remote.streams import Event, Incoming


async def as_it_comes(
    said: Callable[[Event], str], ask: Callable[[Heard], Awaitable[Completion]]
) -> AsyncIterator[str | Completion]:
    """Ask, and yield what is said meanwhile; in the end yield the answer.

    `ask` is given whom to pass the bytes of a stream to. Whoever stops listening ends the call.
    """
    incoming, pieces = Incoming(), asyncio.Queue[str | None]()

    def hear(part: bytes) -> None:
        for event in incoming.feed(part):
            with suppress(LookupError, TypeError, AttributeError):  # no piece of an answer
                if piece := said(event):
                    pieces.put_nowait(piece)

    task = asyncio.ensure_future(ask(hear))
    task.add_done_callback(lambda _: pieces.put_nowait(None))
    try:
        while (piece := await pieces.get()) is not None:
            yield piece
        yield task.result()
    finally:
        task.cancel()
