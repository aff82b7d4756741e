"""The events of a run while it is in progress. Each is declared here, and nowhere else.

Everything that has something to report calls the run's one `Watch`: the flow reports what begins
and ends, an executor reports on the backends it serves.
"""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.types import TrialResult, Turn


class Watch:
    """An observer of a run: a progress display, a notebook, a test.

    Subclass it and override the events of interest.
    """

    def begun(self, done: int) -> None:
        """Note that a run begins or continues, with `done` trials already finished."""

    def not_honoured(self, backend: str, lines: Sequence[str]) -> None:
        """Note, before the run begins, which settings a backend will not honour."""

    def limited(self, calls: int, wanted: int, files: int) -> None:
        """Note that only so many calls are made side by side: `files` may be open at once."""

    def opening(self, backend: str, notice: str | None) -> None:
        """Note that a backend is loading, and what will take long about it, if anything."""

    def opened(self, backend: str) -> None:
        """Note that a backend has loaded."""

    def failed(self, backend: str, error: BackendError) -> None:
        """Note that a backend has stopped working; others may continue."""

    def left_open(self, backend: str, error: PromptlabError) -> None:
        """Note why a backend could not be closed at the end of the run."""

    def asked(self, backend: str, requests: int) -> None:
        """Note that an executor has taken requests to a backend, whose answers are now awaited."""

    def waiting(self, backend: str, text: str) -> None:
        """Note, in a few words, why a call to a backend is waiting to be retried."""

    def locked(self, seconds: float, records: int) -> None:
        """Note for how long another program has kept `records` from being stored.

        Nothing is sent meanwhile. This is called again and again until they are stored.
        """

    def unstored(self, records: int) -> None:
        """Note that an interrupted run is waiting until this many records can be stored."""

    def draining(self, calls: int) -> None:
        """Note that an interrupted run is waiting for this many answers in flight."""

    def answered(self, turn: Turn) -> None:
        """Note an answer that was just measured."""

    def finished(self, result: TrialResult) -> None:
        """Note a trial that was just graded."""


class NullWatch(Watch):
    """A watch that ignores all events."""
