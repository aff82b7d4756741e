"""The texts of templates as a database and a project know them, and what changed between two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptlab.analysis.hunk_flips import FlipsByHunk, HunkFlips
from promptlab.analysis.reported import TextStep
from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.core.types import TemplateSource
from promptlab.templates.changes import Changes
from promptlab.templates.diff import diff_versions
from promptlab.templates.past import older_version
from promptlab.templates.template import Template
from promptlab.workbench.bench import Workbench
from promptlab.workbench.flips import flips_by_hunk
from promptlab.workbench.measured import measured
from promptlab.workbench.versions import PastText, history


def template_names(bench: Workbench) -> list[str]:
    """Return the names of all templates: those of the project, and those that were run."""
    names: dict[str, None] = {}
    if bench.project_if_any is not None:
        names.update(dict.fromkeys(bench.library.names()))
    if bench.has_database:
        with bench.open_store() as store:
            names.update(dict.fromkeys(name for name, *_ in store.texts.labels()))
    return sorted(names)


def texts_of(bench: Workbench, name: str) -> Sequence[PastText]:
    """Return all texts that the versions of a template have or had, in the order of versions."""
    if bench.project_if_any is not None:
        return history(bench, name)
    with bench.open_store() as store:
        past = store.texts.history(name)
        known = {label for label, *_ in store.texts.labels()}
    if not past:
        raise unknown("template", name, sorted(known))
    return [
        PastText(each.version, each.digest, False, None, None, each.first_seen, each.trials)
        for each in past
    ]


def text_at(bench: Workbench, name: str, digest: str) -> Template:
    """Return the text of a template that has this digest, from its file or from a run."""
    current = [text for text in texts_of(bench, name) if text.digest == digest]
    if not current:
        raise PromptlabError(f"template {name} has no text {digest}")
    if current[0].current:
        return bench.library.load(name, current[0].version)
    with bench.open_store() as store:
        source, includes = store.texts.read(digest)
    version = current[0].version
    if bench.project_if_any is not None:  # there is a text of today beside it
        version = older_version(version, digest)
    return Template(TemplateSource(name, version, source, includes, digest))


@dataclass(frozen=True, slots=True)
class Between:
    """What changed from one text to another; `run_id` has the second one, None if unmeasured."""

    step: TextStep
    run_id: str | None


def step_between(bench: Workbench, a: Template, b: Template) -> Between:
    """Return what changed from one text to another, with the cases that flipped."""
    if bench.project_if_any is None:  # nothing says how to decide
        changes = tuple(HunkFlips(change) for change in Changes(a, b).all)
        hunks = FlipsByHunk(a.reference, b.reference, b.file, changes)
        return Between(TextStep(diff_versions(a, b), (), (), hunks), None)
    results = measured(bench, a.source, b.source, None)
    won = dict.fromkeys(case for each in results.comparisons for case in each.won)
    lost = dict.fromkeys(case for each in results.comparisons for case in each.lost)
    hunks = flips_by_hunk(bench, a, b, results)
    step = TextStep(diff_versions(a, b), tuple(won), tuple(lost), hunks)
    return Between(step, results.runs[-1] if results.runs else None)
