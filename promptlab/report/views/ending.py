"""The report at the end of a run: which it was, what it took, what failed and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from promptlab.report.views.run import RunView
from promptlab.report.wording import counted, duration, usd


@dataclass(frozen=True, slots=True)
class CallsMade:
    """The calls that one process made for a run, and their results.

    `answers` counts those received, `reused` those served from another trial. `speed` says how
    fast local models were. `cost_usd` is None if no cost is known, and excludes `unpriced` answers.
    `first_error` is that of the first trial that failed, if one did.
    """

    calls: int
    answers: int
    reused: int
    speed: tuple[str, ...] = ()
    cost_usd: float | None = None
    unpriced: int = 0
    first_error: str | None = None


@dataclass(frozen=True, slots=True)
class RunEnding:
    """The end of a run in parts: what ran, how long, with which calls; and what failed.

    `remedies` has a line for each kind of failure, with the commands to inspect it.
    """

    ran: str
    seconds: float
    calls: str
    failed_trials: int
    failed_scores: int
    remedies: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Return what ran, how long and with which calls as one sentence."""
        return f"{self.ran} in {duration(self.seconds)}; {self.calls}."


def run_ending(view: RunView, calls: CallsMade, seconds: float, command: str) -> RunEnding:
    """Return the view of a run's end; `command` is how the user calls promptlab."""
    side = "" if view.plan.split == "all" else f" on the {view.plan.split} side of the holdout"
    remedies = []
    if trials := view.failed_trials:
        look = f"{command} show --errors; {command} resume latest"
        remedies.append(f"{counted(trials, 'trial')} failed: {look}")
        if calls.first_error is not None:
            remedies.append(f"The first error: {calls.first_error.partition(chr(10))[0]}")
    if scores := view.failed_scores:
        remedies.append(f"{counted(scores, 'score')} failed: {command} show --errors --full")
    return RunEnding(
        ran=f"Run {view.run.run_id}: {counted(view.trials, 'trial')}{side}",
        seconds=seconds,
        calls=_calls(view, calls),
        failed_trials=trials,
        failed_scores=scores,
        remedies=tuple(remedies),
    )


def _calls(view: RunView, calls: CallsMade) -> str:
    """Describe how many calls were made, their results and their cost."""
    if calls.calls == 0:
        why = ": the store had every answer" if view.run.status == "finished" else ""
        return f"no model call was made{why}"
    total = counted(calls.calls, "model call")
    parts = [
        total if calls.answers == calls.calls else f"{counted(calls.answers, 'answer')} in {total}"
    ]
    if calls.reused:
        parts.append(f"{counted(calls.reused, 'answer')} reused")
    parts += calls.speed
    if view.has_cost:
        parts.append(_cost(calls))
    return ", ".join(parts)


def _cost(calls: CallsMade) -> str:
    if calls.cost_usd is None:
        return "cost unknown"
    answers = counted(calls.unpriced, "answer")
    more = f" and more ({answers} of unknown cost)" if calls.unpriced else ""
    return f"{usd(calls.cost_usd)} USD{more}"
