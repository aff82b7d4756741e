"""Whether scorers may run what models wrote, and whether they can on this machine.

A suite says so in its file, as that is today: also for a run that was stored before.
"""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.core.errors import PromptlabError
from promptlab.experiments.suite import Suite, load_suite
from promptlab.scorers.bound import BoundScorer
from promptlab.scorers.entries import told_at
from promptlab.workbench.bench import Workbench

_ALLOW = "allow_code"


def require_allowed(suite: Suite, scorers: Sequence[BoundScorer]) -> None:
    """Refuse scorers that run what models wrote, unless the suite allows it."""
    for scorer in scorers:
        if scorer.executes and not suite.settings.allow_code:
            with told_at(scorer.where):
                raise _forbidden(scorer, f"suites/{suite.name}.yaml")


def require_code_allowed(bench: Workbench, suite: str, scorers: Sequence[BoundScorer]) -> None:
    """Refuse scorers of a stored run that run what models wrote, unless its suite allows it now.

    Where it does, refuse those that cannot work here.
    """
    for scorer in scorers:
        if scorer.executes:
            try:
                allowed = load_suite(bench.project.suites, suite).settings.allow_code
            except PromptlabError:
                allowed = False
            if not allowed:
                raise _forbidden(scorer, f"suites/{suite}.yaml")
    require_able(scorers, safe=bench.session.safe)


def require_able(scorers: Sequence[BoundScorer], *, safe: bool) -> None:
    """Refuse scorers that cannot work here, and with `safe` those that run what models wrote."""
    for scorer in scorers:
        if safe and scorer.executes:
            raise PromptlabError(
                f"scorer {scorer.spec.label!r} runs code that models wrote, which --safe does not",
                hint="look at the outputs first: promptlab --safe show --full",
            )
        scorer.require_ready()


def _forbidden(scorer: BoundScorer, file: str) -> PromptlabError:
    return PromptlabError(
        f"scorer {scorer.spec.label!r} runs code that models wrote",
        hint=f"if that is what you want, write {_ALLOW}: true into {file}",
    )
