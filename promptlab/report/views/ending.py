"""What is said when a run has ended: which it was, what it took, what failed and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from promptlab.report.views.run import RunView
from promptlab.report.wording import counted, duration


@dataclass(frozen=True, slots=True)
class CallsMade:
    """The calls that one process made for a run, and what came of them.

    `answers` are those that came, `reused` those that another trial was served with. `speed` says
    how fast local models were. `cost_usd` is None where no cost is known, and leaves out `unpriced`
    answers.
    """

    calls: int
    answers: int
    reused: int
    speed: tuple[str, ...] = ()
    cost_usd: float | None = None
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class RunEnding:
    """The end of a run in parts: what ran, how long, by which calls; and what failed.

    `remedies` has a line for each kind of failure, with the commands to look at it.
    """

    ran: str
    seconds: float
    calls: str
    failed_trials: int
    failed_scores: int
    remedies: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Return what ran, how long and by which calls as one sentence."""
        return f"{self.ran} in {duration(self.seconds)}; {self.calls}."


def run_ending(view: RunView, calls: CallsMade, seconds: float, command: str) -> RunEnding:
    """Make the view of a run's end; `command` is what the user types for promptlab."""
    side = "" if view.plan.split == "all" else f" on the {view.plan.split} side of the holdout"
    remedies = []
    if trials := view.failed_trials:
        look = f"{command} show --errors; {command} resume latest"
        remedies.append(f"{counted(trials, 'trial')} failed: {look}")
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


def _calls(view: RunView, made: CallsMade) -> str:
    """Say how many calls were made, what came of them and what they cost."""
    if made.calls == 0:
        why = ": the store had every answer" if view.run.status == "finished" else ""
        return f"no model call was made{why}"
    calls = counted(made.calls, "model call")
    parts = [
        calls if made.answers == made.calls else f"{counted(made.answers, 'answer')} in {calls}"
    ]
    if made.reused:
        parts.append(f"{counted(made.reused, 'answer')} reused")
    parts += made.speed
    if view.has_cost:
        parts.append(_cost(made))
    return ", ".join(parts)


def _cost(made: CallsMade) -> str:
    if made.cost_usd is None:
        return "cost unknown"
    answers = counted(made.unpriced, "answer")
    more = f" and more ({answers} of unknown cost)" if made.unpriced else ""
    return f"{made.cost_usd:.4f} USD{more}"
