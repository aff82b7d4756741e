"""The command line: parse, call one function, choose a renderer.

Each verb lives in a module of its own, which `verbs` finds by its name.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from promptlab import __version__
from promptlab.cli.bugs import keep_traceback
from promptlab.cli.output import tell
from promptlab.cli.verbs import VERBS, LazyGroup, wanted_by
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.streams import own_streams, take_stdout
from promptlab.core.visible import visible
from promptlab.workbench.session import Session, require_working_folder

__all__ = ["VERBS", "cli", "main", "run_cli"]

if TYPE_CHECKING:
    from click import shell_completion

    from promptlab.core import modules
else:
    modules = lazy_module("promptlab.core.modules")
    shell_completion = lazy_module("click.shell_completion")

UNWRITTEN = 5  # the exit code where stdout took no more, unless the verb has another
_COMPLETE = "_PROMPTLAB_COMPLETE"  # how click's scripts for shells ask


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
@click.option(
    "--safe",
    is_flag=True,
    help="For a stranger's project: none of its code runs, no backend but echo is used, and neither"
    " keys nor .env are read.",
)
@click.version_option(__version__, prog_name="promptlab")
@click.pass_context
def cli(ctx: click.Context, project: Path | None, db: Path | None, safe: bool) -> None:
    """Experiments on prompts: which version is better, by how much, how sure, at what cost."""
    require_working_folder()
    ctx.obj = Session(folder=project, database=db, safe=safe, tell=_print_note)
    if safe:
        ctx.with_resource(modules.no_user_code())


def main() -> None:
    """Run the command line and end the process with DESIGN.md's exit codes."""
    take_stdout()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A run creates hundreds of thousands of long-lived values and hardly any cycles; by default
    # Python would scan all of them again and again (an eighth of a large run's time).
    gc.set_threshold(250_000, 20, 20)
    code = run_cli(sys.argv[1:])
    if code == 130 or threading.active_count() > 1:
        # A model or a scorer may still be computing in its thread; nobody waits for it, and the
        # C++ runtime would abort a program that exits while it runs.
        os._exit(code)
    gc.freeze()  # or the interpreter scans everything that is left before it exits
    sys.exit(code)


def run_cli(arguments: list[str]) -> int:
    """Run one command; return its exit code, which no reader of its output changes."""
    with own_streams() as streams:
        code = _answered(arguments)
        streams.flush()
        if streams.out.failure is not None:
            _print_error(
                PromptlabError(
                    f"cannot write to stdout: {streams.out.failure}",
                    hint="the output is incomplete; what was stored is safe",
                )
            )
            code = code or UNWRITTEN
        streams.err.flush()
    return code


def _answered(arguments: list[str]) -> int:
    """Run one command; return its exit code. The only place that catches everything."""
    try:
        code = _invoked(arguments)
    except click.exceptions.Exit as ended:  # after `--help` and `--version`
        return ended.exit_code
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
        tell("interrupted")
        return 130
    except BaseException as error:  # noqa: BLE001 - nothing above catches it
        if isinstance(error, SystemExit):  # raised in a task: our code never exits in a verb
            _print_error(
                PromptlabError("a plugin ended the program", hint="remove its call to sys.exit")
            )
            return 2
        tell(f"Error: a bug in promptlab; its traceback is in {keep_traceback()}")
        return 3
    return code if isinstance(code, int) else 0


def _invoked(arguments: list[str]) -> object:
    """Do what click's `main` does, which would take any broken pipe for that of our stdout."""
    if completing := os.environ.get(_COMPLETE):
        return shell_completion.shell_complete(cli, {}, "promptlab", _COMPLETE, completing)
    _require_text(arguments)
    with cli.make_context("promptlab", arguments) as context:
        return cli.invoke(context)


def _require_text(arguments: list[str]) -> None:
    """Refuse bytes that are no UTF-8: nothing that they could name can be stored."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            shown = argument.encode(errors="backslashreplace").decode()
            raise PromptlabError(
                f"the argument '{shown}' is not UTF-8",
                hint="type it again, or set a UTF-8 locale such as LANG=C.UTF-8",
            ) from None


def _misuse(error: click.ClickException) -> PromptlabError:
    """Return click's message about a wrong word in one line, with the command that explains it."""
    message = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "promptlab"
    if context is not None and isinstance(error, click.BadOptionUsage) and "require" in message:
        message = f"{error.option_name} takes {wanted_by(context, error.option_name)}"
    else:
        message = message[:1].lower() + message[1:]
    return PromptlabError(message, hint=f"see {command} --help")


def _print_error(error: PromptlabError) -> None:
    line = " ".join(part.strip() for part in visible(str(error)).split("\n"))
    tell(f"Error: {line}")


def _print_note(line: str) -> None:
    tell(f"Note: {visible(line)}")
