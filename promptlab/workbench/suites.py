"""What the suites of a project say, and which runs there are of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from promptlab.core.errors import PromptlabError
from promptlab.core.groups import group_of
from promptlab.core.results import RunInfo
from promptlab.experiments.outline import SuiteOutline
from promptlab.experiments.plan import in_holdout
from promptlab.experiments.suite import load_suite, suite_names
from promptlab.workbench.bench import Workbench
from promptlab.workbench.graders import scorers_named


def suites_of(bench: Workbench) -> list[SuiteOutline]:
    """Return every suite of the project, by name; what is wrong with one hides no other."""
    runs = _runs(bench)
    found = []
    for name in suite_names(bench.project.suites):
        try:
            found.append(_outline(bench, name, runs))
        except PromptlabError as error:
            own = [run for run in runs if run.suite == name]
            found.append(SuiteOutline(name, runs=own, problem=error))
    return found


def outline_of(bench: Workbench, name: str) -> SuiteOutline:
    """Return one suite; raise `PromptlabError` for one that cannot be read."""
    return _outline(bench, name, _runs(bench))


def _runs(bench: Workbench) -> list[RunInfo]:
    if not bench.has_database:
        return []
    with bench.open_store() as store:
        return store.runs()


def _outline(bench: Workbench, name: str, runs: Sequence[RunInfo]) -> SuiteOutline:
    suite = load_suite(bench.project.suites, name)
    settings, cases = suite.settings, suite.read_cases()
    versions = [at for text in settings.templates for at in bench.library.resolve(text)]
    tags = Counter(tag for case in cases for tag in dict.fromkeys(case.tags))
    return SuiteOutline(
        name=suite.name,
        settings=settings,
        scorers=scorers_named(suite),
        versions=tuple(dict.fromkeys(f"{template}@{version}" for template, version in versions)),
        cases=len(cases),
        tags=dict(tags),
        groups=len({group_of(case) for case in cases}),
        held_out=sum(in_holdout(case, settings.holdout, settings.seed) for case in cases),
        runs=[run for run in runs if run.suite == suite.name],
    )
