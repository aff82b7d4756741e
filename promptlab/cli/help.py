"""`promptlab help`."""

from __future__ import annotations

import click

from promptlab.cli.output import say
from promptlab.cli.verbs import example


@click.command("help", epilog=example("help run", "help template new"))
@click.argument("verbs", metavar="[VERB]...", nargs=-1)
@click.pass_context
def help_(ctx: click.Context, verbs: tuple[str, ...]) -> None:
    """Show the help of VERB, or of promptlab itself."""
    assert ctx.parent is not None
    shown = ctx.parent
    for name in verbs:
        group = shown.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{shown.command_path} has no verbs of its own", shown)
        _, command, _ = group.resolve_command(shown, [name])
        assert command is not None
        shown = click.Context(command, info_name=name, parent=shown)
    say(shown.get_help())
