"""How far a run is, counted as it goes on: data for a display, a report, a notebook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from promptlab.backends import Backend, Throughput
from promptlab.core.types import Outcome, Plan, TrialResult, Turn
from promptlab.core.watch import NullWatch


class Progress(NullWatch):
    """Watches a run and counts: trials and how they ended, answers, what they cost, how fast.

    A display extends it and draws what it counts. `clock` returns seconds that never go back.
    `notes` are lines to be told when the run begins.
    """

    def __init__(self, plan: Plan, backends: Iterable[Backend], clock: Callable[[], float]) -> None:
        self.total = plan.size
        self.answers = 0
        self.served = 0
        self.cost_usd = 0.0
        self.cost_known = False  # of one answer at least
        self.warnings: Counter[str] = Counter()
        self.outcomes: Counter[Outcome] = Counter()
        self.notes: tuple[str, ...] = ()
        self.clock = clock
        self._backends = tuple(backends)
        self._turns = 0
        self._before = 0  # trials of a resumed run that were done already
        self._timed_from = 0.0  # trials done when the clock was started
        self._heard = 0  # answers, also of trials that are not yet done
        self._began = self._started = clock()

    @property
    def done(self) -> int:
        """Return the number of trials that are done, those of earlier processes included."""
        return self._before + self.outcomes.total()

    @property
    def heard(self) -> int:
        """Return the number of answers heard, also of trials that are not yet done."""
        return self._heard

    @property
    def elapsed_s(self) -> float:
        """Return the seconds since the run was taken up."""
        return self.clock() - self._started

    @property
    def calls_a_trial(self) -> float:
        """Return how many answers a trial needed on average, stored ones included."""
        trials = self.outcomes.total()
        return self._turns / trials if trials else 1.0

    @property
    def rate(self) -> float:
        """Return trials a second, by answers: many trials may be half done."""
        elapsed = max(self.clock() - self._began, 1e-9)
        return (self._so_far - self._timed_from) / elapsed

    @property
    def left_s(self) -> float:
        """Return the seconds that are left at this rate; 0 while there is none."""
        return max(0.0, self.total - self._so_far) / self.rate if self.rate > 0 else 0.0

    @property
    def throughput(self) -> Throughput:
        """Return what the models of this machine have computed."""
        found = [done for each in self._backends if (done := each.throughput) is not None]
        return sum(found, Throughput())

    @property
    def _so_far(self) -> float:
        return self._before + self._heard / self.calls_a_trial

    def begun(self, done: int) -> None:
        """Start from what a resumed run has done."""
        self._before = self._timed_from = done
        self._began = self.clock()

    def opened(self, backend: str) -> None:
        """Start the clock anew: neither loading nor stored answers are part of the pace."""
        self._began = self.clock()
        self._timed_from = self._so_far

    def not_honoured(self, backend: str, lines: Sequence[str]) -> None:
        """Keep what a backend will not honour among the notes."""
        self.notes += tuple(f"{backend}: {line}" for line in lines)

    def spoke(self, turn: Turn) -> None:
        """Count an answer, and what the server did not honour in it."""
        self.answers += turn.completion.outcome is not Outcome.ERROR
        if turn.completion.warnings:
            self.warnings.update(turn.completion.warnings)
        if turn.completion.cost_usd is not None:
            self.cost_usd += turn.completion.cost_usd
            self.cost_known = True
        self._heard += 1

    def finished(self, result: TrialResult) -> None:
        """Count a finished trial."""
        self.outcomes[result.outcome] += 1
        served = sum(turn.cached for turn in result.turns)
        self.served += served
        self._heard += served
        self._turns += len(result.turns)
