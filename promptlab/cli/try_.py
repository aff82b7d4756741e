"""`promptlab try`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from promptlab.cli.carry import INTERRUPTED, SOME_FAILED
from promptlab.cli.numbers import Amount, Whole
from promptlab.cli.output import print_json, say, say_at_once, tell
from promptlab.cli.params import ParamCommand, param_option
from promptlab.cli.run_options import given_once
from promptlab.cli.verbs import example
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.types import Turn
from promptlab.core.visible import visible
from promptlab.core.watch import Watch
from promptlab.report.documents.answer import answer_json
from promptlab.report.terminal.live import LiveText
from promptlab.report.views.answer import AnswerView, answer_view
from promptlab.report.views.asked import value_text
from promptlab.report.wording import counted
from promptlab.workbench.bench import Workbench
from promptlab.workbench.interruption import Interruptible
from promptlab.workbench.session import Session
from promptlab.workbench.trying import Tried, Wanted, missing_variable, try_out

_MOST = 16_000_000  # bytes of a text on stdin: more is no prompt


@click.command(
    "try",
    cls=ParamCommand,
    epilog=example(
        "try sentiment -p review 'Never again.'",
        "try sentiment@v2 -b smollm2 --case r06",
        "echo 'Never again.' | promptlab try sentiment",
    ),
)
@click.argument("reference", metavar="REF")
@click.option(
    "-b",
    "--backend",
    metavar="BACKEND",
    help="Who answers; by default the only backend of the template's suites or of the project.",
)
@param_option("A variable; KEY=VALUE will do too. One that is left may come on stdin.")
@click.option("--case", "case_id", metavar="ID", help="The variables of this case; it is graded.")
@click.option(
    "--suite",
    metavar="NAME",
    help="Whose cases, sampling and backend; by default the only suite that has the template.",
)
@click.option("--score", is_flag=True, help="Let scorers that ask a model grade the case, too.")
@click.option("--max-cost", type=Amount(min=0), metavar="USD", help="Stop once this much is spent.")
@click.option("--max-calls", type=Whole(), metavar="N", help="Stop after this many model calls.")
@click.option("--offline", is_flag=True, help="Use a stored answer only.")
@click.option("--fresh", is_flag=True, help="Ignore stored answers.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def try_(session: Session, /, as_json: bool, **options: Any) -> int:
    """Ask REF for one answer now, and show it as it comes.

    It is stored like any answer: a run that asks the same finds it, and the other way round. No run
    is made. In a pipe, stdout holds the answer alone; what it took is told on stderr.
    """
    bench = Workbench(session)
    wanted = Wanted(**{**options, "params": given_once(options["params"])})
    wanted = _with_stdin(bench, wanted)
    shown = _Shown(bench.library.load_one(wanted.reference).answers, silent=as_json)
    with Interruptible() as interruptible:
        try:
            tried = interruptible.run(try_out(bench, wanted, shown, _Told()))
        except KeyboardInterrupt:
            shown.break_off()
            tell("interrupted: there is no whole answer, and nothing of it is stored")
            return INTERRUPTED
        except PromptlabError:
            shown.break_off()
            raise
    return _conclude(tried, shown, as_json=as_json)


def _conclude(tried: Tried, shown: _Shown, *, as_json: bool) -> int:
    tell(*(f"Note: {tried.backend.name}: {visible(line)}" for line in tried.not_honoured))
    if tried.result is None:
        shown.break_off()
        tell(f"stopped at {tried.limit}, after {counted(tried.calls, 'call')}")
        return SOME_FAILED
    view = answer_view(
        tried.template.source,
        tried.backend,
        tried.case,
        tried.result,
        tried.calls,
        tried.left_out,
    )
    if as_json:
        print_json(answer_json(view))
    else:
        if view.text is not None and not shown.live:
            say(view.text.removesuffix("\n"))
        shown.break_off()
        tell(*_facts(view))
    return SOME_FAILED if view.failed else 0


def _facts(view: AnswerView) -> Iterator[str]:
    """Yield what is told beside an answer: what it took, what was expected, how it is graded."""
    if view.error is not None:
        yield f"{view.reference}: {visible(view.error)}"
        return
    if view.thoughts is not None:
        yield f"(it thought first, {counted(len(view.thoughts), 'character')}: --json has it)"
    yield f"{view.reference}: {visible(view.sentence)}"
    if view.case.expect is not None and view.scores:
        yield f"expected: {visible(value_text(view.case.expect))}"
    for grade in view.grades:
        reason = f", {grade.reason}" if grade.reason else ""
        yield visible(f"{grade.label}: {grade.text}{reason}")
    for label, reason in view.left_out.items():
        yield visible(f"{label}: not graded, {reason}")


def _with_stdin(bench: Workbench, wanted: Wanted) -> Wanted:
    """Take the text on stdin for the only variable that nothing gives."""
    missing = missing_variable(bench, wanted)
    text = None if missing is None else _piped()
    if missing is None or not text:
        return wanted
    return Wanted(**{**_fields(wanted), "params": {**wanted.params, missing: text}})


def _fields(wanted: Wanted) -> dict[str, Any]:
    return {name: getattr(wanted, name) for name in Wanted.__slots__}


def _piped() -> str | None:
    """Return the text that is piped in, without the line break at its end; None at a terminal."""
    try:
        if sys.stdin is None or sys.stdin.isatty():
            return None
        data = sys.stdin.buffer.read(_MOST + 1)
    except (OSError, ValueError, AttributeError):  # it is closed, or no file
        return None
    if len(data) > _MOST:
        raise PromptlabError(
            f"the text on stdin has more than {_MOST:,} bytes", hint="pipe a shorter one"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PromptlabError(
            f"the text on stdin is not UTF-8: byte {error.start + 1}", hint="convert it first"
        ) from None
    return text.removesuffix("\n").removesuffix("\r")


class _Shown:
    """Shows answers on a terminal as they come; elsewhere nothing, until the last one is known."""

    def __init__(self, names: frozenset[str], *, silent: bool) -> None:
        self.live = sys.stdout.isatty() and not silent
        self._names = names
        self._text = LiveText(self._write)
        self._open = False

    def opened(self, name: str) -> None:
        """Show which answer comes, if the template names any."""
        if self.live and self._names:
            say(f"[{visible(name)}]")

    def began(self) -> None:
        """Show that a call which broke off is made once more."""
        if self._text.begin() and self.live:
            say("", "(the call broke off; once more)")

    def heard(self, piece: str) -> None:
        """Show the next piece."""
        if self.live:
            self._open = True
            self._text.hear(piece)

    def answered(self, turn: Turn) -> None:
        """Show the rest."""
        if self.live and turn.completion.error is None:
            self._text.end(turn.completion.text)
            self._open = False

    def break_off(self) -> None:
        """End the line of an answer that will have no end."""
        if self._open:
            say("")
            self._open = False

    @staticmethod
    def _write(text: str) -> None:
        say_at_once(text)


class _Told(Watch):
    """Tells what takes long, and why."""

    def opening(self, backend: str, notice: str | None) -> None:
        """Tell what will take long."""
        if notice is not None:
            tell(visible(f"{backend}: {notice}"))

    def waiting(self, backend: str, text: str) -> None:
        """Tell why a call waits."""
        tell(visible(f"{backend}: {text}"))

    def left_open(self, backend: str, error: PromptlabError) -> None:
        """Tell why a backend could not be closed."""
        tell(visible(f"{backend}: {error}"))

    def failed(self, backend: str, error: BackendError) -> None:
        """Leave it to the error itself, which is raised."""
