"""What a run that could stop early decided, and how many calls that saved."""

from __future__ import annotations

from promptlab.cli.output import say, stdout
from promptlab.core.results import RunResults
from promptlab.report.terminal.compare import print_comparisons
from promptlab.report.views.comparison import comparison_view
from promptlab.report.wording import counted
from promptlab.workbench.conclusions import Compared


def print_decided(
    results: RunResults, decided: Compared, calls_a_trial: float, command: str
) -> None:
    """Print how many calls were saved, then the comparisons."""
    if any(comparison.stopped_at is not None for comparison in decided.comparisons):
        say(_saved(results, calls_a_trial))
    else:
        say("Nothing was decided before the last case.")
    say("")
    view = comparison_view(decided.evidence.basis, decided.comparisons, decided.rule)
    print_comparisons(stdout(), view, command)


def _saved(results: RunResults, calls_a_trial: float) -> str:
    """Return how many calls were saved: an upper bound where the store may have had answers."""
    run = results.run
    left = run.trials - run.stored
    if not left:
        return "Decided early, but every trial was carried out before that was known."
    reused = any(arm.cached for arm in results.outcomes)
    calls = counted(round(left * calls_a_trial), "call")
    text = f"Decided early: {left:,} of {counted(run.trials, 'trial')} were not needed"
    return f"{text}, {'up to ' * reused}{calls} saved."
