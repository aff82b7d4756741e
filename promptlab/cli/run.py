"""`promptlab run`: from the words of the user to a job."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from promptlab.backends import Backend
from promptlab.cli.carry import Wanted, carry_out
from promptlab.cli.gatekeeper import check_measurable
from promptlab.cli.output import print_json, stdout
from promptlab.cli.run_options import overrides_of, selecting, selection_of, spending
from promptlab.cli.session import Session
from promptlab.cli.workbench import Workbench, database_path, open_store
from promptlab.core.budget import NOTHING, Budget, Spent
from promptlab.core.errors import PromptlabError
from promptlab.core.types import BackendSpec, Plan
from promptlab.executors.foreign import make_executor
from promptlab.experiments.gates import Gate, parse_gate
from promptlab.experiments.plan import make_plan
from promptlab.experiments.suite import Suite, load_suite
from promptlab.importers import outcomes
from promptlab.report.terminal.run import print_forecast
from promptlab.report.views.run import forecast_json
from promptlab.runner.flow import Job, start
from promptlab.runner.forecast import Forecast, Stored, check, forecast
from promptlab.runner.requests import Renderer
from promptlab.scorers.binding import BoundScorer, bind
from promptlab.store import Store


@click.command()
@click.argument("suite")
@selecting
@spending
@click.option("--gate", "gates", multiple=True, metavar="EXPR", help="Exit with 1 unless it holds.")
@click.option(
    "--until-decided", is_flag=True, help="Stop each arm when it is better or worse for sure."
)
@click.option(
    "--baseline", metavar="REF", help="What --until-decided sets the others against; the first."
)
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
    specs, backends = _backends(bench, loaded, options["backends"])
    selection = selection_of(options, bench)
    plan, templates = make_plan(
        loaded, bench.library, specs, [scorer.spec for scorer in scorers], selection
    )
    gates = _gates(loaded, plan, options["gates"], bench)
    budget = make_budget(options["max_calls"], options["max_cost"], backends)
    if options["dry_run"]:
        renderer = Renderer(plan, templates, bench.project.root, scorers)
        with _answers(session, fresh=options["fresh"]) as stored:
            shortfalls, found = asyncio.run(_look_ahead(renderer, scorers, stored, backends))
        return _show_forecast(plan, found, shortfalls, as_json=options["as_json"])
    with open_store(session, readonly=False) as store:
        check_measurable(store, plan, gates)
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
            budget=budget,
            limits=bench.project.rule.limits,
        )
        wanted = Wanted(
            session.command, gates, options["as_json"], bench.project.rule, _edits(store, plan)
        )
        return carry_out(job, partial(start, overrides=overrides_of(options)), wanted)


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


def _gates(suite: Suite, plan: Plan, asked: Iterable[str], bench: Workbench) -> tuple[Gate, ...]:
    labels = [spec.label for spec in plan.scorers]
    resolve = bench.library.one
    ours = [
        (text, suite.document.where(("gates", at))) for at, text in enumerate(suite.settings.gates)
    ]
    texts = [*ours, *((text, "--gate") for text in asked)]
    return tuple(parse_gate(text, labels, plan.primary, where, resolve) for text, where in texts)


def make_budget(
    max_calls: int | None,
    max_cost: float | None,
    backends: Mapping[str, Backend],
    before: Spent = NOTHING,
) -> Budget:
    """Make the budget of a run that has spent so much before."""
    unknown = [name for name, backend in backends.items() if backend.charges and not backend.price]
    if max_cost is not None and unknown:
        raise PromptlabError(
            f"--max-cost needs the price of backend {unknown[0]!r}",
            hint="write price = {input = ..., output = ...}, US dollars for a million tokens,"
            " into its table",
        )
    return Budget(max_calls, max_cost, before)


def _edits(store: Store, plan: Plan) -> tuple[str, ...]:
    """Tell of labels whose text was changed after it had results."""
    return tuple(
        f"{source.name}@{source.version} was edited since it was run; earlier results stay with"
        f" the earlier text (keep both: promptlab template new {source.name})"
        for source in plan.templates
        if (earlier := _texts_of(store, source.name, source.version))
        and source.digest not in earlier
    )


def _texts_of(store: Store, name: str, version: str) -> list[str]:
    """Return the digests of all texts with results under a label; an imported one has no text."""
    unknown_text = outcomes.imported_template(name, version).digest
    found = store.label_digests(name, version)
    return [digest for digest in found if digest != unknown_text]


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
