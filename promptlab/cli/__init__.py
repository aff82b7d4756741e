"""The command line: parse, call one function, choose a renderer.

Each verb lives in a module of its own that is imported when the verb is used, so that
`promptlab --help` loads nothing heavy.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import signal
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import click

from promptlab import __version__
from promptlab.cli.session import Session
from promptlab.core.errors import PromptlabError
from promptlab.core.foreign import own_stdout, take_stdout
from promptlab.core.lazy import lazy_module

if TYPE_CHECKING:
    from promptlab.core import keys
else:
    keys = lazy_module("promptlab.core.keys")

VERBS: dict[str, tuple[str, str]] = {
    "init": ("init:init", "Make a project that runs at once."),
    "run": ("run:run", "Run a suite and show how each arm scored."),
    "resume": ("resume:resume", "Finish an interrupted run."),
    "score": ("score:score", "Grade the stored outputs of a run again, with no model call."),
    "import": ("import_:import_", "Take in outcomes that were measured elsewhere."),
    "runs": ("runs:runs", "List the runs."),
    "show": ("show:show", "Review the scored results of a run."),
    "diff": ("diff:diff", "How two versions differ, in text and in results."),
    "compare": ("compare:compare_verb", "Which arm is better, by how much, and how sure."),
    "practices": ("practices:practices", "The effect of each practice of prompt writing."),
    "template": ("template:template", "The library of template versions."),
    "backend": ("backend:backend", "What answers prompts, and does it answer."),
    "scorer": ("scorer:scorer", "What can grade outputs."),
    "schema": ("schema:schema", "Print the JSON Schema of a file format, for editors."),
    "db": ("db:db", "Care for the database."),
}


class LazyGroup(click.Group):
    """A group that imports the module of a verb when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the verbs in the order of a user's day."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        module, _, attr = VERBS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(f"promptlab.cli.{module}"), attr)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs with their help, without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--project",
    type=click.Path(file_okay=False, path_type=Path),
    help="The project's folder; by default the nearest with templates/ and suites/.",
)
@click.option(
    "--db",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The database; by default promptlab.db in the project's folder.",
)
@click.version_option(__version__, prog_name="promptlab")
@click.pass_context
def cli(ctx: click.Context, project: Path | None, db: Path | None) -> None:
    """Experiments on prompts: which version is better, by how much, how sure, at what cost."""
    ctx.obj = Session(folder=project, database=db)


def main() -> None:
    """Run the command line and end the process with DESIGN.md's exit codes."""
    take_stdout()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show a sign shows a `?`
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A run makes hundreds of thousands of values that live on and hardly any cycle; by default
    # Python would look through all of them again and again (an eighth of a large run's time).
    gc.set_threshold(50_000, 20, 20)
    code = run_cli(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
    sys.stderr.flush()
    if code == 130 or threading.active_count() > 1:
        # A model may still be computing in its thread, or a scorer; nobody waits for it, and the
        # C++ runtime would abort a program that ends around it.
        os._exit(code)
    gc.freeze()  # or the interpreter looks through all that is left before it ends
    sys.exit(code)


def run_cli(arguments: list[str]) -> int:
    """Run one command; return its exit code. The only place that catches everything."""
    try:
        with own_stdout():
            code = cli.main(arguments, prog_name="promptlab", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        _tell(_misuse(error))
        return 2
    except PromptlabError as error:
        _tell(error)
        return 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    except BaseException as error:  # noqa: BLE001 - the last to hear of it
        if _reader_has_gone(error):
            _forget_stdout()
            return 0
        if isinstance(error, SystemExit):  # in a task of its own: nothing of ours exits in a verb
            _tell(PromptlabError("a plugin ended the program", hint="find its sys.exit"))
            return 2
        click.echo(f"Error: a bug in promptlab; its traceback is in {_keep_traceback()}", err=True)
        return 3
    return code if isinstance(code, int) else 0


def _reader_has_gone(error: BaseException) -> bool:
    """Tell whether the reader of our output has left: then click and rich exit by themselves."""
    if not isinstance(error, SystemExit):
        return isinstance(error, BrokenPipeError)
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_globals["__name__"] in ("click.core", "rich.console")


def _misuse(error: click.ClickException) -> PromptlabError:
    """Tell in one line what click says of a wrong word, with the command that explains more."""
    message = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "promptlab"
    return PromptlabError(message[:1].lower() + message[1:], hint=f"see {command} --help")


def _tell(error: PromptlabError) -> None:
    line = " ".join(part.strip() for part in str(error).splitlines())
    click.echo(f"Error: {keys.strike_all(line)}", err=True)


def _forget_stdout() -> None:
    """Let the rest of the output go nowhere: whoever read it (`| head`) has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _keep_traceback() -> str:
    with tempfile.NamedTemporaryFile(
        "w", prefix="promptlab-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"promptlab {__version__}, Python {sys.version}\n\n")
        file.write(keys.strike_all(traceback.format_exc()))
    return file.name
