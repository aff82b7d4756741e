"""Records what happens in a run: facts of backends, answers, graded trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from promptlab.core.runs import BackendFacts
from promptlab.core.types import Json, TrialResult, Turn
from promptlab.core.watch import Watch
from promptlab.runner.work_time import WorkTime


class Records(Protocol):
    """Where what happens is stored: the writer of a run, or what stands for it."""

    @property
    def has_room(self) -> bool:
        """Return whether what is put now is stored soon."""

    @property
    def ended(self) -> bool:
        """Return whether nothing more can be put."""

    def put_facts(self, backend: str, facts: BackendFacts) -> None:
        """Store facts of a backend."""

    def put_turn(self, turn: Turn) -> None:
        """Store an answer."""

    def put_result(self, result: TrialResult) -> None:
        """Store a finished trial."""


class Recorder:
    """Stores what happens in one run, and passes it on to the watch."""

    def __init__(self, writer: Records, watch: Watch, clock: Callable[[], float]) -> None:
        """`clock` returns monotonic seconds."""
        self.trials = 0
        self._work_time = WorkTime(clock)
        self._writer = writer
        self._watch = watch

    @property
    def has_room(self) -> bool:
        """Return whether what is recorded now is stored soon; if not, nothing is to be sent."""
        return self._writer.has_room

    def keep_facts(self, backend: str, facts: Mapping[str, Json]) -> None:
        """Store the facts that a backend reported when it opened."""
        self._writer.put_facts(backend, BackendFacts.from_json(facts))
        self._work_time.opened(backend)

    def keep_work(self) -> None:
        """Store what each backend has done, at the end."""
        if not self._writer.ended:
            for backend, worked in self._work_time.done():
                self._writer.put_facts(backend, BackendFacts(worked=worked))

    def hand_out(self, backend: str, requests: int) -> None:
        """Note that requests are on their way."""
        self._watch.asked(backend, requests)
        self._work_time.asked(backend, requests)

    def put_turn(self, turn: Turn, backend: str) -> None:
        """Store an answer that a backend just gave."""
        self._work_time.answered(backend, turn.completion)
        self._writer.put_turn(turn)
        self._watch.answered(turn)

    def put_result(self, result: TrialResult) -> None:
        """Store a trial that was just graded."""
        self._writer.put_result(result)
        self.trials += 1
        self._watch.finished(result)
