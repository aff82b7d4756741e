"""What a run that could stop early has decided, and what that saved."""

from __future__ import annotations

import click

from promptlab.analysis.compare import compare
from promptlab.cli.evidence import read_evidence
from promptlab.cli.output import stdout
from promptlab.core.decision import Rule
from promptlab.core.results import RunInfo
from promptlab.report.terminal.compare import print_comparisons
from promptlab.report.views.comparison import comparison_view
from promptlab.report.wording import counted
from promptlab.store import Store


def tell(store: Store, run_id: str, rule: Rule, calls_a_trial: float) -> None:
    """Print how many calls were not needed, and the comparisons; nothing of a run to be resumed."""
    info = store.run(run_id)
    if info.status != "finished":
        return
    evidence = read_evidence(store, [run_id], None)
    found = compare(evidence.table, rule)
    if any(one.stopped_at is not None for one in found):
        click.echo(_saved(store, info, calls_a_trial))
    else:
        click.echo("Nothing was decided before the last case.")
    click.echo()
    view = comparison_view([run_id], evidence.table.scorer.label, found, rule)
    print_comparisons(stdout(), view)


def _saved(store: Store, info: RunInfo, calls_a_trial: float) -> str:
    """Say how many calls were saved: at most so many, where the store may have had answers."""
    left = info.trials - info.stored
    if not left:
        return "Decided early, but every trial was carried out before that was known."
    reused = any(arm.cached for arm in store.arm_outcomes(info.run_id))
    calls = counted(round(left * calls_a_trial), "call")
    told = f"Decided early: {left:,} of {counted(info.trials, 'trial')} were not needed"
    return f"{told}, {'up to ' * reused}{calls} saved."
