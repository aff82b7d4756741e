"""`-p KEY VALUE`, which may also be written `-p KEY=VALUE`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

_OPTION = re.compile(r"(?P<long>--param)(?:=(?P<name>.+))?|-p(?P<attached>.*)", re.DOTALL)
_JOINED = re.compile(r"([^\W\d]\w*)=(.*)", re.DOTALL)  # no variable has another name


class ParamCommand(click.Command):
    """A command with variables on its command line."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of a command; a variable may be given in one word or in two."""
        return super().parse_args(ctx, args if ctx.resilient_parsing else _in_two(args, ctx))


def param_option(help: str) -> Callable[[Any], Any]:
    """Return the option for variables; its command is a `ParamCommand`."""
    return click.option(
        "-p", "--param", "params", nargs=2, multiple=True, metavar="KEY VALUE", help=help
    )


def _in_two(args: list[str], ctx: click.Context) -> list[str]:
    words: list[str] = []
    rest = iter(args)
    for word in rest:
        if word == "--":
            return [*words, word, *rest]
        match = _OPTION.fullmatch(word)
        if match is None:
            words.append(word)
            continue
        option = match["long"] or "-p"
        first = match["name"] or match["attached"] or next(rest, "")
        joined = _JOINED.fullmatch(first)
        given = joined.groups() if joined else (first, next(rest, None))
        if not first or given[1] is None:
            raise click.UsageError(
                f"{option} takes a variable: {option} KEY VALUE or {option} KEY=VALUE", ctx
            )
        words += [option, *given]
    return words
