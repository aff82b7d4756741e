"""The command line: parse, call one function, choose a renderer.

Each verb lives in a module of its own, which `verbs` finds by its name.
"""

from __future__ import annotations

import gc
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
from promptlab.cli.verbs import VERBS, LazyGroup
from promptlab.core.errors import PromptlabError
from promptlab.core.foreign import own_stdout, take_stdout
from promptlab.core.lazy import lazy_module
from promptlab.workbench.session import Session

__all__ = ["VERBS", "cli", "main", "run_cli"]

if TYPE_CHECKING:
    from promptlab.core import keys
else:
    keys = lazy_module("promptlab.core.keys")


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--project",
    type=click.Path(file_okay=False, path_type=Path),
    help="The project's folder; by default the nearest one with templates/ and suites/.",
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
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character shows a `?`
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A run creates hundreds of thousands of long-lived values and hardly any cycles; by default
    # Python would scan all of them again and again (an eighth of a large run's time).
    gc.set_threshold(50_000, 20, 20)
    code = run_cli(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
    sys.stderr.flush()
    if code == 130 or threading.active_count() > 1:
        # A model or a scorer may still be computing in its thread; nobody waits for it, and the
        # C++ runtime would abort a program that exits while it runs.
        os._exit(code)
    gc.freeze()  # or the interpreter scans everything that is left before it exits
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
        _print_error(_misuse(error))
        return 2
    except PromptlabError as error:
        _print_error(error)
        return 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    except BaseException as error:  # noqa: BLE001 - nothing above catches it
        if _reader_has_gone(error):
            _forget_stdout()
            return 0
        if isinstance(error, SystemExit):  # raised in a task: our code never exits in a verb
            _print_error(
                PromptlabError("a plugin ended the program", hint="remove its call to sys.exit")
            )
            return 2
        click.echo(f"Error: a bug in promptlab; its traceback is in {_keep_traceback()}", err=True)
        return 3
    return code if isinstance(code, int) else 0


def _reader_has_gone(error: BaseException) -> bool:
    """Return whether the reader of our output is gone: click and rich then exit by themselves."""
    if not isinstance(error, SystemExit):
        return isinstance(error, BrokenPipeError)
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_globals["__name__"] in ("click.core", "rich.console")


def _misuse(error: click.ClickException) -> PromptlabError:
    """Return click's message about a wrong word in one line, with the command that explains it."""
    message = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "promptlab"
    return PromptlabError(message[:1].lower() + message[1:], hint=f"see {command} --help")


def _print_error(error: PromptlabError) -> None:
    line = " ".join(part.strip() for part in str(error).splitlines())
    click.echo(f"Error: {keys.strike_all(line)}", err=True)


def _forget_stdout() -> None:
    """Discard the rest of the output: its reader (`| head`) is gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _keep_traceback() -> str:
    with tempfile.NamedTemporaryFile(
        "w", prefix="promptlab-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"promptlab {__version__}, Python {sys.version}\n\n")
        file.write(keys.strike_all(traceback.format_exc()))
    return file.name
