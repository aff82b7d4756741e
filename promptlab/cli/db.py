"""`promptlab db`."""

from __future__ import annotations

import click

from promptlab.cli.output import print_json, stdout
from promptlab.cli.verbs import VerbGroup, example
from promptlab.report.terminal.tables import plain_table
from promptlab.workbench.bench import Workbench
from promptlab.workbench.session import Session


@click.group(cls=VerbGroup)
def db() -> None:
    """Care for the database."""


@db.command(epilog=example("db stats"))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def stats(session: Session, as_json: bool) -> None:
    """Say what the database holds and how large it is."""
    with Workbench(session).open_store() as store:
        found = store.stats()
    if as_json:
        print_json({"rows": dict(found.rows), "bytes": found.size, "wal_bytes": found.wal_size})
        return
    table = plain_table("table", "rows", right=("rows",))
    for name, rows in found.rows.items():
        table.add_row(name, f"{rows:,}")
    stdout().print(table)
    click.echo(f"{found.size / 1e6:.1f} MB, and {found.wal_size / 1e6:.1f} MB not checkpointed")


@db.command(epilog=example("db vacuum"))
@click.pass_obj
def vacuum(session: Session) -> None:
    """Give unused space back to the disk."""
    with Workbench(session).open_store(readonly=False) as store:
        freed = store.vacuum()
    click.echo(f"{freed / 1e6:.1f} MB given back")


@db.command(epilog=example("db verify"))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def verify(session: Session, as_json: bool) -> int:
    """Prove the database sound: digests, references, every trial exactly once."""
    with Workbench(session).open_store() as store:
        problems = store.verify()
    if as_json:
        print_json({"problems": problems})
    else:
        click.echo("\n".join(problems) or "The database is sound.")
    return 1 if problems else 0
