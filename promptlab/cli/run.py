"""`promptlab run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from promptlab.cli.carry import carry
from promptlab.cli.output import print_json, say, stdout, tell
from promptlab.cli.params import ParamCommand
from promptlab.cli.run_options import selecting, settings_of, spending
from promptlab.cli.verbs import example
from promptlab.core.lazy import lazy_module
from promptlab.core.visible import visible
from promptlab.workbench.bench import Workbench
from promptlab.workbench.run import Outlook, look_ahead, prepare_run
from promptlab.workbench.session import Session

if TYPE_CHECKING:
    from promptlab.report.documents import forecast as document
    from promptlab.report.terminal import runs as screens
    from promptlab.report.views import forecast as views
else:  # for `--dry-run`
    document = lazy_module("promptlab.report.documents.forecast")
    screens = lazy_module("promptlab.report.terminal.runs")
    views = lazy_module("promptlab.report.views.forecast")


@click.command(
    cls=ParamCommand,
    epilog=example(
        "run sentiment", "run sentiment -t sentiment@v2..v4 -n 20", "run sentiment --dry-run"
    ),
)
@click.argument("suite")
@selecting
@spending
@click.option(
    "--gate", "gates", multiple=True, metavar="EXPR", help="Exit with 1 unless this gate holds."
)
@click.option(
    "--until-decided", is_flag=True, help="Stop each arm once it is clearly better or worse."
)
@click.option(
    "--baseline", metavar="REF", help="What --until-decided compares with; by default the first."
)
@click.option("--label", metavar="TEXT", help="What to call the run in lists; up to 60 characters.")
@click.option("--executor", default="local", show_default=True, help="What sends the requests.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, without any call.")
@click.option("--offline", is_flag=True, help="Use stored answers only.")
@click.option("--fresh", is_flag=True, help="Ignore stored answers.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def run(
    session: Session, /, suite: str, dry_run: bool, fresh: bool, as_json: bool, **options: Any
) -> int:
    """Run SUITE: every version on every case and backend, minus what is stored.

    Options that select may be repeated.
    """
    bench, settings = Workbench(session), settings_of(options)
    if dry_run:
        _show(look_ahead(bench, suite, settings, fresh=fresh), as_json=as_json)
        return 0
    with prepare_run(bench, suite, settings, fresh=fresh) as prepared:
        return carry(prepared, session.command, as_json=as_json)


def _show(outlook: Outlook, *, as_json: bool) -> None:
    view = views.forecast_view(outlook.plan, outlook.forecast, outlook.shortfalls)
    tell(*(f"Note: {visible(note)}" for note in outlook.notes))
    if as_json:
        print_json(document.forecast_json(view))
    else:
        screens.print_forecast(stdout(), view)
        for backend, lines in view.not_honoured.items():
            for line in lines:
                say(f"Note: {backend}: {line}")
