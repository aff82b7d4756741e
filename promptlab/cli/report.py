"""`promptlab report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptlab.cli.deciding import how_to_decide
from promptlab.cli.output import print_json, say
from promptlab.cli.runref import RUN, RunCommand
from promptlab.cli.verbs import example
from promptlab.core.errors import PromptlabError
from promptlab.core.files import make_folder, write_bytes, write_text
from promptlab.core.lazy import lazy_module
from promptlab.report.documents.report import report_json
from promptlab.report.views.report import ReportView, report_view
from promptlab.workbench.bench import Workbench
from promptlab.workbench.conclusions import Deciding
from promptlab.workbench.reporting import Asked, report_of
from promptlab.workbench.session import Session

if TYPE_CHECKING:
    from promptlab.report.html import report as html
else:
    html = lazy_module("promptlab.report.html.report")


@click.command(
    cls=RunCommand,
    epilog=example("report -o report.html", "report latest --baseline v1 -o report.html"),
)
@click.argument("run_refs", metavar="[RUN]...", type=RUN, nargs=-1)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The HTML file to write; one that is there is replaced.",
)
@click.option(
    "--charts",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Also write each chart as an SVG and a PNG file into this folder.",
)
@click.option("--baseline", metavar="REF", help="Compare all others with this arm.")
@how_to_decide
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def report(
    session: Session,
    /,
    run_refs: tuple[str, ...],
    output: Path | None,
    charts: Path | None,
    baseline: str | None,
    scorer: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Write all that RUN shows, by default the newest, as one HTML file that loads nothing.

    It has the conclusion first, then arms, differences, practices, the cases behind every number,
    and what changed in the text. With --json it is the same as data.
    """
    drawing = output is not None or charts is not None
    if not drawing and not as_json:
        raise PromptlabError("name the file to write", hint="promptlab report -o report.html")
    if drawing:
        html.require_charts()  # before any work
    asked = Asked(run_refs, scorer, baseline, Deciding(**options))
    view = report_view(report_of(Workbench(session), asked))
    made = _write(view, output, charts) if drawing else []
    if as_json:
        print_json(report_json(view))
    else:
        say(view.headline, "", *made)


def _write(view: ReportView, output: Path | None, charts: Path | None) -> list[str]:
    """Write the page and the charts; return a line on each."""
    drawn, made = html.charts_of(view), []
    if output is not None:
        write_text(output, html.report_page(view, drawn))
        made.append(f"Report: {output.resolve()}")
    if charts is not None:
        make_folder(charts)
        for chart in drawn:
            write_text(charts / f"{chart.name}.svg", html.svg(chart))
            write_bytes(charts / f"{chart.name}.png", html.png(chart))
        made.append(f"Charts: {charts.resolve()}")
    return made
