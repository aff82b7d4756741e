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
from promptlab.report.documents.case_flips import case_flips_json
from promptlab.report.documents.comparison import compare_json
from promptlab.report.markdown.compare import CASES, comparison_markdown
from promptlab.report.views.case_flips import case_flips
from promptlab.report.views.comparison import ComparisonView, comparison_view
from promptlab.workbench.bench import Workbench
from promptlab.workbench.conclusions import Compared, Deciding, compare_runs
from promptlab.workbench.flipped_cases import flipped_cases
from promptlab.workbench.session import Session

if TYPE_CHECKING:
    from promptlab.report.terminal import case_flips as case_terminal
    from promptlab.report.terminal import compare as terminal
else:
    case_terminal = lazy_module("promptlab.report.terminal.case_flips")
    terminal = lazy_module("promptlab.report.terminal.compare")  # rich, not for --json


_ALL = 10**9  # cases: as many as there are


@click.command(
    "compare",
    cls=RunCommand,
    epilog=example("compare sentiment@v1 v2", "compare -2 latest", "compare --format markdown"),
)
@click.argument("run_refs", metavar="[RUN|REF]...", type=RUN, nargs=-1)
@click.option("--baseline", metavar="REF", help="Compare all others with this arm.")
@click.option(
    "--by",
    type=click.Choice(["version", "backend", "group", "tag"]),
    default="version",
    show_default=True,
    help="What a pair differs in; `group` and `tag` compare versions on parts of the cases.",
)
@click.option(
    "-t",
    "--template",
    "templates",
    multiple=True,
    metavar="REF",
    help="Compare only this version; repeatable.",
)
@click.option(
    "--full",
    is_flag=True,
    help="Also show which answers each arm gives how often, and every case that was won or lost.",
)
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
    templates: tuple[str, ...],
    **options: Any,
) -> None:
    """Compare the arms of RUN, by default all that is stored, case by case.

    Several runs are joined: the same version is one arm in all of them. Versions may be named
    instead, the baseline first: then the newest evidence of all of them counts.
    """
    form, bench = format_of(format_name, as_json=as_json), Workbench(session)
    compared = compare_runs(
        bench,
        run_refs,
        scorer=scorer,
        baseline=baseline,
        by=by,
        templates=templates,
        deciding=Deciding(**options),
    )
    view = comparison_view(compared.evidence.basis, compared.comparisons, compared.rule)
    if form == "json":
        print_json(_document(bench, compared, view, full=full))
    elif form == "markdown":
        print_data(comparison_markdown(view, flipped_cases(bench, compared, CASES)))
    else:
        terminal.print_comparisons(stdout(), view, session.command, full=full)
        if full:
            cases = flipped_cases(bench, compared, _ALL)
            for row in view.rows:
                case_terminal.print_case_flips(stdout(), row, case_flips(row.comparison, cases))


def _document(
    bench: Workbench, compared: Compared, view: ComparisonView, *, full: bool
) -> dict[str, Any]:
    """Return the document; with `full`, each comparison has the cases that it won and lost."""
    document: dict[str, Any] = compare_json(view)
    if not full:
        return document
    cases = flipped_cases(bench, compared, _ALL)
    rows = zip(document["comparisons"], view.rows, strict=True)
    return {
        **document,
        "comparisons": [
            {**each, "cases": case_flips_json(case_flips(row.comparison, cases))}
            for each, row in rows
        ],
    }
