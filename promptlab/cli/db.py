"""`promptlab db`."""

from __future__ import annotations

import click

from promptlab.cli.output import print_json, say, stdout
from promptlab.cli.verbs import VerbGroup, example
from promptlab.report.terminal.tables import plain_table
from promptlab.workbench.bench import Workbench
from promptlab.workbench.session import Session


@click.group(cls=VerbGroup, epilog=example("db verify"))
def db() -> None:
    """Maintain the database."""


@db.command(epilog=example("db stats"))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def stats(session: Session, as_json: bool) -> None:
    """Show what the database holds and how large it is."""
    with Workbench(session).open_store() as store:
        contents = store.stats()
    if as_json:
        print_json(
            {"rows": dict(contents.rows), "bytes": contents.size, "wal_bytes": contents.wal_size}
        )
        return
    table = plain_table("table", "rows", right=("rows",))
    for name, rows in contents.rows.items():
        table.add_row(name, f"{rows:,}")
    stdout().print(table)
    say(f"{contents.size / 1e6:.1f} MB, and {contents.wal_size / 1e6:.1f} MB not checkpointed")


@db.command(epilog=example("db vacuum"))
@click.pass_obj
def vacuum(session: Session) -> None:
    """Return unused space to the disk."""
    with Workbench(session).open_store(readonly=False) as store:
        freed = store.vacuum()
    say(f"{freed / 1e6:.1f} MB freed")


@db.command(epilog=example("db verify"))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def verify(session: Session, as_json: bool) -> int:
    """Verify the database: tables, values, digests, references, every trial exactly once."""
    problems = Workbench(session).verify_database()
    if as_json:
        print_json({"problems": problems})
    else:
        say("\n".join(problems) or "The database is sound.")
    return 1 if problems else 0
