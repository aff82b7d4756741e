"""`promptlab run`: from the words of the user to a job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import click

from promptlab import registry
from promptlab.backends import Backend
from promptlab.budget import Budget
from promptlab.cli.carry import Wanted, carry_out
from promptlab.cli.output import print_json, stdout
from promptlab.cli.session import Session
from promptlab.cli.workbench import Workbench, database_path, open_store
from promptlab.errors import PromptlabError
from promptlab.executors import Executor
from promptlab.forecast import Forecast, Stored, check, forecast
from promptlab.gates import Gate, parse_gate
from promptlab.plan import Selection, make_plan
from promptlab.renderer import Renderer
from promptlab.report.terminal import print_forecast
from promptlab.report.view import forecast_json
from promptlab.run import Job, start
from promptlab.scorers.binding import BoundScorer, bind
from promptlab.store import Store
from promptlab.suite import Suite, load_suite
from promptlab.types import BackendSpec, Plan

_OVERRIDES = (
    *("templates", "backends", "limit", "case_ids", "tags", "split", "repeats", "seed"),
    *("params", "gates", "executor", "offline", "jobs", "max_cost", "max_calls"),
)


def spending(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that bound how much is sent, at once and in all."""
    for option in reversed(
        (
            click.option(
                "-j",
                "--jobs",
                type=click.IntRange(1, 10_000),
                help="Calls in flight for each remote backend, instead of its own setting.",
            ),
            click.option(
                "--max-cost",
                type=click.FloatRange(min=0),
                metavar="USD",
                help="Stop when so much is spent.",
            ),
            click.option(
                "--max-calls", type=click.IntRange(min=0), help="Stop after so many model calls."
            ),
        )
    ):
        command = option(command)
    return command


def _selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose what of a suite is run."""
    for option in reversed(
        (
            click.option(
                "-t",
                "--template",
                "templates",
                multiple=True,
                metavar="REF",
                help="This version instead of the suite's: name, name@v2, name@v1..v3, name@*.",
            ),
            click.option(
                "-b",
                "--backend",
                "backends",
                multiple=True,
                metavar="BACKEND",
                help="This backend instead of the suite's.",
            ),
            click.option(
                "-n", "--limit", type=click.IntRange(min=1), help="Only the first N cases."
            ),
            click.option("--case", "case_ids", multiple=True, metavar="ID", help="Only this case."),
            click.option("--tag", "tags", multiple=True, help="Only cases with this tag."),
            click.option(
                "--split",
                type=click.Choice(["dev", "holdout", "all"]),
                help="Which side of the holdout; dev where the suite has one.",
            ),
            click.option(
                "--repeats", type=click.IntRange(1, 1000), help="How often arms meet each case."
            ),
            click.option(
                "--seed", type=click.IntRange(0, 2**31 - 1), help="Where chance starts from."
            ),
            click.option(
                "-p",
                "--param",
                "params",
                nargs=2,
                multiple=True,
                metavar="KEY VALUE",
                help="A variable for every case.",
            ),
        )
    ):
        command = option(command)
    return command


@click.command()
@click.argument("suite")
@_selecting
@spending
@click.option("--gate", "gates", multiple=True, metavar="EXPR", help="Exit with 1 unless it holds.")
@click.option("--executor", default="local", show_default=True, help="Who carries the requests.")
@click.option("--dry-run", is_flag=True, help="Show what would be done; make no call.")
@click.option("--offline", is_flag=True, help="Answer from the store alone.")
@click.option("--fresh", is_flag=True, help="Measure anew, whatever is stored.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def run(session: Session, /, suite: str, **options: Any) -> int:
    """Run SUITE: every version on every case and backend, minus what is stored.

    Options that choose can be given more than once.
    """
    if options["offline"] and options["fresh"]:
        raise PromptlabError("--offline and --fresh exclude each other", hint="choose one")
    bench = Workbench(session)
    loaded = load_suite(bench.project.suites, suite)
    scorers = _bind(loaded, bench.project.root)
    gates = _gates(loaded, options["gates"], [scorer.spec.label for scorer in scorers])
    specs, backends = _backends(bench, loaded, options["backends"])
    plan, templates = make_plan(
        loaded, bench.library, specs, [scorer.spec for scorer in scorers], _selection(options)
    )
    if options["dry_run"]:
        renderer = Renderer(plan, templates, bench.project.root)
        with _answers(session, fresh=options["fresh"]) as stored:
            shortfalls, found = asyncio.run(_look_ahead(renderer, scorers, stored, backends))
        return _show_forecast(plan, found, shortfalls, as_json=options["as_json"])
    with open_store(session, readonly=False) as store:
        job = Job(
            run_id=session.new_run_id(),
            plan=plan,
            templates=templates,
            backends=backends,
            scorers=scorers,
            store=store,
            executor=make_executor(options["executor"], bench.project.root, options["jobs"]),
            root=bench.project.root,
            fresh=options["fresh"],
            offline=options["offline"],
            budget=make_budget(options["max_calls"], options["max_cost"], backends),
        )
        wanted = Wanted(session.command, gates, options["as_json"], notes=_edits(store, plan))
        return carry_out(job, partial(start, overrides=_overrides(options)), wanted)


def _selection(options: Mapping[str, Any]) -> Selection:
    return Selection(
        templates=options["templates"],
        limit=options["limit"],
        case_ids=options["case_ids"],
        tags=options["tags"],
        split=options["split"],
        repeats=options["repeats"],
        seed=options["seed"],
        params=_params(options["params"]),
        gates=options["gates"],
    )


def _params(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    params = dict(pairs)
    if len(params) < len(pairs):
        twice = next(key for key, _ in pairs if [name for name, _ in pairs].count(key) > 1)
        raise PromptlabError(f"-p {twice} is given twice", hint="keep one of them")
    return params


def _overrides(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the command line asked for beyond the suite file."""
    found = {name: options[name] for name in _OVERRIDES if options[name] not in (None, (), "local")}
    found = {name: value for name, value in found.items() if value is not False}
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in found.items()
    }


def _bind(suite: Suite, root: Path) -> tuple[BoundScorer, ...]:
    try:
        return bind(suite.settings.scorers, root)
    except PromptlabError as error:
        where = error.where or suite.document.where(("scorers",))
        hint = error.hint or "promptlab scorer show NAME tells what it takes"
        raise PromptlabError(error.message, where=where, hint=hint) from None


def _backends(
    bench: Workbench, suite: Suite, asked: Iterable[str]
) -> tuple[Sequence[BackendSpec], Mapping[str, Backend]]:
    """Make the backends that the command line names, else those of the suite."""
    places = {name: f"-b {name}" for name in asked} or {
        name: suite.document.where(("backends", place))
        for place, name in enumerate(suite.settings.backends)
    }
    made = [bench.backend(name, where) for name, where in places.items()]
    return [spec for spec, _ in made], {spec.name: backend for spec, backend in made}


def _gates(suite: Suite, asked: Iterable[str], scorers: Sequence[str]) -> tuple[Gate, ...]:
    ours = [
        parse_gate(text, scorers, suite.document.where(("gates", place)))
        for place, text in enumerate(suite.settings.gates)
    ]
    return (*ours, *(parse_gate(text, scorers, "--gate") for text in asked))


def make_executor(name: str, root: Path, jobs: int | None) -> Executor:
    """Make the executor of that name; `jobs` is the number of calls in flight for each backend."""
    return cast(type[Executor], registry.load("executors", name, root))(jobs)


def make_budget(
    max_calls: int | None,
    max_cost: float | None,
    backends: Mapping[str, Backend],
    spent: tuple[int, float] = (0, 0.0),
) -> Budget:
    """Make the budget of a run that has spent so many calls and dollars before."""
    unknown = [name for name, backend in backends.items() if backend.charges and not backend.price]
    if max_cost is not None and unknown:
        raise PromptlabError(
            f"--max-cost needs the price of backend {unknown[0]!r}",
            hint="write price = {input = ..., output = ...}, US dollars for a million tokens,"
            " into its table",
        )
    calls, cost = spent
    return Budget(max_calls, max_cost, calls=calls, cost=cost)


def _edits(store: Store, plan: Plan) -> tuple[str, ...]:
    """Tell of labels whose text was changed after it had results."""
    return tuple(
        f"{source.name}@{source.version} was edited since it was run; earlier results stay with"
        f" the earlier text (keep both: promptlab template new {source.name})"
        for source in plan.templates
        if (earlier := store.label_digests(source.name, source.version))
        and source.digest not in earlier
    )


async def _look_ahead(
    renderer: Renderer,
    scorers: Sequence[BoundScorer],
    stored: Stored,
    backends: Mapping[str, Backend],
) -> tuple[Mapping[str, Sequence[str]], Forecast]:
    shortfalls = await check(renderer, scorers, backends)
    return shortfalls, await forecast(renderer, stored, backends)


@contextmanager
def _answers(session: Session, *, fresh: bool) -> Iterator[Stored]:
    """Give what looks answers up; a fresh run, and one before the first, knows of none."""
    if fresh or not database_path(session).exists():
        yield lambda _: {}
        return
    with open_store(session) as store:
        yield partial(store.completions, fresh_run=None)


def _show_forecast(
    plan: Plan, found: Forecast, shortfalls: Mapping[str, Sequence[str]], *, as_json: bool
) -> int:
    if as_json:
        print_json(forecast_json(plan, found, shortfalls))
    else:
        print_forecast(stdout(), plan, found)
        for backend, lines in shortfalls.items():
            for line in lines:
                click.echo(f"Note: {backend}: {line}")
    return 0
