"""The one writer of a run: a thread that stores what finishes, many records per transaction.

Putting is cheap and never blocks. What was put is safe from a crash of this process half a second
later, or at once after `flush`. What the run has spent is stored along with it, and just as soon if
nothing was put. While another program has the database locked, the writer tries on and keeps what
was put; whoever feeds it is expected to stop when there is no `has_room`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import Condition
from types import TracebackType
from typing import TYPE_CHECKING, Self

from promptlab.core.budget import Spent
from promptlab.core.errors import StoreBusy
from promptlab.core.lazy import lazy_module
from promptlab.core.runs import BackendFacts
from promptlab.core.types import Completion, Outcome, TrialResult, Turn
from promptlab.store.connection import Waits, connect
from promptlab.store.encode import iso
from promptlab.store.liveness import BEAT_S
from promptlab.store.pending import Opened, Record, weight
from promptlab.store.records import Recorder

if TYPE_CHECKING:
    from concurrent import futures
else:
    futures = lazy_module("concurrent.futures")

_BATCH = 1_000  # records in one transaction, or
_BATCH_BYTES = 16_000_000  # this much of them, unless
_SECONDS = 0.5  # this much time has passed first
_LIMIT, _LIMIT_BYTES = 4 * _BATCH, 4 * _BATCH_BYTES  # waiting before there is no more room


class Writer:
    """Stores turns and results of one run. Use it as a context manager, from any thread."""

    def __init__(
        self,
        path: Path,
        run_id: str,
        clock: Callable[[], datetime],
        spent: Callable[[], Spent] = Spent,
        waits: Waits | None = None,
    ) -> None:
        """`spent` returns what the run has spent, `waits` is called while the lock is another's.

        Both are called from any thread. Without `waits` there is no limit to the waiting.
        """
        self._path = path
        self._run_id = run_id
        self._clock = clock
        self._spent = spent
        self._waits = waits
        self._kept = spent()
        self._changed = Condition()
        self._waiting: deque[Record] = deque()
        self._bytes = 0  # of what is waiting or being written
        self._unstored: dict[str, Completion] = {}  # answers among it, by the keys of their request
        self._locked_since: float | None = None
        self._beaten_at = time.monotonic()
        self._writing = True  # until the thread is ready
        self._hurry = False
        self._closing = False
        self._dropped = False
        self._ended = False
        self._pool = futures.ThreadPoolExecutor(1, thread_name_prefix="promptlab-writer")
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

    @property
    def locked_s(self) -> float:
        """Return for how many seconds another program has kept this from writing; 0.0 if none."""
        since = self._locked_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def has_room(self) -> bool:
        """Return whether what is put now is likely to be stored soon."""
        room = len(self._waiting) < _LIMIT and self._bytes < _LIMIT_BYTES
        return (room and self._locked_since is None) or self._ended

    @property
    def ended(self) -> bool:
        """Return whether the thread has ended, after `finish` or an error."""
        return self._ended

    @property
    def waiting(self) -> int:
        """Return how many records wait to be stored."""
        return len(self._waiting)

    def unstored(self, keys: Sequence[str]) -> Mapping[str, Completion]:
        """Return the answers on their way into the store, of those requested by their keys."""
        with self._changed:
            return {key: self._unstored[key] for key in keys if key in self._unstored}

    def put_turn(self, turn: Turn) -> None:
        """Store a finished generation, so that it is not lost if its trial never finishes."""
        if not turn.cached and turn.completion.outcome is not Outcome.ERROR:
            self._put(turn)

    def put_result(self, result: TrialResult) -> None:
        """Store a finished trial with its turns and scores. An earlier failure is replaced."""
        self._put(result)

    def put_facts(self, backend: str, facts: BackendFacts) -> None:
        """Store what a backend reported when it opened, before anything that it answers."""
        self._put(Opened(backend, facts))

    def wait_for_room(self) -> None:
        """Return once there is room, for those who produce faster than a disk can store."""
        if not self.has_room:
            with self._changed:
                self._changed.wait_for(lambda: self.has_room)

    def flush(self) -> None:
        """Return once everything that was put is stored."""
        with self._changed:
            self._hurry = bool(self._waiting)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._ended or not (self._waiting or self._writing))
            ended = self._ended
        if ended:
            self._thread.result()

    def finish(self) -> None:
        """Let the thread store what was put and then end, without waiting for it."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def drop(self) -> None:
        """Give up what cannot be stored because another program has the database locked."""
        self._dropped = True
        self.finish()

    def close(self) -> None:
        """Store what was put and end the thread."""
        self._end()
        self._thread.result()

    def _end(self) -> None:
        self.finish()
        self._pool.shutdown()

    def _put(self, value: Turn | TrialResult | Opened) -> None:
        record = Record(value, iso(self._clock()), weight(value))
        with self._changed:
            if not self._ended:
                self._waiting.append(record)
                self._bytes += record.weight
                if isinstance(value, Turn):
                    self._unstored[value.request.key] = value.completion
                if len(self._waiting) == _BATCH or self._bytes > _BATCH_BYTES:
                    self._changed.notify_all()
                return
        self._thread.result()
        raise RuntimeError("this writer is closed")

    def _work(self) -> None:
        """Store batches until closed. The future of this call keeps any exception."""
        try:
            connection = connect(self._path, waits=self._lock_is_anothers)
            try:
                recorder = Recorder(connection, self._run_id)
                while (batch := self._next_batch()) is not None:
                    self._write(recorder, batch)
            finally:
                connection.close()
        except StoreBusy:
            if not self._dropped:
                raise
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _write(self, recorder: Recorder, batch: Sequence[Record]) -> None:
        recorder.write(batch, self._kept)
        with self._changed:
            self._locked_since = None
            for record in batch:
                self._bytes -= record.weight
                turn = record.value
                if isinstance(turn, Turn):
                    key = turn.request.key
                    if self._unstored.get(key) is turn.completion:
                        del self._unstored[key]

    def _lock_is_anothers(self, seconds: float) -> None:
        if self._locked_since is None:
            self._locked_since = time.monotonic() - seconds
        if self._dropped:
            raise TimeoutError
        if self._waits is not None:
            self._waits(seconds)

    def _next_batch(self) -> list[Record] | None:
        """Wait for a full batch, a flush, the close or the timeout; None means the end.

        A batch is empty if money was spent without a result, or if it is only a heartbeat.
        """
        with self._changed:
            self._writing = False
            self._changed.notify_all()  # there is room again
            while True:
                self._changed.wait_for(self._is_due, _SECONDS)
                before, self._kept = self._kept, self._spent()
                if self._waiting or self._kept != before:
                    break
                if self._closing:
                    return None
                if time.monotonic() - self._beaten_at > BEAT_S:
                    break
            self._beaten_at = time.monotonic()
            batch: list[Record] = []
            size = 0
            while self._waiting and len(batch) < _LIMIT and size < _BATCH_BYTES:
                batch.append(self._waiting.popleft())
                size += batch[-1].weight
            self._writing = True
            self._hurry = self._hurry and bool(self._waiting)
            return batch

    def _is_due(self) -> bool:
        full = len(self._waiting) >= _BATCH or self._bytes > _BATCH_BYTES
        return self._closing or self._hurry or full
