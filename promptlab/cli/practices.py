"""`promptlab practices`."""

from __future__ import annotations

from typing import Any

import click

from promptlab.cli.deciding import deciding
from promptlab.cli.formats import Format, format_of
from promptlab.cli.output import print_data, print_json, stdout
from promptlab.cli.runref import RUN, RunCommand
from promptlab.cli.verbs import example
from promptlab.report.documents.practices import practices_json
from promptlab.report.markdown.practices import practices_markdown
from promptlab.report.terminal.practices import print_practices
from promptlab.report.views.practices import practices_view
from promptlab.workbench.bench import Workbench
from promptlab.workbench.conclusions import Deciding, effects_of_practices
from promptlab.workbench.session import Session


@click.command(cls=RunCommand, epilog=example("practices", "practices latest --scorer label"))
@click.argument("run_refs", metavar="[RUN]...", type=RUN, nargs=-1)
@deciding
@click.pass_obj
def practices(
    session: Session,
    /,
    run_refs: tuple[str, ...],
    scorer: str | None,
    format_name: Format | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Show what each practice changes in RUN, by default the newest.

    Effects come from `design: ablation` or `factorial`, or from versions that differ in one
    practice.
    """
    form = format_of(format_name, as_json=as_json)
    bench, deciding_options = Workbench(session), Deciding(**options)
    effects = effects_of_practices(bench, run_refs, scorer=scorer, deciding=deciding_options)
    view = practices_view(effects.evidence.basis, effects.practices, effects.rule)
    if form == "json":
        print_json(practices_json(view))
    elif form == "markdown":
        print_data(practices_markdown(view))
    else:
        print_practices(stdout(), view)
