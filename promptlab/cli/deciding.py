"""The options of verbs that conclude: which scorer, and how to decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from promptlab.cli.formats import format_option
from promptlab.cli.numbers import Amount


def deciding(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a verb that concludes, and those of its format."""
    return how_to_decide(format_option(command))


def how_to_decide(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a verb that concludes."""
    for option in reversed(
        (
            click.option(
                "--scorer", metavar="LABEL", help="The scorer; the primary one by default."
            ),
            click.option(
                "--alpha",
                type=Amount(0, 1, min_open=True, max_open=True),
                help="Level of tests and intervals; 0.05 by default.",
            ),
            click.option(
                "--min-effect",
                type=Amount(min=0),
                metavar="D",
                help="The smallest difference in score that matters, such as 0.02.",
            ),
            click.option("--strict", is_flag=True, help="Use exact tests only."),
        )
    ):
        command = option(command)
    return command
