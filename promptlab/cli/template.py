"""`promptlab template`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from promptlab.cli.output import print_json, say, stdout, tell
from promptlab.cli.params import ParamCommand, param_option
from promptlab.cli.verbs import VerbGroup, example
from promptlab.core.lazy import lazy_module
from promptlab.core.visible import visible
from promptlab.report.documents.calls import calls_json
from promptlab.report.terminal.tables import plain_table
from promptlab.report.terminal.trial import print_messages, print_raw
from promptlab.templates.template import Template
from promptlab.workbench.bench import Workbench
from promptlab.workbench.raw_prompts import raw_prompts
from promptlab.workbench.restoring import restore_text
from promptlab.workbench.session import Session
from promptlab.workbench.versions import (
    PastText,
    Rendering,
    all_versions,
    history,
    load_version,
    marks_of_others,
    new_version,
    point_alias,
    render_calls,
)

if TYPE_CHECKING:
    from promptlab.workbench import splitting
else:
    splitting = lazy_module("promptlab.workbench.splitting")  # numpy


@click.group(cls=VerbGroup, epilog=example("template list", "template new sentiment"))
def template() -> None:
    """List, show, create, restore, split, render and tag template versions."""


@template.command("list", epilog=example("template list"))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """List every version of every template."""
    versions = all_versions(Workbench(session))
    if as_json:
        print_json([_summary(loaded) for loaded in versions])
        return
    table = plain_table("version", "parent", "practices", "description")
    for loaded in versions:
        front = loaded.front
        practices = " ".join(loaded.practices)
        table.add_row(loaded.reference, front.parent or "", practices, front.description)
    stdout().print(table)


@template.command(epilog=example("template show sentiment@v2"))
@click.argument("reference", metavar="REF")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def show(session: Session, reference: str, as_json: bool) -> None:
    """Show the text of REF, what it needs from a case, and its digest."""
    loaded = load_version(Workbench(session), reference)
    tell(*(f"Note: {visible(note)}" for note in marks_of_others(loaded)))
    if as_json:
        source = {"source": loaded.source.source, "includes": dict(loaded.source.includes)}
        print_json({**_summary(loaded), **source})
        return
    say(f"{loaded.reference}  {loaded.source.digest}")
    say(f"variables: {', '.join(loaded.variables) or 'none'}")
    if loaded.answers:
        say(f"answers: {', '.join(sorted(loaded.answers))}")
    say("")
    say(loaded.source.source.rstrip("\n"))
    for file, text in loaded.source.includes.items():
        say(f"\n# templates/{file}")
        say(text.rstrip("\n"))


@template.command(epilog=example("template log sentiment"))
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def log(session: Session, name: str, as_json: bool) -> None:
    """Show the history of template NAME: its versions, and every text they have had in runs."""
    texts = history(Workbench(session), name)
    if as_json:
        print_json([asdict(row) for row in texts])
    else:
        _print_log(texts)


@template.command(epilog=example("template new sentiment --from v2"))
@click.argument("name")
@click.option(
    "--from", "origin", metavar="REF", help="The version to start from; by default the newest."
)
@click.option(
    "--version", "version", help="The name of the new version; by default the next number."
)
@click.pass_obj
def new(session: Session, name: str, origin: str | None, version: str | None) -> None:
    """Create a new version of template NAME, or a new template."""
    bench = Workbench(session)
    made = new_version(bench, name, origin, version)
    say(f"created {made.path.relative_to(bench.project.root)}")
    tell(*(f"Note: {visible(note)}" for note in made.notes))


@template.command(epilog=example("template split sentiment@v1 v3"))
@click.argument("first", metavar="REF")
@click.argument("second", metavar="REF")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def split(session: Session, first: str, second: str, as_json: bool) -> None:
    """Write the versions between two, each the first with one hunk of the second.

    Once they are run, `promptlab diff` shows which cases flipped at which hunk.
    """
    bench = Workbench(session)
    made = splitting.split(bench, first, second)
    tell(*(f"Note: {visible(note)}" for note in made.notes))
    root = bench.project.root
    if as_json:
        versions = [_between_json(each, str(each.path.relative_to(root))) for each in made.versions]
        print_json({"a": made.a, "b": made.b, "versions": versions, "command": made.command})
        return
    for each in made.versions:
        done = "created" if each.is_new else "is there already:"
        say(f"{done} {each.path.relative_to(root)} (hunk {each.change.number})")
    if made.hunks == 2:
        say(f"The other hunk is what leads from there to {made.b}.")
    say(f"To measure: {made.command}", f"Then: promptlab diff {made.a} {made.b}")


def _between_json(each: splitting.Between, path: str) -> dict[str, object]:
    return {
        "version": each.version,
        "path": path,
        "hunk": each.change.number,
        "created": each.is_new,
    }


@template.command(
    epilog=example(
        "template restore b2:28251978", "template restore 'sentiment@v2 [282519]' --as v5"
    )
)
@click.argument("reference", metavar="REF")
@click.option(
    "--as", "version", metavar="VERSION", help="The version to write; by default its own."
)
@click.pass_obj
def restore(session: Session, reference: str, version: str | None) -> None:
    """Write a text that was run back to its file, with the files that it includes.

    REF is a name of the text as other verbs print it: its digest, or `sentiment@v2 [282519]`. A
    file with another text is never overwritten.
    """
    bench = Workbench(session)
    restored = restore_text(bench, reference, version)
    for path in restored.written:
        say(f"created {visible(str(path.relative_to(bench.project.root)))}")
    if not restored.written:
        name = restored.reference.partition("@")[0]
        say(f"{restored.reference} has this text already; its others: template log {name}")
    elif restored.same:
        say(f"{restored.reference} is again what was run: its results belong to it")
    tell(*(f"Note: {visible(note)}" for note in restored.notes))


@template.command(epilog=example("template tag sentiment@v3 best"))
@click.argument("reference", metavar="REF")
@click.argument("alias")
@click.pass_obj
def tag(session: Session, reference: str, alias: str) -> None:
    """Point ALIAS at the version REF: `sentiment@best` then means it."""
    pointed = point_alias(Workbench(session), reference, alias)
    was = f" (was {pointed.before})" if pointed.before not in (None, pointed.version) else ""
    say(f"{pointed.name}@{pointed.alias} now means {pointed.name}@{pointed.version}{was}")


@template.command(
    cls=ParamCommand, epilog=example("template render sentiment@v2 --suite sentiment --case r06")
)
@click.argument("reference", metavar="REF")
@click.option("--suite", metavar="NAME", help="Take the variables from a case of this suite.")
@click.option("--case", "case_id", metavar="ID", help="Which case; by default the first.")
@param_option("A variable; KEY=VALUE will do too.")
@click.option("--off", multiple=True, metavar="PRACTICE", help="Switch this practice off.")
@click.option("--raw", is_flag=True, help="Show the exact tokens that a local model reads (-b).")
@click.option("-b", "--backend", metavar="BACKEND", help="Whose tokens: a backend of kind hf.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def render(
    session: Session,
    reference: str,
    suite: str | None,
    case_id: str | None,
    params: tuple[tuple[str, str], ...],
    off: tuple[str, ...],
    raw: bool,
    backend: str | None,
    as_json: bool,
) -> None:
    """Render REF as the model would see it, with placeholders for answers still to come."""
    bench = Workbench(session)
    rendering = Rendering(suite=suite, case_id=case_id, params=dict(params), off=off)
    calls, notes = render_calls(bench, reference, rendering)
    tell(*(f"Note: {visible(note)}" for note in notes))
    prompts = raw_prompts(bench, backend, calls) if raw or backend is not None else []
    if as_json:
        print_json(calls_json(calls, prompts))
        return
    for prompt in prompts[-1:]:
        print_raw(stdout(), prompt)
    for call in calls[-1:] if not prompts else ():
        print_messages(stdout(), call.messages)


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


def _print_log(rows: Sequence[PastText]) -> None:
    table = plain_table("version", "digest", "first run", "trials", "", right=("trials",))
    for row in rows:
        text = row.description or "" if row.current else _fate(row)
        first = (row.first_run or "")[:10]
        table.add_row(row.version, row.digest[:11], first, str(row.trials or ""), text)
    stdout().print(table)


def _fate(row: PastText) -> str:
    """Say what became of a text that its version no longer has."""
    what = "edited since" if row.fate == "edited" else "deleted since"
    return f"({what}; the text of {row.kept_as} now)" if row.kept_as else f"({what})"
