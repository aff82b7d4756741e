"""`promptlab backend`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import click
from rich.markup import escape

from promptlab.backends import Backend, Health
from promptlab.cli.output import print_json, stdout
from promptlab.cli.session import Session
from promptlab.cli.workbench import project_of
from promptlab.core import plugins
from promptlab.core.errors import PromptlabError
from promptlab.core.keys import STRUCK, is_key, named_without_key, without_literals
from promptlab.project.backends import make_backend
from promptlab.project.folder import BackendEntry, Project
from promptlab.report.terminal.tables import plain_table


@click.group()
def backend() -> None:
    """What answers prompts, and does it answer."""


@backend.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """List the configured backends."""
    project = project_of(session)
    entries = list(project.backends.values())
    if as_json:
        kinds = plugins.names("backends")
        print_json({"backends": [_entry_json(entry) for entry in entries], "kinds": kinds})
        return
    table = plain_table("backend", "kind", "model", "options")
    for entry in entries:
        options = ", ".join(f"{key}={value}" for key, value in _options(entry).items())
        cells = (entry.name, entry.kind, _model(entry) or "", options)
        table.add_row(*map(escape, cells))
    if entries:
        stdout().print(table)
    else:
        click.echo("No backend is configured yet; `echo` needs no configuration.")
    click.echo("Kinds: " + ", ".join(plugins.names("backends")))


@backend.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def check(session: Session, names: tuple[str, ...], as_json: bool) -> int:
    """Ask each backend for one token: does it answer, and if not, how is that mended?"""
    project = project_of(session)
    environment = session.environment(project.root)
    asked = names or tuple(project.backends) or ("echo",)
    found = [(named_without_key(name), _check(project, name, environment)) for name in asked]
    if as_json:
        print_json(
            [
                {"backend": name, "ok": health.ok, "detail": health.detail, "hint": health.hint}
                for name, health in found
            ]
        )
    else:
        for name, health in found:
            hint = f" ({health.hint})" if health.hint else ""
            click.echo(f"{name}: {'ok' if health.ok else 'no'}: {health.detail}{hint}")
    return 0 if all(health.ok for _, health in found) else 2


def _check(project: Project, name: str, environment: Mapping[str, str]) -> Health:
    try:
        backend = make_backend(project.backend(name), project.root, environment)
        return asyncio.run(_checked(backend))
    except PromptlabError as error:
        where = f"{error.where}: " if error.where else ""
        return Health(False, f"{where}{error.message}", error.hint)


async def _checked(backend: Backend) -> Health:
    try:
        return await backend.check()
    finally:
        await backend.close()


def _entry_json(entry: BackendEntry) -> dict[str, object]:
    options = _options(entry)
    return {"name": entry.name, "kind": entry.kind, "model": _model(entry), "options": options}


def _model(entry: BackendEntry) -> str | None:
    """Return the model, unless a key was written in its place."""
    return STRUCK if entry.model is not None and is_key(entry.model) else entry.model


def _options(entry: BackendEntry) -> dict[str, object]:
    """Return the options as written, without what should not be written there."""
    return {key: without_literals(value, key) for key, value in entry.options.items()}
