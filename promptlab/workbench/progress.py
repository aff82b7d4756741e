"""The progress of a run as counts: data for a display, a report, a notebook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from promptlab.backends import Backend, Throughput
from promptlab.core.types import Outcome, Plan, TrialResult, Turn
from promptlab.core.watch import NullWatch


class Progress(NullWatch):
    """Watches a run and counts: trials and how they ended, answers, their cost, their rate.

    A display extends it and draws the counts. `clock` returns monotonic seconds. `notes` are lines
    to show when the run begins.
    """

    def __init__(self, plan: Plan, backends: Iterable[Backend], clock: Callable[[], float]) -> None:
        self.total = plan.size
        self.answers = 0
        self.served = 0
        self.cost_usd = 0.0
        self.cost_known = False  # of at least one answer
        self.warnings: Counter[str] = Counter()
        self.outcomes: Counter[Outcome] = Counter()
        self.first_error: str | None = None  # of a trial that failed
        self.notes: tuple[str, ...] = ()
        self.clock = clock
        self._backends = tuple(backends)
        self._turns = 0
        self._before = 0  # trials of a resumed run that were already done
        self._timed_from = 0  # answers received when the clock was started
        self._received = 0  # answers, including those of unfinished trials
        self._asked = self._answered = 0  # requests that went out, and those answered
        self._answered_at = clock()
        self._began = self._started = clock()

    @property
    def done(self) -> int:
        """Return the number of finished trials, including those of earlier processes."""
        return self._before + self.outcomes.total()

    @property
    def received(self) -> int:
        """Return the number of answers received, including those of unfinished trials."""
        return self._received

    @property
    def awaited(self) -> int:
        """Return how many answers are on their way."""
        return max(0, self._asked - self._answered)

    @property
    def silent_s(self) -> float:
        """Return the seconds since the last answer, or since answers are awaited."""
        return self.clock() - self._answered_at

    @property
    def elapsed_s(self) -> float:
        """Return the seconds since this process began or resumed the run."""
        return self.clock() - self._started

    @property
    def calls_a_trial(self) -> float:
        """Return how many answers a trial needed on average, including stored ones."""
        trials = self.outcomes.total()
        return self._turns / trials if trials else 1.0

    @property
    def rate(self) -> float:
        """Return trials per second, estimated from answers, as many trials may be half done."""
        elapsed = max(self.clock() - self._began, 1e-9)
        return (self._received - self._timed_from) / self.calls_a_trial / elapsed

    @property
    def left_s(self) -> float:
        """Return the seconds left at this rate; 0 while it is unknown."""
        return max(0.0, self.total - self._so_far) / self.rate if self.rate > 0 else 0.0

    @property
    def throughput(self) -> Throughput:
        """Return what local models have computed."""
        throughputs = [
            throughput
            for backend in self._backends
            if (throughput := backend.throughput) is not None
        ]
        return sum(throughputs, Throughput())

    @property
    def _so_far(self) -> float:
        return self._before + self._received / self.calls_a_trial

    def begun(self, done: int) -> None:
        """Start from what a resumed run has already done."""
        self._before = done
        self._began = self.clock()

    def opened(self, backend: str) -> None:
        """Restart the clock: neither loading nor stored answers count towards the rate."""
        self._began = self.clock()
        self._timed_from = self._received

    def not_honoured(self, backend: str, lines: Sequence[str]) -> None:
        """Add what a backend will not honour to the notes."""
        self.notes += tuple(f"{backend}: {line}" for line in lines)

    def answered(self, turn: Turn) -> None:
        """Count an answer, and what the server did not honour in it."""
        self.answers += turn.completion.outcome is not Outcome.ERROR
        if turn.completion.warnings:
            self.warnings.update(turn.completion.warnings)
        if turn.completion.cost_usd is not None:
            self.cost_usd += turn.completion.cost_usd
            self.cost_known = True
        self._received += 1
        self._answered += 1
        self._answered_at = self.clock()

    def asked(self, backend: str, requests: int) -> None:
        """Count the answers that are awaited."""
        if not self.awaited:
            self._answered_at = self.clock()
        self._asked += requests

    def finished(self, result: TrialResult) -> None:
        """Count a finished trial."""
        self.outcomes[result.outcome] += 1
        self.first_error = self.first_error or result.error
        served = sum(turn.cached for turn in result.turns)
        self.served += served
        self._received += served
        self._turns += len(result.turns)
