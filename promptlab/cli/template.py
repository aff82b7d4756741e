"""`promptlab template`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from promptlab.cases.images import ImageFolder
from promptlab.cli.output import print_json, stdout
from promptlab.cli.session import Session
from promptlab.cli.workbench import Workbench, open_store
from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.core.results import TemplateHistory
from promptlab.core.types import Json
from promptlab.core.yamlfile import write_text
from promptlab.experiments.suite import load_suite
from promptlab.project.folder import DATABASE
from promptlab.report.terminal.run import print_messages
from promptlab.report.terminal.tables import plain_table
from promptlab.report.views.run import messages_json
from promptlab.templates.front_matter import SLUG, with_parent
from promptlab.templates.library import ALIASES
from promptlab.templates.template import Call, Template

_VERSION = re.compile(r"\w[\w-]*(?:\.[\w-]+)*")
_FIRST_VERSION = """\
---
description: What this version tries.
---
{% user %}
Write the prompt here; {{ text }} comes from the case.
{% enduser %}
"""


@click.group()
def template() -> None:
    """The library of template versions."""


@template.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """List every version of every template."""
    library = Workbench(session).library
    found = [
        library.load(name, version)
        for name in library.names()
        for version in library.versions(name)
    ]
    if as_json:
        print_json([_summary(loaded) for loaded in found])
        return
    table = plain_table("version", "parent", "practices", "description")
    for loaded in found:
        front = loaded.front
        practices = " ".join(loaded.practices)
        table.add_row(loaded.reference, front.parent or "", practices, front.description)
    stdout().print(table)


@template.command()
@click.argument("reference", metavar="REF")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def show(session: Session, reference: str, as_json: bool) -> None:
    """Show the text of REF, what it needs from a case, and its digest."""
    loaded = _one(Workbench(session), reference)
    if as_json:
        source = {"source": loaded.source.source, "includes": dict(loaded.source.includes)}
        print_json({**_summary(loaded), **source})
        return
    click.echo(f"{loaded.reference}  {loaded.source.digest}")
    click.echo(f"variables: {', '.join(loaded.variables) or 'none'}")
    if loaded.answers:
        click.echo(f"answers: {', '.join(sorted(loaded.answers))}")
    click.echo()
    click.echo(loaded.source.source.rstrip("\n"))
    for file, text in loaded.source.includes.items():
        click.echo(f"\n# templates/{file}")
        click.echo(text.rstrip("\n"))


@template.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def log(session: Session, name: str, as_json: bool) -> None:
    """Tell the history of template NAME: its versions, and every text they have had in runs."""
    bench = Workbench(session)
    now = {version: bench.library.load(name, version) for version in bench.library.versions(name)}
    rows: list[dict[str, Any]] = [
        {
            "version": version,
            "digest": loaded.source.digest,
            "parent": loaded.front.parent,
            "description": loaded.front.description,
            "first_run": None,
            "trials": 0,
            "current": True,
        }
        for version, loaded in now.items()
    ]
    by_digest = {(row["version"], row["digest"]): row for row in rows}
    for past in _history(session, bench, name):
        key = (past.version, past.digest)
        if key not in by_digest:
            by_digest[key] = {"version": past.version, "digest": past.digest, "current": False}
        by_digest[key] |= {"first_run": past.first_seen, "trials": past.trials}
    _print_log(list(by_digest.values()), as_json)


@template.command()
@click.argument("name")
@click.option("--from", "origin", metavar="REF", help="The version to start from; the newest.")
@click.option("--version", "version", help="The name of the new version; the next number.")
@click.pass_obj
def new(session: Session, name: str, origin: str | None, version: str | None) -> None:
    """Make a new version of template NAME, or a new template."""
    bench = Workbench(session)
    if not SLUG.match(name):
        hint = "use lower-case letters, digits, _ and -"
        raise PromptlabError(f"{name!r} cannot name a template", hint=hint)
    if version is not None and not _VERSION.fullmatch(version):
        hint = "use letters, digits, _ and -, as in v4"
        raise PromptlabError(f"{version!r} cannot name a version", hint=hint)
    text, newest = _FIRST_VERSION, None
    if origin is not None or name in bench.library.names():
        parent = _one(bench, origin or name)
        text = _with_parent(parent, name)
        newest = bench.library.versions(name)[-1] if name in bench.library.names() else None
    path = bench.project.templates / name / f"{version or _next(newest)}.j2"
    if path.exists():
        raise PromptlabError("exists already", where=str(path), hint="choose another --version")
    _write(path, text)
    click.echo(f"made {path.relative_to(bench.project.root)}")


@template.command()
@click.argument("reference", metavar="REF")
@click.argument("alias")
@click.pass_obj
def tag(session: Session, reference: str, alias: str) -> None:
    """Let ALIAS mean the version REF from now on: `tag sentiment@v3 best`."""
    bench = Workbench(session)
    loaded = _one(bench, reference)
    name, version = loaded.source.name, loaded.source.version
    if not SLUG.match(alias):
        hint = "use lower-case letters, digits, _ and -, as in best"
        raise PromptlabError(f"{alias!r} cannot be an alias", hint=hint)
    if alias in bench.library.versions(name):
        raise PromptlabError(f"{alias!r} is a version of {name}", hint="choose another alias")
    before = bench.library.aliases(name).get(alias)
    _write(bench.project.templates / name / ALIASES, bench.library.with_alias(name, alias, version))
    was = f" (was {before})" if before not in (None, version) else ""
    click.echo(f"{name}@{alias} means {name}@{version}{was}")


@template.command()
@click.argument("reference", metavar="REF")
@click.option("--suite", help="Take the variables from a case of this suite.")
@click.option("--case", "case_id", help="Which case; the first one.")
@click.option("-p", "--param", "params", nargs=2, multiple=True, metavar="KEY VALUE")
@click.option("--off", multiple=True, metavar="PRACTICE", help="Switch a practice off.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def render(
    session: Session,
    reference: str,
    suite: str | None,
    case_id: str | None,
    params: tuple[tuple[str, str], ...],
    off: tuple[str, ...],
    as_json: bool,
) -> None:
    """Render REF as the model would see it; answers still to come are stood in for."""
    bench = Workbench(session)
    loaded = _one(bench, reference)
    variables, images = _variables(bench, suite, case_id, dict(params))
    practices_off = _known_practices(loaded, off)
    try:
        calls = list(loaded.calls(variables, practices_off, images.load))
    except PromptlabError as error:
        hint = error.hint if suite else "give values with -p KEY VALUE, or a case's with --suite"
        raise error.advising(hint) from None
    if as_json:
        print_json([_call_json(call) for call in calls])
        return
    for call in calls[-1:]:
        print_messages(stdout(), call.messages)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise PromptlabError(
            f"cannot write: {error.strerror}", where=str(path), hint="check the folder's rights"
        ) from None
    write_text(path, text)


def _one(bench: Workbench, reference: str) -> Template:
    """Load the one version that a reference names."""
    return bench.library.load_one(reference)


def _summary(loaded: Template) -> dict[str, object]:
    front = loaded.front
    return {
        "template": loaded.source.name,
        "version": loaded.source.version,
        "digest": loaded.source.digest,
        "description": front.description,
        "parent": front.parent,
        "practices": list(loaded.practices),
        "variables": list(loaded.variables),
        "answers": sorted(loaded.answers),
        "notes": front.notes,
    }


def _history(session: Session, bench: Workbench, name: str) -> list[TemplateHistory]:
    """Return what the database remembers of a template; nothing where there is none yet."""
    if session.database is None and not (bench.project.root / DATABASE).exists():
        return []
    with open_store(session) as store:
        return list(store.template_history(name))


def _print_log(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    table = plain_table("version", "digest", "first run", "trials", "", right=("trials",))
    for row in rows:
        told = row.get("description") or ""
        if not row["current"]:
            told = "(an older text under this label)"
        first = (row.get("first_run") or "")[:10]
        trials = str(row.get("trials") or "")
        table.add_row(row["version"], row["digest"][:11], first, trials, told)
    stdout().print(table)


def _with_parent(parent: Template, name: str) -> str:
    """Return the parent's text, naming it as the parent if it is a version of the same template."""
    version = parent.source.version if parent.source.name == name else None
    return with_parent(parent.source.source, parent.file, version)


def _next(newest: str | None) -> str:
    """Return the version after `newest`: its last number plus one."""
    if newest is None:
        return "v1"
    match = re.search(r"(\d+)(\D*)$", newest)
    if match is None:
        return f"{newest}2"
    return f"{newest[: match.start()]}{int(match[1]) + 1}{match[2]}"


def _known_practices(loaded: Template, off: tuple[str, ...]) -> frozenset[str]:
    for name in off:
        if name not in loaded.blocks:
            raise unknown("marked practice", name, loaded.blocks, of=loaded.reference)
    return frozenset(off)


def _variables(
    bench: Workbench, suite_name: str | None, case_id: str | None, params: Mapping[str, Json]
) -> tuple[Mapping[str, Json], ImageFolder]:
    """Gather the variables of one rendering: a case of a suite, and what the user gives."""
    if suite_name is None:
        return params, ImageFolder(Path.cwd())
    suite = load_suite(bench.project.suites, suite_name)
    cases = {case.id: case for case in suite.read_cases()}
    if case_id is not None and case_id not in cases:
        raise unknown("case", case_id, cases, of=f"suite {suite.name}")
    case = cases[case_id] if case_id else next(iter(cases.values()))
    return {**case.vars, **params}, ImageFolder(suite.assets)


def _call_json(call: Call) -> dict[str, object]:
    return {"answer": call.name, "messages": messages_json(call.messages)}
