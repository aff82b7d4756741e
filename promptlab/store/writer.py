"""The one writer of a run: a thread that stores what finishes, many records per transaction.

Putting is cheap and blocks only when the disk cannot keep up. What was put is safe from a crash of
this process half a second later, or at once after `flush`. What the run has spent is stored along
with it, and just as soon if nothing was put.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Condition
from types import TracebackType
from typing import Self

from promptlab.core.budget import Spent
from promptlab.core.types import Outcome, TrialResult, Turn
from promptlab.store.connection import connect
from promptlab.store.encode import iso
from promptlab.store.records import Record, Recorder

_BATCH = 1_000  # records in one transaction, unless
_SECONDS = 0.5  # this much time has passed first
_LIMIT = 4 * _BATCH  # records waiting before a put has to wait


class Writer:
    """Stores turns and results of one run. Use it as a context manager, from any thread."""

    def __init__(
        self,
        path: Path,
        run_id: str,
        clock: Callable[[], datetime],
        spent: Callable[[], Spent] = Spent,
    ) -> None:
        """`spent` returns what the run has spent; it is called from any thread."""
        self._path = path
        self._run_id = run_id
        self._clock = clock
        self._spent = spent
        self._kept = spent()
        self._changed = Condition()
        self._waiting: list[Record] = []
        self._writing = True  # until the thread is ready
        self._hurry = False
        self._closing = False
        self._ended = False
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="promptlab-writer")
        self._thread = self._pool.submit(self._work)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Store what was put, even if the run fails."""
        self._end()
        if error is None or self._thread.exception() is not error:
            self._thread.result()

    def put_turn(self, turn: Turn) -> None:
        """Store a finished generation, so that it is not lost if its trial never finishes."""
        if not turn.cached and turn.completion.outcome is not Outcome.ERROR:
            self._put(turn)

    def put_result(self, result: TrialResult) -> None:
        """Store a finished trial with its turns and scores. An earlier failure is replaced."""
        self._put(result)

    def flush(self) -> None:
        """Return once everything that was put is stored."""
        with self._changed:
            self._hurry = bool(self._waiting)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._ended or not (self._waiting or self._writing))
            ended = self._ended
        if ended:
            self._thread.result()

    def close(self) -> None:
        """Store what was put and end the thread."""
        self._end()
        self._thread.result()

    def _end(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._pool.shutdown()

    def _put(self, value: Turn | TrialResult) -> None:
        record = Record(value, iso(self._clock()))
        with self._changed:
            if len(self._waiting) >= _LIMIT:
                self._changed.wait_for(lambda: self._ended or len(self._waiting) < _LIMIT)
            if not self._ended:
                self._waiting.append(record)
                if len(self._waiting) == _BATCH:
                    self._changed.notify_all()
                return
        self._thread.result()
        raise RuntimeError("this writer is closed")

    def _work(self) -> None:
        """Store batches until closed. The future of this call keeps any exception."""
        try:
            connection = connect(self._path)
            try:
                recorder = Recorder(connection, self._run_id)
                while (batch := self._next_batch()) is not None:
                    recorder.write(batch, self._kept)
            finally:
                connection.close()
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _next_batch(self) -> list[Record] | None:
        """Wait for a full batch, a flush, the close or the timeout; None means the end.

        A batch is empty if money was spent without a result.
        """
        with self._changed:
            self._writing = False
            self._changed.notify_all()
            while True:
                self._changed.wait_for(self._is_due, _SECONDS)
                before, self._kept = self._kept, self._spent()
                if self._waiting or self._kept != before:
                    break
                if self._closing:
                    return None
            batch, self._waiting = self._waiting, []
            self._writing = True
            self._hurry = False
            self._changed.notify_all()  # there is room again
            return batch

    def _is_due(self) -> bool:
        return self._closing or self._hurry or len(self._waiting) >= _BATCH
