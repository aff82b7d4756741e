"""`promptlab diff`."""

from __future__ import annotations

import click

from promptlab.cli.formats import Format, format_of, format_option
from promptlab.cli.output import print_data, print_json, stdout
from promptlab.cli.verbs import example
from promptlab.core.errors import PromptlabError
from promptlab.report.documents.diff import diff_json
from promptlab.report.markdown.diff import diff_markdown
from promptlab.report.terminal.diff import print_diff
from promptlab.report.views.diff import diff_view
from promptlab.workbench.bench import Workbench
from promptlab.workbench.session import Session
from promptlab.workbench.version_diff import Aspects, diff_of, patch_between


@click.command(epilog=example("diff sentiment@v1 v2", "diff v1 v2 --case r06"))
@click.argument("first", metavar="REF")
@click.argument("second", metavar="REF")
@click.option("--case", "case_id", metavar="ID", help="Diff the prompts rendered on this case.")
@click.option("--suite", metavar="NAME", help="The suite whose cases are used.")
@click.option("-b", "--backend", metavar="BACKEND", help="The backend whose tokenizer counts.")
@click.option("--full", is_flag=True, help="All flipped cases, with their whole outputs.")
@click.option("--patch", "as_patch", is_flag=True, help="Print only a patch for `git apply`.")
@format_option
@click.pass_obj
def diff(
    session: Session,
    first: str,
    second: str,
    case_id: str | None,
    suite: str | None,
    backend: str | None,
    full: bool,
    as_patch: bool,
    format_name: Format | None,
    as_json: bool,
) -> None:
    """Show how two versions differ, in text and in results.

    A REF may be just a version, v3, if the other one says of which template, or if one template
    alone has it.
    """
    bench, form = Workbench(session), format_of(format_name, as_json=as_json)
    if as_patch:
        given = {f"--format {format_name}": format_name is not None, "--json": as_json}
        _refuse("--patch", {**given, "--case": case_id is not None})
        print_data(patch_between(bench, first, second))
        return
    if form == "markdown":
        _refuse("--format markdown", {"--case": case_id is not None})
    same = form == "json"
    aspects = Aspects(case_id=case_id, suite=suite, backend=backend, even_if_same=same)
    difference = diff_of(bench, first, second, aspects)
    view = diff_view(
        difference.versions,
        difference.size,
        difference.case,
        difference.results,
        difference.hunks,
    )
    if form == "json":
        print_json(diff_json(view))
    elif form == "markdown":
        print_data(diff_markdown(view))
    else:
        print_diff(stdout(), view, full=full)


def _refuse(option: str, others: dict[str, bool]) -> None:
    for name, given in others.items():
        if given:
            raise PromptlabError(
                f"{option} cannot be combined with {name}", hint="leave one of them out"
            )
