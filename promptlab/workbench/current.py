"""What a suite says today, as far as stored results can be held against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.workbench.bench import Workbench

if TYPE_CHECKING:
    from promptlab.experiments import plan as plans
    from promptlab.experiments import suite as suites
else:  # pydantic, only where there is more than one run
    plans = lazy_module("promptlab.experiments.plan")
    suites = lazy_module("promptlab.experiments.suite")


@dataclass(frozen=True, slots=True)
class CurrentSuite:
    """The digests of a suite's cases, of those in its holdout, and of its templates' texts."""

    cases: frozenset[str]
    holdout: frozenset[str]
    texts: frozenset[str]

    def side(self, split: str) -> frozenset[str]:
        """Return the digests of the cases on a side of the holdout, or of all."""
        sides = {"holdout": self.holdout, "dev": self.cases - self.holdout}
        return sides.get(split, self.cases)


def nothing_known(_: str) -> None:
    """Say that no suite is known."""


def current_suite(bench: Workbench, name: str) -> CurrentSuite | None:
    """Return what a suite says; None where there is no such file, or none that can be read."""
    try:
        project = bench.project_if_any
        if project is None or name not in suites.suite_names(project.suites):
            return None
        suite = suites.load_suite(project.suites, name)
        versions = [at for text in suite.settings.templates for at in bench.library.resolve(text)]
        texts = frozenset(bench.library.read(*version).digest for version in versions)
        cases = suite.read_cases()
        share, seed = suite.settings.holdout, suite.settings.seed
        held = (case.digest for case in cases if plans.in_holdout(case, share, seed))
        return CurrentSuite(frozenset(case.digest for case in cases), frozenset(held), texts)
    except PromptlabError:
        return None
