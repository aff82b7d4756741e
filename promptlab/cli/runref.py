"""RUN as an argument: an id, a unique prefix, `latest`, or `-2`, which is not an option."""

from __future__ import annotations

import re
from itertools import pairwise

import click

_COUNTED = re.compile(r"-\d+")
_MARK = "latest"


class RunCommand(click.Command):
    """A command whose arguments may be runs counted from the newest."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep `-2` from being read as an option."""
        takes_value = {
            name
            for param in self.params
            if isinstance(param, click.Option) and not param.is_flag
            for name in param.opts
        }
        kept = [
            _MARK + word if _COUNTED.fullmatch(word) and before not in takes_value else word
            for before, word in pairwise(["", *args])
        ]
        return super().parse_args(ctx, kept)


class RunReference(click.ParamType[str]):
    """A reference to a run, which the store resolves."""

    name = "RUN"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word as it was before `RunCommand` marked it."""
        counted = value.removeprefix(_MARK)
        return counted if _COUNTED.fullmatch(counted) else value


RUN = RunReference()
