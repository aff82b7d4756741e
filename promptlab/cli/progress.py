"""The progress of a run, on stderr: a live line on a terminal, occasional lines elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.markup import escape

from promptlab.backends import Backend, Throughput
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.types import Outcome, Plan, TrialResult, Turn
from promptlab.report.wording import counted, duration
from promptlab.workbench.progress import Progress

if TYPE_CHECKING:
    from rich import progress
else:
    progress = lazy_module("rich.progress")

_LINE_EVERY_S = 10.0
_REFRESH_S = 0.2
_SHOWN = 60  # characters of the reason why a call waits
_OUTCOMES = tuple(Outcome)


class RunProgress(Progress):
    """Shows a run on a stream: how many trials, how fast, the time left, and how they ended."""

    def __init__(self, plan: Plan, backends: Iterable[Backend], stream: TextIO) -> None:
        super().__init__(plan, backends, time.monotonic)
        self._label = plan.suite
        self._several = len(plan.backends) > 1
        self._console = Console(file=stream)
        self._live: progress.Progress | None = None
        self._shown_at = self.clock()
        self._waiting_shown_at = -math.inf

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Show the display during the run."""
        if not self._console.is_terminal:
            yield
            return
        self._live = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(bar_width=None),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[pace]}"),
            console=self._console,
            transient=True,
            expand=True,
        )
        with self._live:
            self._task = self._live.add_task(self._label, total=self.total, pace="")
            yield

    def begun(self, done: int) -> None:
        """Print the notes when the run begins."""
        for note in self.notes:
            self._print_line(f"Note: {note}")
        super().begun(done)

    def opening(self, backend: str, notice: str | None) -> None:
        """Show that a backend is loading; without a terminal, only if that takes long."""
        if self._live is not None:
            self._live.update(self._task, pace=escape(notice or f"loading {backend}"))
        elif notice:
            self._print_line(notice)

    def opened(self, backend: str) -> None:
        """Clear the notice that a backend is loading."""
        super().opened(backend)
        if self._live is not None:
            self._live.update(self._task, pace="")

    def failed(self, backend: str, error: BackendError) -> None:
        """Report at once that a backend has failed: others may continue for a long time."""
        if self._several:
            self._print_line(f"{backend} stopped working: {error}")

    def left_open(self, backend: str, error: PromptlabError) -> None:
        """Report why a backend could not be closed."""
        self._print_line(f"warning: {error}")

    def waiting(self, backend: str, text: str) -> None:
        """Show why a call waits, until a trial ends; without a terminal, only occasionally."""
        shown = text if len(text) <= _SHOWN else text[: _SHOWN - 4] + " ..."
        if self._live is not None:
            self._live.update(self._task, pace=escape(f"{backend}: {shown}"))
        elif self.clock() - self._waiting_shown_at > _LINE_EVERY_S:
            self._waiting_shown_at = self.clock()
            self._print_line(f"{backend}: {shown}")

    def draining(self, calls: int) -> None:
        """Report what an interrupted run still waits for."""
        self._print_line(
            f"waiting for {counted(calls, 'answer')} in flight; Ctrl-C again drops them"
        )

    def spoke(self, turn: Turn) -> None:
        """Count an answer and refresh the display."""
        super().spoke(turn)
        self._refresh()

    def finished(self, result: TrialResult) -> None:
        """Count a finished trial and refresh the display."""
        super().finished(result)
        self._refresh()

    def _refresh(self) -> None:
        """Show how far the run is, five times a second; without a terminal, only occasionally."""
        every = _LINE_EVERY_S if self._live is None else _REFRESH_S
        if self.clock() - self._shown_at < every:
            return
        self._shown_at = self.clock()
        if self._live is not None:
            self._live.update(self._task, completed=self.done, pace=self._pace())
        else:
            self._console.print(
                f"{self._label}: {self.done} of {self.total} trials, {self._pace()}", soft_wrap=True
            )

    def _print_line(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, markup=False, highlight=False)

    def _pace(self) -> str:
        """Return the trials per second and the time left."""
        ended = [f"{name} {self.outcomes[name]}" for name in _OUTCOMES if self.outcomes[name]]
        if not ended:
            return ", ".join([counted(self.received, "answer"), *computed(self.throughput)])
        cost = [f"{self.cost_usd:.4g} USD"] if self.cost_usd else []
        return ", ".join(
            [
                f"{self.rate:,.1f}/s",
                f"{duration(self.left_s)} left",
                *ended,
                *cost,
                *computed(self.throughput),
            ]
        )


def computed(work: Throughput) -> list[str]:
    """Return how fast local models are, and how much of their prompts was shared."""
    if not work.seconds:
        return []
    kind, tokens = "", work.said_tokens
    if not tokens:  # no text is generated where answers are only weighed
        kind, tokens = "prompt ", work.read_tokens
    parts = [f"{tokens / work.seconds:,.0f} {kind}tokens/s"]
    if work.shared:
        parts.append(f"{work.shared * 100:.0f} % of prompts shared")
    return parts
