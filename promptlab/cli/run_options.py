"""The options of `run`: what is selected from a suite, and how much may be spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from promptlab.cli.numbers import Amount, Whole
from promptlab.cli.params import param_option
from promptlab.core.errors import PromptlabError
from promptlab.core.runs import RunSettings


def spending(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that limit how much is sent, at once and in total."""
    for option in reversed(
        (
            click.option(
                "-j",
                "--jobs",
                type=Whole(1, 10_000),
                help="Calls in flight for each remote backend, instead of its own setting.",
            ),
            click.option(
                "--max-cost",
                type=Amount(min=0),
                metavar="USD",
                help="Stop once this much is spent.",
            ),
            click.option(
                "--max-calls", type=Whole(), metavar="N", help="Stop after this many model calls."
            ),
        )
    ):
        command = option(command)
    return command


def selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that select what of a suite is run."""
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
                "-n",
                "--limit",
                type=Whole(1),
                help="A sample of at most N cases, drawn by the seed.",
            ),
            click.option("--case", "case_ids", multiple=True, metavar="ID", help="Only this case."),
            click.option("--tag", "tags", multiple=True, help="Only cases with this tag."),
            click.option(
                "--split",
                type=click.Choice(["dev", "holdout", "all"]),
                help="Which side of the holdout; dev if the suite has one.",
            ),
            click.option(
                "--repeats",
                type=Whole(1, 1000),
                help="How often each arm runs on each case.",
            ),
            click.option("--seed", type=Whole(0, 2**31 - 1), help="Random seed."),
            param_option("A variable for every case; KEY=VALUE will do too."),
        )
    ):
        command = option(command)
    return command


def settings_of(options: Mapping[str, Any]) -> RunSettings:
    """Return the options of the command line as a typed value."""
    given_once(options["params"])
    return RunSettings(**options)


def given_once(params: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return variables by name; raise PromptlabError for one that is given twice."""
    names = [name for name, _ in params]
    for name in names:
        if names.count(name) > 1:
            raise PromptlabError(f"-p {name} is given twice", hint="keep one of them")
    return dict(params)
