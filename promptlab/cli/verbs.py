"""The verbs by name. Each is imported on first use, so that `--help` loads nothing heavy."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import click

from promptlab.core.lazy import lazy_module

if TYPE_CHECKING:
    from promptlab.core import plugins
else:
    plugins = lazy_module("promptlab.core.plugins")

VERBS: dict[str, tuple[str, str]] = {
    "init": ("init:init", "Create a project that is ready to run."),
    "plan": ("plan:plan", "Show what a suite can show, and what more it takes."),
    "run": ("run:run", "Run a suite and show how each arm scored."),
    "try": ("try_:try_", "Ask one version for one answer now."),
    "watch": ("watch:watch", "Run what changes on every save, and show the difference."),
    "resume": ("resume:resume", "Finish an interrupted run."),
    "score": ("score:score", "Grade the stored outputs of a run again, with no model call."),
    "import": ("import_:import_", "Import outcomes measured elsewhere."),
    "runs": ("runs:runs", "List the runs, and delete some."),
    "show": ("show:show", "Review the scored results of a run."),
    "export": ("export:export", "Write the results of a run as csv, xlsx, jsonl, parquet, ..."),
    "review": ("review:review", "Rate outputs by hand, blind, one at a time or in pairs."),
    "view": ("view:view", "Look at all runs in a browser: search, compare, rate."),
    "diff": ("diff:diff", "Show how two versions differ, in text and in results."),
    "compare": ("compare:compare_verb", "Show which arm is better, by how much, and how sure."),
    "practices": ("practices:practices", "Show the effect of each prompt-writing practice."),
    "report": ("report:report", "Write all that runs show as one HTML file."),
    "judge": ("judge:judge", "Hold judges against people's labels, and show their passports."),
    "ledger": ("ledger:ledger", "List what was concluded of a suite, look by look."),
    "suite": ("suite:suite", "List suites, and show what one says and its runs."),
    "template": (
        "template:template",
        "List, show, create, split, render and tag template versions.",
    ),
    "backend": ("backend:backend", "List backends, and check that they answer."),
    "scorer": ("scorer:scorer", "List scorers, and show their parameters."),
    "schema": ("schema:schema", "Print the JSON Schema of a file format, for editors."),
    "db": ("db:db", "Maintain the database."),
    "help": ("help:help_", "Show the help of a verb."),
}


def example(*commands: str) -> str:
    """Return the end of a verb's help: commands to start with."""
    heading = "Example" if len(commands) == 1 else "Examples"
    return "\n".join(["\b", f"{heading}:", *(f"  promptlab {command}" for command in commands)])


def wanted_by(ctx: click.Context, option: str) -> str:
    """Return what an option takes, as its help says it."""
    for param in ctx.command.params:
        if option in (*param.opts, *param.secondary_opts):
            return param.make_metavar(ctx)
    return "a value"


class VerbGroup(click.Group):
    """A group that suggests the nearest verb for an unknown one."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb; an error in its options, which click leaves without a verb, is its own."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            name = ctx.invoked_subcommand
            verb = None if name is None else self.get_command(ctx, name)
            if error.ctx is None and verb is not None:
                error.ctx = click.Context(verb, info_name=name, parent=ctx)
            raise

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb that the first word names."""
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            within = "" if ctx.parent is None else f"{ctx.info_name} "
            raise plugins.unknown(f"{within}verb", args[0], known)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs with their help."""
        with formatter.section("Verbs"):
            formatter.write_dl(self.summaries(ctx))

    def summaries(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Return each verb with the first line of its help."""
        verbs = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        return [(name, verb.get_short_help_str(200)) for name, verb in verbs if verb is not None]


class LazyGroup(VerbGroup):
    """A group that imports the module of a verb when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the verbs in the order of daily use."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        module, _, attr = VERBS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(f"promptlab.cli.{module}"), attr)
        assert isinstance(command, click.Command)
        return command

    def summaries(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Return each verb with its help, without importing it."""
        return [(name, text) for name, (_, text) in VERBS.items()]
