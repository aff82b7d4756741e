"""`promptlab backend`."""

from __future__ import annotations

import click

from promptlab.cli.output import print_json, say, stdout
from promptlab.cli.verbs import VerbGroup, example
from promptlab.core import plugins
from promptlab.report.terminal.tables import plain_table
from promptlab.workbench.bench import Workbench
from promptlab.workbench.checking import check_backends, configured_backends
from promptlab.workbench.session import Session


@click.group(cls=VerbGroup, epilog=example("backend list", "backend check smollm2"))
def backend() -> None:
    """List backends, and check that they answer."""


@backend.command("list", epilog=example("backend list"))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """List the configured backends."""
    backends, kinds = configured_backends(Workbench(session)), plugins.names("backends")
    if as_json:
        entries = [
            {"name": each.name, "kind": each.kind, "model": each.model, "options": each.options}
            for each in backends
        ]
        print_json({"backends": entries, "kinds": kinds})
        return
    table = plain_table("backend", "kind", "model", "options")
    for each in backends:
        options = ", ".join(f"{key}={value}" for key, value in each.options.items())
        table.add_row(each.name, each.kind, each.model or "", options)
    if backends:
        stdout().print(table)
    else:
        say("No backend is configured yet; `echo` needs no configuration.")
    say("Kinds: " + ", ".join(kinds))


@backend.command(epilog=example("backend check smollm2"))
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def check(session: Session, names: tuple[str, ...], as_json: bool) -> int:
    """Ask each backend for one token, and show how to fix one that does not answer."""
    results = check_backends(Workbench(session), names)
    if as_json:
        print_json(
            [
                {"backend": name, "ok": health.ok, "detail": health.detail, "hint": health.hint}
                for name, health in results
            ]
        )
    else:
        for name, health in results:
            hint = f" ({health.hint})" if health.hint else ""
            say(f"{name}: {'ok' if health.ok else 'no'}: {health.detail}{hint}")
    return 0 if all(health.ok for _, health in results) else 2
