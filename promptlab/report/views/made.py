"""How the numbers of a page were made, and how to make them again: commands, digests, seeds."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from promptlab.core.runs import RunSettings
from promptlab.core.types import BackendSpec, ScorerSpec, TemplateSource
from promptlab.report.views.run import RunView


@dataclass(frozen=True, slots=True)
class MadeRun:
    """One run: the words that begin it again, and all that its answers and scores depend on."""

    run_id: str
    suite: str
    created_at: str
    words: tuple[str, ...]
    imported: str | None
    seed: int
    repeats: int
    split: str
    templates: tuple[TemplateSource, ...]
    backends: tuple[BackendSpec, ...]
    scorers: tuple[ScorerSpec, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """How a page came about. `versions` are those of the programs that made the page.

    `report` are the words that make the page again, `compare` those that print its conclusion, both
    without the name of the program; `cases` is a digest of all cases, in their order.
    """

    runs: tuple[MadeRun, ...]
    compare: tuple[str, ...]
    report: tuple[str, ...]
    cases: str
    n_cases: int
    versions: Mapping[str, str]


def made_run(view: RunView) -> MadeRun:
    """Return how a run was made."""
    plan, settings = view.plan, view.run.settings
    return MadeRun(
        run_id=view.run.run_id,
        suite=view.run.suite,
        created_at=view.run.created_at,
        words=("run", view.run.suite, *_options(settings)),
        imported=settings.imported,
        seed=plan.seed,
        repeats=plan.repeats,
        split=plan.split,
        templates=plan.templates,
        backends=plan.backends,
        scorers=plan.scorers,
    )


def command(words: Sequence[str], program: str = "promptlab") -> str:
    """Return words as a line to type."""
    return f"{program} {shlex.join(words)}"


def _options(settings: RunSettings) -> Iterator[str]:
    """Yield the options that a run was given beyond its suite, as `run` takes them."""
    for option, values in (
        ("-t", settings.templates),
        ("-b", settings.backends),
        ("--case", settings.case_ids),
        ("--tag", settings.tags),
        ("--gate", settings.gates),
    ):
        for value in values:
            yield from (option, value)
    for key, value in settings.params:
        yield from ("-p", key, value)
    for option, number in (
        ("--limit", settings.limit),
        ("--repeats", settings.repeats),
        ("--seed", settings.seed),
        ("--split", settings.split),
        ("--baseline", settings.baseline),
    ):
        if number is not None:
            yield from (option, str(number))
    if settings.until_decided:
        yield "--until-decided"
