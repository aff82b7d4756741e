"""The progress of a run, on stderr: a live line on a terminal, occasional lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from promptlab.backends import Backend, Throughput
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.streams import above
from promptlab.core.types import Outcome, Plan, TrialResult, Turn
from promptlab.core.watch import Watch
from promptlab.report.terminal.progress_line import Detail, ProgressLine, shortened
from promptlab.report.terminal.screen import Screen
from promptlab.report.terminal.text import plain_text
from promptlab.report.wording import counted, duration, usd
from promptlab.workbench.progress import Progress

if TYPE_CHECKING:
    from rich import live
else:
    live = lazy_module("rich.live")

_LINE_EVERY_S = 10.0
_REFRESH_HZ = 5.0
_SILENCE_S = 2.0  # after which it is shown that answers are awaited
_NOTICE = 60  # characters of the reason why a call waits
_LOCK_S = 2.0  # a database that is locked for less is not worth a line
_OUTCOMES = tuple(Outcome)


class RunProgress(Progress):
    """Shows a run on a stream: how many trials, how fast, the time left, and how they ended."""

    def __init__(self, plan: Plan, backends: Iterable[Backend], stream: IO[str]) -> None:
        super().__init__(plan, backends, time.monotonic)
        self._label = plan.suite
        self._several = len(plan.backends) > 1
        self._stream = stream
        self._console = Screen(stream)
        self._live = False
        self._notice: str | None = None  # what the run waits for before or between answers
        self._shown_at = self.clock()
        self._waiting_shown_at = self._lock_shown_at = -math.inf

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Show the display during the run; it is drawn anew several times a second."""
        if not self._console.is_terminal or self._console.is_dumb_terminal:
            yield
            return
        display = live.Live(
            console=self._console,
            get_renderable=self._line,
            transient=True,
            refresh_per_second=_REFRESH_HZ,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live = True
        with display, above(self._stream, self._print_line):
            yield

    def begun(self, done: int) -> None:
        """Print the notes when the run begins."""
        for note in self.notes:
            self._print_line(f"Note: {note}")
        super().begun(done)

    def limited(self, calls: int, wanted: int, files: int) -> None:
        """Report that fewer calls than wanted are made side by side."""
        self._print_line(
            f"Note: {counted(calls, 'call')} side by side instead of {wanted:,}: this process may"
            f" have {files:,} files open (ulimit -n raises that)"
        )

    def opening(self, backend: str, notice: str | None) -> None:
        """Show that a backend is loading; without a terminal, only if that takes long."""
        self._notice = notice or f"loading {backend}"
        if not self._live and notice:
            self._print_line(notice)

    def opened(self, backend: str) -> None:
        """Clear the notice that a backend is loading."""
        super().opened(backend)
        self._notice = None

    def failed(self, backend: str, error: BackendError) -> None:
        """Report at once that a backend has failed: others may continue for a long time."""
        if self._several:
            self._print_line(f"{backend} stopped working: {error}")

    def left_open(self, backend: str, error: PromptlabError) -> None:
        """Report why a backend could not be closed."""
        self._print_line(f"warning: {error}")

    def waiting(self, backend: str, text: str) -> None:
        """Show why a call waits, until a trial ends; without a terminal, only occasionally."""
        self._notice = f"{backend}: {shortened(text, _NOTICE)}"
        if not self._live and self.clock() - self._waiting_shown_at > _LINE_EVERY_S:
            self._waiting_shown_at = self.clock()
            self._print_line(self._notice)

    def locked(self, seconds: float, records: int) -> None:
        """Show that the run waits for another program, until a trial ends."""
        if seconds < _LOCK_S:
            return
        text = f"waiting for the database, which another program has locked for {duration(seconds)}"
        self._notice = text
        if not self._live and self.clock() - self._lock_shown_at > _LINE_EVERY_S:
            self._lock_shown_at = self.clock()
            kept = f"; {counted(records, 'record')} to store are kept" if records > 1 else ""
            self._print_line(f"{text}; nothing is sent meanwhile{kept}")

    def unstored(self, records: int) -> None:
        """Report what an interrupted run still waits for."""
        self._print_line(
            f"waiting until another program unlocks the database, to store"
            f" {counted(records, 'record')}; Ctrl-C again drops them"
        )

    def draining(self, calls: int) -> None:
        """Report what an interrupted run still waits for."""
        self._print_line(
            f"waiting for {counted(calls, 'answer')} in flight; Ctrl-C again drops them"
        )

    def answered(self, turn: Turn) -> None:
        """Count an answer."""
        super().answered(turn)
        self._report()

    def finished(self, result: TrialResult) -> None:
        """Count a finished trial."""
        super().finished(result)
        self._notice = None
        self._report()

    def _report(self) -> None:
        """Without a terminal, print occasionally how far the run is."""
        if self._live or self.clock() - self._shown_at < _LINE_EVERY_S:
            return
        self._shown_at = self.clock()
        pace = ", ".join(detail.text for detail in self._details())
        self._print_line(f"{self._label}: {self.done} of {self.total} trials, {pace}")

    def _line(self) -> ProgressLine:
        return ProgressLine(self._label, self.done, self.total, self._details())

    def _print_line(self, line: str) -> None:
        self._console.print(plain_text(line), soft_wrap=True)

    def _details(self) -> list[Detail]:
        """Return how far the run is and what it waits for; a higher rank matters less."""
        details = []
        if self._notice is not None:
            details.append(Detail(self._notice, 1, elastic=True))
        elif self.awaited and self.silent_s > _SILENCE_S:
            waited = f"waiting for {counted(self.awaited, 'answer')} for {duration(self.silent_s)}"
            details.append(Detail(waited, 1, elastic=True))
        ended = [(name, self.outcomes[name]) for name in _OUTCOMES if self.outcomes[name]]
        if ended:
            details.append(Detail(f"{self.rate:,.1f}/s", 4))
            if self._notice is None and self.left_s:
                details.append(Detail(f"{duration(math.ceil(self.left_s))} left", 2))
        elif self.received or not details:
            details.append(Detail(counted(self.received, "answer"), 2))
        details += [
            Detail(f"{name} {number}", 3 if name is Outcome.ERROR else 5) for name, number in ended
        ]
        if self.cost_usd:
            details.append(Detail(f"{usd(self.cost_usd)} USD", 6))
        return [*details, *(Detail(text, 7) for text in computed(self.throughput))]


def computed(work: Throughput) -> list[str]:
    """Return how fast local models are, and how much of their prompts was shared."""
    if not work.seconds:
        return []
    kind, tokens = "", work.output_tokens
    if not tokens:  # no text is generated where answers are only weighed
        kind, tokens = "prompt ", work.read_tokens
    parts = [f"{tokens / work.seconds:,.0f} {kind}tokens/s"]
    if work.shared:
        parts.append(f"{work.shared * 100:.0f} % of prompts shared")
    return parts


@contextmanager
def watching(plan: Plan, backends: Mapping[str, Backend], trials: int) -> Iterator[Watch]:
    """Show on stderr how far questions about so many trials are."""
    progress = RunProgress(plan, backends.values(), sys.stderr)
    progress.total = trials
    with progress.showing():
        yield progress
