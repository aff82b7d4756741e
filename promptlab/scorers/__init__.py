"""How outputs are graded: a scorer is a function of one `Sample`, made by `@scorer`.

    @scorer(version="1")
    def exact_match(sample: Sample, *, target: str = "{{ expect }}") -> bool:
        '''The whole output equals the target.'''

The parameters after the sample are the scorer's options: they are checked against their
annotations, and a text that holds `{{ ... }}` is filled in from the case (`fill`). A scorer
returns a verdict (bool), a number, or a `Score` with a reason. It may be async. What it raises
becomes a failed score, never the end of a run.

A scorer that wants to know how likely the model finds given answers names them by `continuations`,
a function of the same parameters; `weighed` gives it what the model said of them. Where no scorer
of a suite reads the output (`reads_output=False`), the likeliest of such answers may stand for it.

A scorer is found by name among ours, then among the entry points `promptlab.scorers`, or as
`module:attr` of the user's project; that one may be a plain function without the decorator.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

from promptlab.core.digest import digest_text
from promptlab.core.errors import PromptlabError
from promptlab.core.foreign import foreign
from promptlab.core.plugins import load_attr, load_point, unknown
from promptlab.core.types import Case, Likelihood, Outcome, Score, Turn
from promptlab.scorers.signature import Parameter, parameters_of, summary_of

Verdict = bool | float | Score
Continuations = Callable[..., Sequence[str]]
F = TypeVar("F", bound=Callable[..., Verdict | Awaitable[Verdict]])

GROUP = "promptlab.scorers"
_MODULES = ("text", "structured", "shape", "likelihood")


@dataclass(frozen=True, slots=True)
class Sample:
    """All that a scorer may know of one trial. The sole input of every scorer."""

    output: str
    case: Case
    outcome: Outcome
    turns: tuple[Turn, ...] = ()

    def weighed(self, continuations: Sequence[str]) -> tuple[Likelihood, ...]:
        """Return how likely the model finds each of these answers, which the scorer asked for."""
        for turn in reversed(self.turns):
            if turn.request.continuations != tuple(continuations):
                continue
            if turn.completion.outcome is Outcome.ERROR:
                raise LookupError(f"the model was asked, but {turn.completion.error}")
            return turn.completion.likelihoods
        raise LookupError("the model was not asked how likely these answers are")


@dataclass(frozen=True, slots=True)
class Scorer:
    """A scorer function with its name and version. A new version makes new scores.

    `judge` says that it asks a model or a person, who may be wrong: no comparison concludes from
    its scores before the project states how well it agrees with people. `check` takes all
    parameters by keyword and raises `ValueError` where they do not go together. `continuations`
    takes the same and returns the answers that a model shall weigh. A scorer that does not read the
    output needs none. `libraries` are the distributions it grades with, whose versions count too.
    """

    name: str
    version: str
    function: Callable[..., Verdict | Awaitable[Verdict]]
    check: Callable[..., None] | None = None
    judge: bool = False
    continuations: Continuations | None = None
    reads_output: bool = True
    libraries: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """Tell whether this scorer is built in: quick, and known never to hang."""
        return self.function.__module__.startswith("promptlab.")


@dataclass(frozen=True, slots=True)
class Description:
    """What `scorer list` and `scorer show` say of a scorer."""

    name: str
    version: str
    summary: str
    parameters: tuple[Parameter, ...]


_DECORATED: list[Scorer] = []


def scorer(
    *,
    version: str = "1",
    check: Callable[..., None] | None = None,
    judge: bool = False,
    continuations: Continuations | None = None,
    reads_output: bool = True,
    libraries: Sequence[str] = (),
) -> Callable[[F], F]:
    """Make the decorated function a scorer under its own name."""

    def register(function: F) -> F:
        name = function.__name__
        _DECORATED.append(
            Scorer(
                name=name,
                version=version,
                function=function,
                check=check,
                judge=judge,
                continuations=continuations,
                reads_output=reads_output,
                libraries=tuple(libraries),
            )
        )
        return function

    return register


def scorer_names() -> list[str]:
    """List the scorers that have a name: ours, then those of entry points."""
    ours = _built_in()
    theirs = {point.name for point in entry_points(group=GROUP)}
    return [*ours, *sorted(theirs - set(ours))]


def get_scorer(name: str, root: Path | None = None) -> Scorer:
    """Return the scorer `name`; `module:attr` is looked up in the project at `root`."""
    if ":" in name:
        return _as_scorer(name, load_attr(name, root))
    if name in _built_in():
        return _built_in()[name]
    for point in entry_points(group=GROUP, name=name):
        return _as_scorer(name, load_point(point))
    raise unknown("scorer", name, scorer_names())


def describe(scorer: Scorer) -> Description:
    """Say what the scorer does and what its parameters are."""
    with foreign(f"scorer {scorer.name!r} cannot be read", passing=(PromptlabError,)):
        parameters = parameters_of(scorer.function)  # its annotations may be texts: code
    return Description(scorer.name, scorer.version, summary_of(scorer.function), parameters)


@cache
def _built_in() -> Mapping[str, Scorer]:
    for name in _MODULES:
        importlib.import_module(f"{__name__}.builtin.{name}")
    ours = [made for made in _DECORATED if made.ours]
    return {made.name: made for made in sorted(ours, key=lambda made: made.name)}


def _as_scorer(name: str, found: object) -> Scorer:
    """Name what was found as it was asked for, so that a stored run finds it again."""
    if not callable(found):
        raise PromptlabError(
            f"scorer {name!r} is not a function but {type(found).__name__}",
            hint="name a function of one sample: def mine(sample, *, option=1)",
        )
    for made in _DECORATED:
        if made.function is found:
            return replace(made, name=name)
    return Scorer(name, _source_version(found), found)


def _source_version(function: Callable[..., object]) -> str:
    """Return the digest of the function's source: an edited scorer grades anew."""
    try:
        return digest_text(inspect.getsource(function))
    except (OSError, TypeError):
        return "1"
