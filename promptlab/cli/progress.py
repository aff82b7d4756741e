"""The progress of a run, on stderr: a live line on a terminal, now and then a line elsewhere."""

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
_SHOWN = 60  # characters of why a call waits
_OUTCOMES = tuple(Outcome)


class RunProgress(Progress):
    """Shows a run on a stream: how many trials, how fast, how long still, and how they ended."""

    def __init__(self, plan: Plan, backends: Iterable[Backend], stream: TextIO) -> None:
        super().__init__(plan, backends, time.monotonic)
        self._label = plan.suite
        self._several = len(plan.backends) > 1
        self._console = Console(file=stream)
        self._live: progress.Progress | None = None
        self._told = self.clock()
        self._told_of_waiting = -math.inf

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Show the display while the run goes on."""
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
        """Tell the notes when the run begins."""
        for note in self.notes:
            self._say(f"Note: {note}")
        super().begun(done)

    def opening(self, backend: str, notice: str | None) -> None:
        """Say that a backend is loading; off a terminal only what takes long is worth a line."""
        if self._live is not None:
            self._live.update(self._task, pace=escape(notice or f"loading {backend}"))
        elif notice:
            self._say(notice)

    def opened(self, backend: str) -> None:
        """Take away that a backend is loading."""
        super().opened(backend)
        if self._live is not None:
            self._live.update(self._task, pace="")

    def failed(self, backend: str, error: BackendError) -> None:
        """Say at once that a backend works no more: others may go on for long."""
        if self._several:
            self._say(f"{backend} works no more: {error}")

    def left_open(self, backend: str, error: PromptlabError) -> None:
        """Say why a backend could not be closed."""
        self._say(f"warning: {error}")

    def waiting(self, backend: str, text: str) -> None:
        """Show why a call waits, until a trial ends; off a terminal now and then."""
        shown = text if len(text) <= _SHOWN else text[: _SHOWN - 4] + " ..."
        if self._live is not None:
            self._live.update(self._task, pace=escape(f"{backend}: {shown}"))
        elif self.clock() - self._told_of_waiting > _LINE_EVERY_S:
            self._told_of_waiting = self.clock()
            self._say(f"{backend}: {shown}")

    def draining(self, calls: int) -> None:
        """Say what an interrupted run still waits for."""
        self._say(f"waiting for {counted(calls, 'answer')} in flight; Ctrl-C again drops them")

    def spoke(self, turn: Turn) -> None:
        """Count an answer and refresh the display."""
        super().spoke(turn)
        self._refresh()

    def finished(self, result: TrialResult) -> None:
        """Count a finished trial and refresh the display."""
        super().finished(result)
        self._refresh()

    def _refresh(self) -> None:
        """Show how far the run is, five times a second; off a terminal now and then."""
        every = _LINE_EVERY_S if self._live is None else _REFRESH_S
        if self.clock() - self._told < every:
            return
        self._told = self.clock()
        if self._live is not None:
            self._live.update(self._task, completed=self.done, pace=self._pace())
        else:
            self._console.print(
                f"{self._label}: {self.done} of {self.total} trials, {self._pace()}", soft_wrap=True
            )

    def _say(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, markup=False, highlight=False)

    def _pace(self) -> str:
        """Tell trials a second and the time left."""
        told = [f"{name} {self.outcomes[name]}" for name in _OUTCOMES if self.outcomes[name]]
        if not told:
            return ", ".join([counted(self.heard, "answer"), *computed(self.throughput)])
        cost = [f"{self.cost_usd:.4g} USD"] if self.cost_usd else []
        return ", ".join(
            [
                f"{self.rate:,.1f}/s",
                f"{duration(self.left_s)} left",
                *told,
                *cost,
                *computed(self.throughput),
            ]
        )


def computed(done: Throughput) -> list[str]:
    """Say how fast local models are, and how much of their prompts needed no reading."""
    if not done.seconds:
        return []
    kind, tokens = "", done.said_tokens
    if not tokens:  # nothing is generated where answers are only weighed
        kind, tokens = "prompt ", done.read_tokens
    told = [f"{tokens / done.seconds:,.0f} {kind}tokens/s"]
    if done.shared:
        told.append(f"{done.shared * 100:.0f} % of prompts shared")
    return told
