"""The options of verbs that take trials of a run: which of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

only_cases = click.option(
    "--case", "cases", multiple=True, metavar="ID", help="Only this case; repeatable."
)
only_versions = click.option(
    "-t",
    "--template",
    "templates",
    multiple=True,
    metavar="REF",
    help="Only this version; repeatable.",
)


def choosing_trials(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that `workbench.reviewing.Chosen` is made of, but for its limit."""
    for option in reversed(
        (
            click.option("--failed", is_flag=True, help="Only trials that a scorer failed."),
            click.option(
                "--errors", is_flag=True, help="Only trials or scores that ended in an error."
            ),
            only_cases,
            only_versions,
            click.option(
                "--where",
                metavar="SQL",
                help="A condition over the columns of the view `results`.",
            ),
        )
    ):
        command = option(command)
    return command
