"""`promptlab watch`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from promptlab.cli.carry import INTERRUPTED, SOME_FAILED
from promptlab.cli.numbers import Amount, Whole
from promptlab.cli.output import say, stdout, tell
from promptlab.cli.progress import RunProgress
from promptlab.cli.verbs import example
from promptlab.core.errors import PromptlabError
from promptlab.core.visible import visible
from promptlab.report.terminal.case_names import print_flipped
from promptlab.report.terminal.diff_measured import print_measured
from promptlab.report.views.measured import measured_view
from promptlab.report.wording import counted, usd
from promptlab.workbench.interruption import Interruptible
from promptlab.workbench.jobs import Prepared
from promptlab.workbench.progress import Progress
from promptlab.workbench.session import Session
from promptlab.workbench.watching import Compared, Round, Stamp, SuiteWatch, Watched

_LOOK_S = 0.25  # between two looks at the files, and for how long they must stay as they are


@click.command(
    epilog=example("watch sentiment", "watch sentiment -t v5 -n 30 --max-calls 500"),
)
@click.argument("suite")
@click.option(
    "-t",
    "--template",
    "templates",
    multiple=True,
    metavar="REF",
    help="Watch this version instead of the suite's; repeatable.",
)
@click.option(
    "-b",
    "--backend",
    "backends",
    multiple=True,
    metavar="BACKEND",
    help="This backend instead of the suite's; repeatable.",
)
@click.option("-n", "--limit", type=Whole(1), help="A sample of at most N cases.")
@click.option("--offline", is_flag=True, help="Use stored answers only.")
@click.option(
    "--max-cost", type=Amount(min=0), metavar="USD", help="Stop once all rounds have spent this."
)
@click.option(
    "--max-calls", type=Whole(), metavar="N", help="Stop after this many calls in all rounds."
)
@click.option("--once", is_flag=True, help="Run all versions as they are now, and end.")
@click.pass_obj
def watch(session: Session, /, once: bool, **options: Any) -> int:
    """Run what changes in SUITE on every save, and show the difference to its parent.

    Only dev cases are used, never the holdout. A version without a parent is held against its text
    before the save. Ctrl-C ends it.
    """
    watching = SuiteWatch(session, Watched(**options))
    seen = watching.stamp()
    changed = watching.changes()
    if once:
        return _round(watching, watching.all_versions())
    assert watching.state is not None
    versions = counted(len(watching.state.versions), "version")
    cases = counted(watching.state.cases, "case")
    say(f"watching {options['suite']}: {versions}, {cases}; save a file to run it, Ctrl-C ends")
    sys.stdout.flush()
    while True:
        try:
            seen = _next_save(watching, seen)
            changed = _changes(watching)
        except KeyboardInterrupt:
            _end(watching)
            return 0
        if changed and (code := _survived(watching, changed)) is not None:
            return code


def _next_save(watching: SuiteWatch, seen: Stamp) -> Stamp:
    """Wait until files have changed and then stay as they are, which an editor's save may take."""
    while (now := watching.stamp()) == seen:
        time.sleep(_LOOK_S)
    while True:
        time.sleep(_LOOK_S)
        if (later := watching.stamp()) == now:
            return now
        now = later


def _changes(watching: SuiteWatch) -> tuple[str, ...]:
    """Return what changed; a file with a mistake is told, and watched on."""
    try:
        return watching.changes()
    except PromptlabError as error:
        _tell(error)
        return ()


def _survived(watching: SuiteWatch, changed: tuple[str, ...]) -> int | None:
    """Carry out a round; return an exit code if the watch ends with it."""
    try:
        code = _round(watching, changed)
    except PromptlabError as error:
        _tell(error)
        return None
    return code if code == INTERRUPTED or watching.spent else None


def _round(watching: SuiteWatch, changed: tuple[str, ...]) -> int:
    with Interruptible() as interruptible:
        try:
            done = interruptible.run(watching.run(changed, _showing))
        except KeyboardInterrupt:
            tell("interrupted: what was answered is stored")
            return INTERRUPTED
    _print(done)
    sys.stdout.flush()
    if done.limit is not None:
        tell(f"stopped at {done.limit}, after {counted(watching.calls, 'call')} in all")
        return SOME_FAILED
    return SOME_FAILED if done.failed else 0


@contextmanager
def _showing(prepared: Prepared) -> Iterator[Progress]:
    job = prepared.job
    progress = RunProgress(job.plan, job.backends.values(), sys.stderr)
    with progress.showing():
        yield progress


def _print(done: Round) -> None:
    calls = counted(done.calls, "call")
    cost = f", {usd(done.cost_usd)} USD" if done.cost_usd else ""
    trials = counted(done.trials, "trial")
    say("", visible(f"{', '.join(done.changed)}: {trials}, {calls}{cost} (run {done.run_id})"))
    for each in done.compared:
        _print_compared(each)
    if done.failed:
        say(f"{counted(done.failed, 'trial or score')} failed: promptlab show --errors --full")


def _print_compared(each: Compared) -> None:
    if each.against is None:
        say(visible(f"{each.version}: nothing to hold it against yet; parent: in its front matter"))
        return
    other = "its text before" if each.before else each.against
    head = visible(f"{each.version} against {other}")
    if not each.results.comparisons:
        say(f"{head}: {'that' if each.before else other} was not measured on these cases")
        return
    say(f"{head}:")
    print_measured(stdout(), [measured_view(row) for row in each.results.comparisons], ())
    print_flipped(stdout(), each.results.flips)


def _tell(error: PromptlabError) -> None:
    line = " ".join(part.strip() for part in visible(str(error)).split("\n"))
    tell(f"Error: {line}; watching on")


def _end(watching: SuiteWatch) -> None:
    say("", f"ended: {counted(watching.calls, 'call')} in all")
