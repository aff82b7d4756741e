"""The option `--format` of verbs that show: text, one JSON document, or Markdown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import click

from promptlab.core.errors import PromptlabError

Format = Literal["text", "json", "markdown"]


def format_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--format`, and `--json` as a short way to say `--format json`."""
    choice = click.Choice(["text", "json", "markdown"])
    help_ = "text, by default; json, one document; markdown, for a pull request."
    command = click.option("--format", "format_name", type=choice, help=help_)(command)
    return click.option("--json", "as_json", is_flag=True, help="The same as --format json.")(
        command
    )


def format_of(format_name: Format | None, *, as_json: bool) -> Format:
    """Return the format that is asked for."""
    if as_json and format_name not in (None, "json"):
        raise PromptlabError(
            f"--json cannot be combined with --format {format_name}", hint="leave one of them out"
        )
    return "json" if as_json else format_name or "text"
