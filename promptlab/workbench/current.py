"""What a suite says today, as far as stored results can be held against it."""

from __future__ import annotations

from dataclasses import dataclass

from promptlab.core.errors import PromptlabError
from promptlab.experiments.suite import load_suite, suite_names
from promptlab.workbench.bench import Workbench


@dataclass(frozen=True, slots=True)
class CurrentSuite:
    """The digests of a suite's cases, and of the texts that its templates mean."""

    cases: frozenset[str]
    texts: frozenset[str]


def nothing_known(_: str) -> None:
    """Say that no suite is known."""


def current_suite(bench: Workbench, name: str) -> CurrentSuite | None:
    """Return what a suite says; None where there is no such file, or none that can be read."""
    try:
        project = bench.project_if_any
        if project is None or name not in suite_names(project.suites):
            return None
        suite = load_suite(project.suites, name)
        versions = [at for text in suite.settings.templates for at in bench.library.resolve(text)]
        texts = frozenset(bench.library.read(*version).digest for version in versions)
        return CurrentSuite(frozenset(case.digest for case in suite.read_cases()), texts)
    except PromptlabError:
        return None
