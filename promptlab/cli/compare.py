"""`promptlab compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from promptlab.analysis.compare import By
from promptlab.cli.deciding import deciding
from promptlab.cli.formats import Format, format_of
from promptlab.cli.output import print_data, print_json, stdout
from promptlab.cli.runref import RUN, RunCommand
from promptlab.cli.verbs import example
from promptlab.core.lazy import lazy_module
from promptlab.report.documents.comparison import compare_json
from promptlab.report.markdown.compare import CASES, comparison_markdown
from promptlab.report.views.comparison import comparison_view
from promptlab.workbench.bench import Workbench
from promptlab.workbench.conclusions import Deciding, compare_runs
from promptlab.workbench.flipped_cases import flipped_cases
from promptlab.workbench.session import Session

if TYPE_CHECKING:
    from promptlab.report.terminal import compare as terminal
else:
    terminal = lazy_module("promptlab.report.terminal.compare")  # rich, not for --json


@click.command(
    "compare",
    cls=RunCommand,
    epilog=example(
        "compare --baseline sentiment@v1", "compare -2 latest", "compare --format markdown"
    ),
)
@click.argument("run_refs", metavar="[RUN]...", type=RUN, nargs=-1)
@click.option("--baseline", metavar="REF", help="Compare all others with this arm.")
@click.option(
    "--by",
    type=click.Choice(["version", "backend", "group", "tag"]),
    default="version",
    show_default=True,
    help="What a pair differs in; `group` and `tag` compare versions on parts of the cases.",
)
@click.option("--full", is_flag=True, help="Also show which answers each arm gives how often.")
@deciding
@click.pass_obj
def compare_verb(
    session: Session,
    /,
    run_refs: tuple[str, ...],
    baseline: str | None,
    by: By,
    scorer: str | None,
    format_name: Format | None,
    as_json: bool,
    full: bool,
    **options: Any,
) -> None:
    """Compare the arms of RUN, by default the newest, case by case.

    Several runs are joined: the same version is one arm in all of them.
    """
    form, bench = format_of(format_name, as_json=as_json), Workbench(session)
    compared = compare_runs(
        bench,
        run_refs,
        scorer=scorer,
        baseline=baseline,
        by=by,
        deciding=Deciding(**options),
    )
    view = comparison_view(compared.evidence.basis, compared.comparisons, compared.rule)
    if form == "json":
        print_json(compare_json(view))
    elif form == "markdown":
        print_data(comparison_markdown(view, flipped_cases(bench, compared, CASES)))
    else:
        terminal.print_comparisons(stdout(), view, session.command, full=full)
