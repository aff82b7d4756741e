"""The progress of a run, on stderr: a live line on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.markup import escape

from promptlab.backends import Backend, Throughput
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.types import Outcome, Plan, TrialResult, Turn
from promptlab.report.terminal.tables import counted

if TYPE_CHECKING:
    from rich import progress
else:
    progress = lazy_module("rich.progress")

_LINE_EVERY_S = 10.0
_REFRESH_S = 0.2
_SHOWN = 60  # characters of why a call waits
_OUTCOMES = tuple(Outcome)


class RunProgress:
    """Watches a run: how many trials, how fast, how long still, and how they ended."""

    def __init__(
        self,
        plan: Plan,
        stream: TextIO,
        notes: Sequence[str] = (),
        backends: Iterable[Backend] = (),
    ) -> None:
        self.answers = 0
        self.served = 0
        self.cost = 0.0
        self.cost_known = False  # of one answer at least
        self.warnings: Counter[str] = Counter()
        self.outcomes: Counter[Outcome] = Counter()
        self._label = plan.suite
        self._total = plan.size
        self._several = len(plan.backends) > 1
        self._backends = tuple(backends)
        self._notes = tuple(notes)
        self._console = Console(file=stream)
        self._live: progress.Progress | None = None
        self._turns = 0
        self._before = 0  # trials of a resumed run that were done already
        self._timed_from = 0.0  # trials done when the clock was started
        self._heard = 0  # answers, also of trials that are not yet done
        self._began = self._told = time.monotonic()
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
            self._task = self._live.add_task(self._label, total=self._total, pace="")
            yield

    def begun(self, done: int) -> None:
        """Tell the notes, and start from what a resumed run has done."""
        for note in self._notes:
            self._say(f"Note: {note}")
        self._before = self._timed_from = done
        self._began = time.monotonic()

    def opening(self, backend: str, notice: str | None) -> None:
        """Say that a backend is loading; off a terminal only what takes long is worth a line."""
        if self._live is not None:
            self._live.update(self._task, pace=escape(notice or f"loading {backend}"))
        elif notice:
            self._say(notice)

    def opened(self, backend: str) -> None:
        """Start the clock anew: neither loading nor stored answers are part of the pace."""
        self._began = time.monotonic()
        self._timed_from = self._before + self._heard / self.calls_a_trial
        if self._live is not None:
            self._live.update(self._task, pace="")

    def not_honoured(self, backend: str, lines: Sequence[str]) -> None:
        """Keep what a backend will not honour, to be told when the run begins."""
        self._notes += tuple(f"{backend}: {line}" for line in lines)

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
        elif time.monotonic() - self._told_of_waiting > _LINE_EVERY_S:
            self._told_of_waiting = time.monotonic()
            self._say(f"{backend}: {shown}")

    def draining(self, calls: int) -> None:
        """Say what an interrupted run still waits for."""
        self._say(f"waiting for {counted(calls, 'answer')} in flight; Ctrl-C again drops them")

    def spoke(self, turn: Turn) -> None:
        """Count an answer, and what the server did not honour in it."""
        self.answers += turn.completion.outcome is not Outcome.ERROR
        if turn.completion.warnings:
            self.warnings.update(turn.completion.warnings)
        if turn.completion.cost_usd is not None:
            self.cost += turn.completion.cost_usd
            self.cost_known = True
        self._heard += 1
        self._refresh()

    def finished(self, result: TrialResult) -> None:
        """Count a finished trial and refresh the display."""
        self.outcomes[result.outcome] += 1
        served = sum(turn.cached for turn in result.turns)
        self.served += served
        self._heard += served
        self._turns += len(result.turns)
        self._refresh()

    def _refresh(self) -> None:
        """Show how far the run is, five times a second; off a terminal now and then."""
        every = _LINE_EVERY_S if self._live is None else _REFRESH_S
        if time.monotonic() - self._told < every:
            return
        self._told = time.monotonic()
        done = self._before + self.outcomes.total()
        if self._live is not None:
            self._live.update(self._task, completed=done, pace=self._pace())
        else:
            self._console.print(
                f"{self._label}: {done} of {self._total} trials, {self._pace()}", soft_wrap=True
            )

    @property
    def calls_a_trial(self) -> float:
        """Return how many answers a trial needed on average, stored ones included."""
        trials = self.outcomes.total()
        return self._turns / trials if trials else 1.0

    def _say(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, markup=False, highlight=False)

    def _pace(self) -> str:
        """Tell trials a second and the time left, by answers: many trials may be half done."""
        told = [f"{name} {self.outcomes[name]}" for name in _OUTCOMES if self.outcomes[name]]
        if not told:
            return ", ".join([counted(self._heard, "answer"), *self.computed()])
        elapsed = max(time.monotonic() - self._began, 1e-9)
        so_far = self._before + self._heard / self.calls_a_trial
        rate = (so_far - self._timed_from) / elapsed
        left = max(0.0, self._total - so_far) / rate if rate > 0 else 0.0
        cost = [f"{self.cost:.4g} USD"] if self.cost else []
        return ", ".join(
            [f"{rate:,.1f}/s", f"{duration(left)} left", *told, *cost, *self.computed()]
        )

    def computed(self) -> list[str]:
        """Say how fast local models are, and how much of their prompts needed no reading."""
        found = [done for each in self._backends if (done := each.throughput) is not None]
        total = sum(found, Throughput())
        if not total.seconds:
            return []
        kind, tokens = "", total.said_tokens
        if not tokens:  # nothing is generated where answers are only weighed
            kind, tokens = "prompt ", total.read_tokens
        told = [f"{tokens / total.seconds:,.0f} {kind}tokens/s"]
        if total.shared:
            told.append(f"{total.shared * 100:.0f} % of prompts shared")
        return told


def duration(seconds: float) -> str:
    """Return a time as people say it: 8 s, 2 min 5 s, 1 h 4 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
