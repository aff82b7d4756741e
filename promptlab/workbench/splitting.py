"""Versions between two others, each the first one with one hunk of the second."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from promptlab.core.errors import PromptlabError
from promptlab.core.files import exists, locked, write_text
from promptlab.core.yaml_edit import with_key
from promptlab.templates.changes import Change, Changes, Numbers
from promptlab.templates.fences import FRONT
from promptlab.templates.front_matter import with_parent
from promptlab.templates.references import natural_key
from promptlab.templates.template import Template
from promptlab.workbench.bench import Workbench
from promptlab.workbench.flips import running, versions_between
from promptlab.workbench.suite_search import suites_with


@dataclass(frozen=True, slots=True)
class Between:
    """A version between two others: its file, the hunk that it has, and whether it is new."""

    version: str
    path: Path
    change: Change
    is_new: bool


@dataclass(frozen=True, slots=True)
class Split:
    """The versions between `a` and `b`, the command that measures them, and what else to know."""

    a: str
    b: str
    versions: tuple[Between, ...]
    hunks: int
    command: str
    notes: tuple[str, ...]


def split(bench: Workbench, first: str, second: str) -> Split:
    """Write the versions that tell the hunks between two versions apart, where there are none yet.

    Of two hunks one version does: the other hunk is what leads from it to the second version.
    """
    name, version = bench.library.only(first)
    a = bench.library.load(name, version)
    b = bench.library.load(*bench.library.only(second, (name,)))
    if b.source.name != name:
        raise PromptlabError(
            f"{a.reference} and {b.reference} are not versions of one template",
            hint="name two versions of one template",
        )
    changes = Changes(a, b)
    if len(changes.loud) < 2:
        what = "differ in one hunk alone" if changes.loud else "send the same"
        raise PromptlabError(
            f"{a.reference} and {b.reference} {what}: there is nothing to tell apart",
            hint=f"promptlab diff {a.reference} {b.reference} shows both",
        )
    with locked(bench.project.templates):
        known = versions_between(bench, changes)
        versions = tuple(_between(bench, changes, at, known.get(at)) for at in changes.between)
    references = [a.reference, *(f"{name}@{each.version}" for each in versions), b.reference]
    suite = next((suite.name for suite in suites_with(bench, (a, b))), None)
    return Split(
        a.reference,
        b.reference,
        versions,
        len(changes.loud),
        running(bench, suite, references),
        tuple(_notes(changes)),
    )


def _between(bench: Workbench, changes: Changes, at: Numbers, known: str | None) -> Between:
    """Return the version with these changes; write it if none is `known`."""
    name = changes.a.source.name
    change = next(change for change in changes.all if change.number in at)
    folder = bench.project.templates / name
    if known is not None:
        return Between(known, folder / f"{known}.j2", change, is_new=False)
    version = _free(bench, changes, change.number)
    path = folder / f"{version}.j2"
    a, b = changes.a.source.version, changes.b.source.version
    source = changes.text(at)
    try:
        Template(source)
    except PromptlabError as error:
        raise error.saying(f"with hunk {change.number} alone, {error.message}") from None
    text = with_parent(source.source, changes.a.file, a)
    write_text(path, _described(text, f"{a} with hunk {change.number} of {b} alone."), new=True)
    return Between(version, path, change, is_new=True)


def _described(text: str, description: str) -> str:
    match = FRONT.match(text)
    assert match is not None  # it names its parent
    front = with_key(match[1], "front matter", "description", description)
    return text[: match.start(1)] + front + text[match.end(1) :]


def _free(bench: Workbench, changes: Changes, number: int) -> str:
    """Return a free name for a version with one hunk, which sorts between the two.

    It must not become the newest version, which a template without a version means.
    """
    versions = bench.library.versions(changes.a.source.name)
    a, b = changes.a.source.version, changes.b.source.version
    low, high = sorted((a, b), key=natural_key)
    middle = "" if low == a else "from-"
    for start in (f"{low}-{middle}{high}", f"{low}-0-{middle}{high}"):
        name = f"{start}-h{number}"
        if natural_key(name) < natural_key(versions[-1]):
            again = (f"{name}-{count}" for count in range(2, len(versions) + 3))
            folder = bench.project.templates / changes.a.source.name
            return next(each for each in (name, *again) if not exists(folder / f"{each}.j2"))
    raise PromptlabError(
        f"no name for a version between {a} and {b} would sort before {versions[-1]}",
        hint="rename one of them: v1, v2",
    )


def _notes(changes: Changes) -> list[str]:
    a, b = changes.a, changes.b
    notes = [
        f"the hunks at {_places(change)} belong together: no template has only some of them"
        for change in changes.loud
        if len(change.edits) > 1
    ]
    if set(a.front.practices) != set(b.front.practices):
        notes.append(
            f"which hunk carries out a practice is not known: the new versions declare those of"
            f" {a.reference}"
        )
    return notes


def _places(change: Change) -> str:
    hunks = [edit.hunk for edit in change.edits if edit.hunk is not None]
    lines = [str(hunk.start_b if hunk.length_b else hunk.start_a) for hunk in hunks]
    return f"lines {', '.join(lines[:-1])} and {lines[-1]}" if len(lines) > 1 else "one file"
