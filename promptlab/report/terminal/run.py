"""Views as tables for a terminal of 80 columns, readable without colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from promptlab.core.results import Result, RunInfo, Sum
from promptlab.core.types import Image, Message, Outcome, Plan, Turn
from promptlab.report.terminal.tables import counted, plain_table
from promptlab.report.views.run import ArmView, RunView, ScoreView, unpriced_backends
from promptlab.runner.forecast import CallForecast, Forecast
from promptlab.scorers.verdict import quoted

_PLOT_WIDTH = 15
_PLOT_SCALE = "0 %" + "100 %".rjust(_PLOT_WIDTH - 3)
_UNBOUNDED = 10_000
_PLOT_FROM = 72  # columns of the terminal: a narrower one has no room for a plot
_TOLD = {
    Outcome.OK: "ok",
    Outcome.TRUNCATED: "trunc",
    Outcome.REFUSED: "refus",
    Outcome.EMPTY: "empty",
    Outcome.ERROR: "error",
}
_Column = tuple[str, Callable[[ArmView], str]]
"""A column of numbers: its heading, and what it says of an arm."""


def print_run(console: Console, view: RunView) -> None:
    """Print how each arm scored, by scorer, and how its trials ended and what they took."""
    for scorer in view.scorers:
        _print_scores(console, view, scorer)
        console.print()
    _print_outcomes(console, view)
    console.print()


def _print_scores(console: Console, view: RunView, scorer: str) -> None:
    title = f"{scorer} (primary)" if scorer == view.plan.primary else scorer
    scored = [(arm, score) for arm in view.arms for score in arm.scores if score.scorer == scorer]
    if not scored:
        console.print(f"{title}: nothing is scored yet", markup=False)
        return
    plotted = console.width >= _PLOT_FROM and all(score.is_rate for _, score in scored)
    columns = ["arm", "n", "mean", "95 % interval", *([_PLOT_SCALE] * plotted)]
    table = plain_table(*columns, title=title, right=("n", "mean"), whole=tuple(columns[3:]))
    for arm, score in scored:
        cells = [_arm_name(view, arm), str(score.n), _mean(score), _interval(score)]
        table.add_row(*cells, *([_plot(score)] if plotted else []))
    console.print(table)
    failed = sum(score.failed for _, score in scored)
    if failed:
        outputs = counted(failed, "output")
        console.print(f"{scorer} failed on {outputs}: `show --errors --full` tells why")
    if any(score.n_groups < score.n for _, score in scored):
        console.print("The cases come in groups; these intervals take them as independent.")


def _print_outcomes(console: Console, view: RunView) -> None:
    told = [outcome for outcome in Outcome if any(arm.outcomes[outcome] for arm in view.arms)]
    ended: list[_Column] = [("trials", lambda arm: str(arm.trials))]
    ended += [(_TOLD[outcome], partial(_count, outcome)) for outcome in told]
    taken: list[_Column] = [
        ("tokens in", lambda arm: _number(arm.input_tokens)),
        ("out", lambda arm: _number(arm.output_tokens)),
        ("latency s", lambda arm: _number(arm.latency_s, 2)),
    ]
    if view.has_cost:
        taken.append(("USD", lambda arm: _money(arm.cost_usd)))
    together = _arm_table(view, "Outcomes, and a trial's mean", [*ended, *taken])
    if _fits(console, together):
        console.print(together)
    else:
        console.print(_arm_table(view, "Outcomes", ended))
        console.print()
        console.print(_arm_table(view, "A trial's mean", taken))


def _fits(console: Console, table: Table) -> bool:
    """Tell whether a table needs no line broken."""
    unbounded = console.options.update_width(_UNBOUNDED)
    return console.measure(table, options=unbounded).maximum <= console.width


def _arm_table(view: RunView, title: str, columns: Sequence[_Column]) -> Table:
    headings = tuple(heading for heading, _ in columns)
    table = plain_table("arm", *headings, title=title, right=headings)
    for arm in view.arms:
        table.add_row(_arm_name(view, arm), *(cell(arm) for _, cell in columns))
    return table


def _count(outcome: Outcome, arm: ArmView) -> str:
    return str(arm.outcomes[outcome])


def _arm_name(view: RunView, arm: ArmView) -> str:
    """Name an arm as shortly as the run allows, with the practices it follows."""
    several = len({entry.backend for entry in view.plan.arms}) > 1
    name = arm.arm.label if several else arm.arm.prompt
    practices = f" ({' '.join(arm.arm.practices)})" if arm.arm.practices else ""
    return escape(name + practices)


def _mean(score: ScoreView) -> str:
    if score.mean is None:
        return "-"
    return f"{score.mean * 100:.1f} %" if score.is_rate else f"{score.mean:.4g}"


def _interval(score: ScoreView) -> str:
    if score.low is None or score.high is None:
        return "-"
    if score.is_rate:
        return f"{score.low * 100:.1f} to {score.high * 100:.1f} %"
    return f"{score.low:.4g} to {score.high:.4g}"


def _plot(score: ScoreView) -> str:
    """Draw a rate and its interval on a line from 0 to 1."""
    if score.mean is None or score.low is None or score.high is None:
        return ""
    low, mean, high = (
        round(value * (_PLOT_WIDTH - 1)) for value in (score.low, score.mean, score.high)
    )
    line = ["·"] * _PLOT_WIDTH
    line[low : high + 1] = "─" * (high - low + 1)
    line[mean] = "●"
    return "".join(line)


def _number(quantity: Sum, digits: int = 0) -> str:
    return "-" if quantity.mean is None else f"{quantity.mean:,.{digits}f}"


def _money(quantity: Sum) -> str:
    return "unknown" if quantity.mean is None else f"{quantity.mean:.6f}"


def print_forecast(console: Console, plan: Plan, found: Forecast) -> None:
    """Print what a run would do."""
    table = plain_table(
        "arm",
        "trials",
        "calls",
        "stored",
        "prompt tokens",
        title=f"Plan of {plan.suite}",
        right=("trials", "calls", "stored", "prompt tokens"),
    )
    for arm, told in zip(plan.arms, found.arms, strict=True):
        numbers = (str(told.trials), str(told.calls), str(told.stored), _prompt_tokens(told))
        table.add_row(escape(arm.label), *numbers)
    console.print(table)
    console.print()
    _print_cost(console, found, unpriced_backends(plan, found))
    console.print(
        f"{counted(plan.size, 'trial')} ({counted(len(plan.arms), 'arm')} x"
        f" {counted(len(plan.cases), 'case')}{_side(plan)} x {counted(plan.repeats, 'repeat')}),"
        f" {counted(found.calls, 'model call')}, {found.stored:,} answered by the store."
    )


def _prompt_tokens(told: CallForecast) -> str:
    """Return a count, or the bounds of a guess where only the server can count."""
    if told.prompt_tokens is None:
        return f"{told.input_tokens.low:,} to {told.input_tokens.high:,}"
    return f"{'' if told.exact else 'about '}{told.prompt_tokens:,}"


def _print_cost(console: Console, found: Forecast, unpriced: Sequence[str]) -> None:
    """Say what the calls will cost, where they cost anything: the tokens are guessed, mostly."""
    unknown = f"no price is set for {', '.join(unpriced)}" if unpriced else ""
    if found.cost_usd is not None and found.calls > found.stored:
        low, high = found.cost_usd
        told = f"{low:.4f} to {high:.4f} USD, from short answers to the longest"
        console.print(f"Cost: {told}{unknown and '; '}{unknown}.", markup=False)
    elif unknown:
        console.print(f"Cost: unknown ({unknown}).", markup=False)


def _side(plan: Plan) -> str:
    """Say which side of the holdout the cases are from, where there is one."""
    return "" if plan.split == "all" else f" of the {plan.split} side"


def print_runs(console: Console, runs: Iterable[RunInfo]) -> None:
    """Print a list of runs."""
    listed = list(runs)
    paid = any(run.cost_usd is not None for run in listed)
    columns = ("run", "suite", "status", "trials", "outcomes", *(["USD"] * paid))
    table = plain_table(*columns, right=("trials", "USD"), whole=("run", "status"))
    for run in listed:
        ended = ", ".join(
            f"{outcome} {run.outcomes[outcome]}" for outcome in Outcome if run.outcomes[outcome]
        )
        done = f"{run.stored}" if run.stored == run.trials else f"{run.stored} of {run.trials}"
        table.add_row(run.run_id, escape(run.suite), run.status, done, ended, *[_paid(run)] * paid)
    console.print(table)
    if any(run.cost_usd is not None and run.unpriced for run in listed):
        console.print("+: and more; the cost of some answers is unknown.")


def _paid(run: RunInfo) -> str:
    if run.cost_usd is None:
        return "unknown"
    return f"{run.cost_usd:.4f}{'+' if run.unpriced else ''}"


def print_messages(console: Console, messages: Sequence[Message]) -> None:
    """Print a conversation, each message under its role, its text as it stands."""
    for message in messages:
        console.print(Text(message.role, style="bold"))
        parts = (message.content,) if isinstance(message.content, str) else message.content
        told = Text("\n").join([_part(part) for part in parts])
        console.print(Padding(told, (0, 0, 0, 2)), soft_wrap=False)


def _part(part: str | Image) -> Text:
    """Return a part of a message; images stand on a line of their own, as they are sent."""
    return Text(part) if isinstance(part, str) else Text(f"[image {part.source}]", style="dim")


def print_result(console: Console, rows: Sequence[Result], *, full: bool) -> None:
    """Print one trial: what was answered, and what each scorer says of it."""
    first = rows[0]
    repeat = f" #{first.repeat + 1}" if first.repeat else ""
    head = Text(f"{first.case_id}{repeat}  {first.arm}", style="bold")
    head.append(f"  {first.outcome}", style="" if first.outcome is Outcome.OK else "red")
    console.print(head)
    if first.output is not None and not full:
        console.print(Padding(Text(_clip(first.output)), (0, 0, 0, 2)))
    told = rows[:1] if first.outcome is Outcome.ERROR else rows  # the error is no scorer's
    for row in told:
        console.print(Padding(_score_line(row), (0, 0, 0, 2)))
    console.print()


def _score_line(row: Result) -> Text:
    if row.outcome is Outcome.ERROR:
        return Text(f"error: {row.error}", style="red")
    if row.score is None:
        return Text(f"{row.scorer}: {row.error or 'no score'}", style="red")
    verdict = {True: "pass", False: "FAIL", None: f"{row.score:.4g}"}[row.passed]
    line = Text(f"{row.scorer}: ")
    line.append(verdict, style="red" if row.passed is False else "")
    if row.reason:
        line.append(f", {row.reason}", style="dim")
    return line


def print_tracebacks(console: Console, tracebacks: Mapping[str, str]) -> None:
    """Print what the scorers raised that failed on a trial."""
    for scorer, text in tracebacks.items():
        console.print(Text(f"{scorer} raised", style="bold"))
        console.print(Padding(Text(text.rstrip()), (0, 0, 0, 2)))


def print_turns(console: Console, turns: Sequence[Turn]) -> None:
    """Print the conversation of a trial: only what each turn adds, then its answer."""
    told = 0
    for turn in turns:
        print_messages(console, turn.request.messages[told:])
        told = len(turn.request.messages) + 1
        completion = turn.completion
        if completion.likelihoods:
            _print_likelihoods(console, turn)
            continue
        console.print(Text(f"{turn.name} ({completion.outcome})", style="bold"))
        answer = completion.text or completion.error or ""
        console.print(Padding(Text(answer), (0, 0, 0, 2)))
        for warning in completion.warnings:
            console.print(Padding(Text(f"warning: {warning}"), (0, 0, 0, 2)))
    console.print()


def _print_likelihoods(console: Console, turn: Turn) -> None:
    """Print how likely the model finds the answers that it was asked about."""
    console.print(Text(f"{turn.name} (log-probability of each answer)", style="bold"))
    weighed = zip(turn.request.continuations, turn.completion.likelihoods, strict=True)
    several = len(turn.completion.likelihoods) > 1
    for text, likelihood in weighed:
        tokens = counted(likelihood.tokens, "token")
        likeliest = " <- likeliest" if several and text == turn.completion.text else ""
        line = f"{likelihood.logprob:9.4f}  {quoted(text)}, {tokens}{likeliest}"
        console.print(Padding(Text(line), (0, 0, 0, 2)))


def _clip(text: str, lines: int = 3, width: int = 300) -> str:
    """Shorten an output to what a list can show."""
    kept = "\n".join(text.strip().splitlines()[:lines])[:width]
    return kept if len(kept) == len(text.strip()) else kept + " ..."
