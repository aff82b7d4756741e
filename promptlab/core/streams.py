"""The doors to stdout and stderr: whatever promptlab writes passes one of them.

A door spells out what a terminal would obey, strikes out keys, keeps stdout for what is ours, and
never raises: where a stream takes nothing more (its reader is gone, the disk is full, it was
closed), the verb goes on to its end, and `Streams` says what happened.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import IO, Any, cast

from promptlab.core.foreign import in_user_code
from promptlab.core.masking import known, mask, strike
from promptlab.core.visible import visible

# What tables and plots are drawn with, where the encoding has none of it.
_PLAIN = str.maketrans("·•─━│┃┼╋●╸╺…–’“”╭╮╰╯←→↑↓✓✗", '..--||++o--.-\'""++++<>^v+x')  # noqa: RUF001
_ERRORS = "promptlab.plain"
_FULL = 1 << 16  # characters


class Door(io.TextIOBase):
    """A stream of text to which only what can be seen is written.

    `aside` takes what user code prints; without it there is no difference. `failure` says why the
    stream takes nothing, or is None; it stays None if only the reader is gone (`| head`).
    """

    def __init__(
        self,
        real: IO[str] | None,
        aside: Door | None = None,
        struck: Callable[[str], str] = strike,
    ) -> None:
        super().__init__()
        self._struck = struck
        self._held: list[str] = []  # pieces of a document: a key may stand in two of them
        self._held_size = 0
        self.failure: str | None = None
        self._real = real
        self._aside = aside
        self._owner = threading.current_thread()
        self._ended = False
        self._above: Callable[[str], None] | None = None
        self._begun = ""  # a line that is still to be shown above the display

    def write(self, text: str) -> int:
        """Write a text, with what a terminal would obey spelled out."""
        door = self._chosen
        if door._above is None:
            door._put(visible(text))
        else:
            *lines, door._begun = (door._begun + text).split("\n")
            for line in lines:
                door._above(line)
        return len(text)

    def write_ready(self, text: str) -> int:
        """Write what a renderer has made: its parts are visible, its styles are ours."""
        self._chosen._put(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]  # typeshed: bytes too
        """Write lines."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what is still held back."""
        door = self._chosen
        door._release()
        if door._real is not None and not door._ended:
            with door._watched():
                door._real.flush()

    def close(self) -> None:
        """Stay open: the stream is the process's, and user code may not close it."""

    def isatty(self) -> bool:
        """Return whether this is a terminal."""
        real = self._chosen._real
        return real is not None and real.isatty()

    def fileno(self) -> int:
        """Return the descriptor, for whoever asks how wide the terminal is."""
        real = self._chosen._real
        if real is None:
            raise io.UnsupportedOperation("this stream was closed")
        return real.fileno()

    @contextmanager
    def shown_above(self, show: Callable[[str], None]) -> Iterator[None]:
        """Pass whole lines to `show` meanwhile: a display that is drawn anew stands below them."""
        self._above = show
        try:
            yield
        finally:
            self._above = None
            self._put(visible(self._begun))
            self._begun = ""

    def writable(self) -> bool:
        """Return that it can be written."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed: an attribute
        """Return the encoding of the stream."""
        return getattr(self._chosen._real, "encoding", None) or "utf-8"

    def __getattr__(self, name: str) -> Any:
        """Return what else a stream has, but for `buffer`: bytes would pass by the door."""
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self._chosen._real, name)

    @property
    def _chosen(self) -> Door:
        ours = threading.current_thread() is self._owner and not in_user_code()
        return self if ours or self._aside is None else self._aside

    def _put(self, text: str) -> None:
        if self._ended or not text:
            return
        if self._real is None:
            self._ended, self.failure = True, "it is closed"
            return
        if self._aside is None or not known():
            self._release()
            self._send(text)
            return
        self._held.append(text)
        self._held_size += len(text)
        if self._held_size > _FULL or self._real.isatty():
            self._release()

    def _release(self) -> None:
        """Write the pieces that were held."""
        pieces, self._held, self._held_size = self._held, [], 0
        if pieces and not self._ended:
            self._send("".join(pieces))

    def _send(self, text: str) -> None:
        assert self._real is not None
        with self._watched():
            self._real.write(self._struck(text))

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Write; once that fails, discard the rest."""
        try:
            yield
        except BrokenPipeError:
            self._end(None)
        except OSError as error:
            self._end(error.strerror or str(error))
        except ValueError:  # somebody closed the stream below this one
            self._end("it was closed")

    def _end(self, failure: str | None) -> None:
        self._ended, self.failure = True, failure
        assert self._real is not None
        with suppress(OSError, ValueError):  # or Python complains at exit about what is buffered
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._real.fileno())


class Ready:
    """A stream as a renderer such as rich writes to it, which sends styles of its own."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.write = stream.write_ready if isinstance(stream, Door) else stream.write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def above(stream: IO[str], show: Callable[[str], None]) -> AbstractContextManager[None]:
    """Have lines that others write to a stream shown above a display on it."""
    return stream.shown_above(show) if isinstance(stream, Door) else nullcontext()


@dataclass(frozen=True, slots=True)
class Streams:
    """Both doors, while they stand in for `sys.stdout` and `sys.stderr`."""

    out: Door
    err: Door

    def flush(self) -> None:
        """Write what is still held back."""
        self.out.flush()
        self.err.flush()


@contextmanager
def own_streams() -> Iterator[Streams]:
    """Put the doors in place of stdout and stderr; what user code prints goes to stderr."""
    real_out, real_err = cast("list[IO[str] | None]", [sys.stdout, sys.stderr])
    err = Door(real_err)
    out = Door(real_out, aside=err, struck=mask)
    sys.stdout, sys.stderr = cast(IO[str], out), cast(IO[str], err)
    try:
        yield Streams(out, err)
    finally:
        sys.stdout, sys.stderr = cast(IO[str], real_out), cast(IO[str], real_err)


def take_stdout() -> None:
    """Keep the process's stdout for ourselves; anything else written to it goes to stderr.

    That can be a C library, or a process that user code starts. Where one of the three standard
    streams was closed before we began, the next file, maybe the database, would get its number.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
    codecs.register_error(_ERRORS, _replaced)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors=_ERRORS)
    real = sys.stdout
    if not isinstance(real, io.TextIOWrapper):
        return  # it was closed before we began
    real.flush()
    private = os.dup(real.fileno())
    os.set_blocking(private, True)  # a parent's pipe may be set otherwise, and would lose text
    os.dup2(2, real.fileno())
    sys.stdout = os.fdopen(
        private, "w", encoding=real.encoding, errors=_ERRORS, buffering=1 if real.isatty() else -1
    )


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """Replace what an encoding lacks: our own signs by similar ones, all others by `?`."""
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end].translate(_PLAIN)
    return "".join(sign if sign.isascii() else "?" for sign in lacking), error.end
