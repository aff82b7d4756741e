"""What can be seen of a run while it goes on. Each event is declared here, and nowhere else.

Whoever has something to tell speaks to the one `Watch` of a run: the flow of what it begins and
ends, an executor of the backends it serves.
"""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.types import TrialResult, Turn


class Watch:
    """Whoever wants to see a run go on: a progress display, a notebook, a test.

    Derive from it, and override the events that are worth something.
    """

    def begun(self, done: int) -> None:
        """Hear that a run begins or goes on, with so many trials done before."""

    def not_honoured(self, backend: str, lines: Sequence[str]) -> None:
        """Hear, before the run begins, what a backend will not honour."""

    def opening(self, backend: str, notice: str | None) -> None:
        """Hear that a backend is loading, and what will take long about it, if anything."""

    def opened(self, backend: str) -> None:
        """Hear that a backend has loaded."""

    def failed(self, backend: str, error: BackendError) -> None:
        """Hear that a backend works no more; others may go on."""

    def left_open(self, backend: str, error: PromptlabError) -> None:
        """Hear why a backend could not be closed at the end of the run."""

    def waiting(self, backend: str, text: str) -> None:
        """Hear, in a few words, why a call of a backend waits to be tried again."""

    def draining(self, calls: int) -> None:
        """Hear that an interrupted run waits for so many answers in flight."""

    def spoke(self, turn: Turn) -> None:
        """See an answer that was just measured."""

    def finished(self, result: TrialResult) -> None:
        """See a trial that was just graded."""


class NullWatch(Watch):
    """A watch that looks away."""
