"""The versions of a project's templates: listed, created, named, rendered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from promptlab.cases.images import ImageFolder
from promptlab.core.errors import PromptlabError
from promptlab.core.files import exists, locked, make_folder, write_text
from promptlab.core.plugins import unknown
from promptlab.core.results import TemplateHistory
from promptlab.core.types import Json
from promptlab.experiments.suite import load_suite
from promptlab.importers.stand_ins import imported_template
from promptlab.templates.front_matter import SLUG, with_parent
from promptlab.templates.library import ALIASES
from promptlab.templates.other_tools import notes_on
from promptlab.templates.past import is_older, label_of
from promptlab.templates.template import Call, Template
from promptlab.workbench.bench import Workbench

_VERSION = re.compile(r"\w[\w-]*(?:\.[\w-]+)*")
_FIRST_VERSION = """\
---
description: What this version tries.
---
{% user %}
Write the prompt here; {{ text }} comes from the case.
{% enduser %}
"""


@dataclass(frozen=True, slots=True)
class PastText:
    """A text that a version has or had. Only the `current` one has parent and description.

    `fate` says of any other whether its version was `edited` since, or `deleted`; `kept_as` is a
    version that has the same text today, if there is one. `first_run` is when it was first run,
    None if never; `trials` counts its results.
    """

    version: str
    digest: str
    current: bool
    parent: str | None
    description: str | None
    first_run: str | None
    trials: int
    fate: Literal["edited", "deleted"] | None = None
    kept_as: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What a version is rendered with: a case of a suite, by default its first, and variables.

    Variables override those of the case. Practices in `off` are left out.
    """

    suite: str | None = None
    case_id: str | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    off: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Alias:
    """An alias and the version that it now means; `before` is what it meant until now."""

    name: str
    alias: str
    version: str
    before: str | None


@dataclass(frozen=True, slots=True)
class NewVersion:
    """The file of a new version, and what is to be said of it."""

    path: Path
    notes: tuple[str, ...] = ()


def load_version(bench: Workbench, reference: str) -> Template:
    """Load the version that a reference names."""
    return bench.library.load_one(reference)


def marks_of_others(loaded: Template) -> Sequence[str]:
    """Note marks of other tools in a version, as far as its own variables tell."""
    return notes_on(loaded.source, {*loaded.variables, *loaded.front.inputs})


def all_versions(bench: Workbench) -> list[Template]:
    """Load every version of every template."""
    library = bench.library
    return [
        library.load(name, version)
        for name in library.names()
        for version in library.versions(name)
    ]


def history(bench: Workbench, name: str) -> list[PastText]:
    """Return the versions of a template, and every text that they have had in runs."""
    past = {(each.version, each.digest): each for each in _past_texts(bench, name)}
    known = name in bench.library.names() or not past
    versions = bench.library.versions(name) if known else []
    now = {version: bench.library.load(name, version) for version in versions}
    kept = {loaded.source.digest: version for version, loaded in reversed(now.items())}
    current = [
        PastText(
            version=version,
            digest=loaded.source.digest,
            current=True,
            parent=loaded.front.parent,
            description=loaded.front.description,
            first_run=ran.first_seen if ran else None,
            trials=ran.trials if ran else 0,
        )
        for version, loaded in now.items()
        for ran in (past.pop((version, loaded.source.digest), None),)
    ]
    earlier = (
        PastText(
            version=each.version,
            digest=each.digest,
            current=False,
            parent=None,
            description=None,
            first_run=each.first_seen,
            trials=each.trials,
            fate="edited" if each.version in now else "deleted",
            kept_as=kept.get(each.digest),
        )
        for each in past.values()
    )
    return [*current, *earlier]


def _past_texts(bench: Workbench, name: str) -> list[TemplateHistory]:
    """Return the texts of a template that the database knows; none if there is no database yet."""
    if bench.session.database is None and not bench.has_database:
        return []
    with bench.open_store() as store:
        return store.texts.history(name)


def new_version(bench: Workbench, name: str, origin: str | None, version: str | None) -> NewVersion:
    """Write a new version of a template, or a new template.

    It starts from the version `origin`, by default the newest, and notes it as its parent. A text
    of the past is written as it was, so that its results belong to the new version.
    """
    if not SLUG.match(name):
        hint = "use lower-case letters, digits, _ and -"
        raise PromptlabError(f"{name!r} is not a valid template name", hint=hint)
    if version is not None:
        require_version_name(version)
    with locked(bench.project.templates):
        known = name in bench.library.names()
        text, start = _FIRST_VERSION, None
        if origin is not None or known:
            among = (name,) if known or bench.library.was_run(name) else ()
            start = bench.library.load_one(origin or name, among)
            text = _copied(start, name)
        newest = bench.library.versions(name)[-1] if known else None
        path = bench.project.templates / name / f"{version or _next(newest)}.j2"
        if exists(path):
            raise PromptlabError("already exists", where=str(path), hint="choose another --version")
        make_folder(path.parent)
        write_text(path, text, new=True)
    return NewVersion(path, _unlike(bench, start, name, path.stem))


def require_version_name(version: str) -> str:
    """Return the name of a version; raise PromptlabError if it cannot be one."""
    if not _VERSION.fullmatch(version):
        hint = "use letters, digits, _ and -, as in v4"
        raise PromptlabError(f"{version!r} is not a valid version name", hint=hint)
    return version


def point_alias(bench: Workbench, reference: str, alias: str) -> Alias:
    """Point an alias of a template at a version."""
    name, version = bench.library.only(reference)
    bench.library.load(name, version)
    if not SLUG.match(alias):
        hint = "use lower-case letters, digits, _ and -, as in best"
        raise PromptlabError(f"{alias!r} is not a valid alias", hint=hint)
    if alias in bench.library.versions(name):
        raise PromptlabError(f"{alias!r} is a version of {name}", hint="choose another alias")
    with locked(bench.project.templates):
        before = bench.library.aliases(name).get(alias)
        text = bench.library.with_alias(name, alias, version)
        write_text(bench.project.templates / name / ALIASES, text)
    return Alias(name, alias, version, before)


def render_calls(
    bench: Workbench, reference: str, rendering: Rendering
) -> tuple[list[Call], Sequence[str]]:
    """Render every call of a version, with placeholders for answers still to come; note marks of
    other tools, which are sent as they stand.
    """
    loaded = load_version(bench, reference)
    variables, images = _variables(bench, rendering)
    off = _known_practices(loaded, rendering.off)
    try:
        calls = list(loaded.calls(variables, off, images.load))
    except PromptlabError as error:
        if rendering.suite is not None or "is undefined" not in error.message:
            raise
        raise error.advising("set it with -p KEY VALUE, or take a case's with --suite") from None
    return calls, notes_on(loaded.source, variables)


def _copied(start: Template, name: str) -> str:
    """Return the text of a new version that starts from another."""
    source = start.source
    if not is_older(source.version):
        return _with_parent(start, name)
    if source.digest == imported_template(source.name, label_of(source.version)).digest:
        raise PromptlabError(
            f"the text of {source.name}@{label_of(source.version)} is not known: it was imported"
        )
    return source.source


def _unlike(bench: Workbench, start: Template | None, name: str, version: str) -> tuple[str, ...]:
    """Note where a text of the past would not give the prompts that it gave."""
    if start is None or not is_older(start.source.version):
        return ()
    if bench.library.digest_of(name, version) == start.source.digest:
        return ()
    return (
        f"{name}@{version} is not all that was run as {start.reference}: what it includes, or how"
        " lines are kept, has changed since, and its earlier results stay with the earlier prompts",
    )


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


def _known_practices(loaded: Template, off: Iterable[str]) -> frozenset[str]:
    for name in off:
        if name not in loaded.blocks:
            raise unknown("marked practice", name, loaded.blocks, of=loaded.reference)
    return frozenset(off)


def _variables(bench: Workbench, rendering: Rendering) -> tuple[Mapping[str, Json], ImageFolder]:
    """Gather the variables of one rendering: those of a case, and the user's own."""
    root = bench.project.root
    if rendering.suite is None:
        return rendering.params, ImageFolder(Path.cwd(), root)
    suite = load_suite(bench.project.suites, rendering.suite)
    cases = {case.id: case for case in suite.read_cases()}
    wanted = rendering.case_id
    if wanted is not None and wanted not in cases:
        raise unknown("case", wanted, cases, of=f"suite {suite.name}")
    case = cases[wanted] if wanted else next(iter(cases.values()))
    return {**case.vars, **rendering.params}, ImageFolder(suite.assets, root)
