"""The scorers of a suite, and where it has them."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.core.errors import PromptlabError
from promptlab.experiments.graders import Places
from promptlab.experiments.suite import Suite
from promptlab.scorers.binding import BoundScorer, bind, kinds_of
from promptlab.scorers.entries import Where
from promptlab.scorers.sets import Folder
from promptlab.workbench.bench import Workbench


def bind_scorers(bench: Workbench, suite: Suite) -> tuple[BoundScorer, ...]:
    """Return the scorers of a suite, and those of its cases."""
    try:
        return bind(
            suite.settings.scorers,
            bench.project.root,
            where=_where(suite),
            folder=_folder(suite),
            cases=suite.read_cases(),
            prompts=bench.judge_prompts,
        )
    except PromptlabError as error:
        raise error.advising(
            error.hint or "promptlab scorer show NAME lists its parameters"
        ) from None


def scorers_named(suite: Suite) -> dict[str, str]:
    """Return the label of each scorer of a suite and of its cases, with its kind."""
    return kinds_of(
        suite.settings.scorers,
        where=_where(suite),
        folder=_folder(suite),
        cases=suite.read_cases(),
    )


def _where(suite: Suite) -> Where:
    return lambda path: suite.document.where(("scorers", *path))


def _folder(suite: Suite) -> Folder:
    return Folder(suite.path.parent, "suites")


def places_of(scorers: Sequence[BoundScorer]) -> Places:
    """Return where a suite has its scorers, and what it says of the answers that they grade."""
    return Places(
        {scorer.spec.label: told(scorer.where) for scorer in scorers},
        {answer: told(where) for scorer in scorers for answer, where in scorer.answers().items()},
        {arm: told(where) for scorer in scorers for arm, where in scorer.rivals().items()},
    )


def told(where: Where | None) -> str:
    """Return the place of a scorer as text, "" if it is not known."""
    return "" if where is None else where(())
