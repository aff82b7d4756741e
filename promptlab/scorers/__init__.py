"""How outputs are graded: a scorer is a function of one `Sample`, decorated with `@scorer`.

    @scorer(version="1")
    def exact_match(sample: Sample, *, target: str = "{{ expect }}") -> bool:
        '''The whole output equals the target.'''

The parameters after the sample are the scorer's options: they are checked against their
annotations, and a text that contains `{{ ... }}` is filled in from the case (`fill`). A scorer
returns a verdict (bool), a number, or a `Score` with a reason. It may be async. An exception
becomes a failed score and never ends a run.

A scorer that needs answers from a model defines `asks`, a function of the same arguments that
returns its questions (`Ask`); `Sample.answer_to` then returns the answers. The function is called
again with the answers so far until it asks nothing new. A parameter annotated `BackendName` names
the backend to ask; without one, the question goes to the model that gave the answer. If no scorer
of a suite reads the output (`reads_output=False`), the likeliest of several answers that such a
question weighs may stand in for it.

A scorer is looked up by name among the built-in ones, then among the entry points
`promptlab.scorers`, or as `module:attr` in the user's project, where it may also be a plain
function without the decorator.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import entry_points
from operator import attrgetter
from pathlib import Path
from typing import Literal, TypeVar

from promptlab.core.digest import source_version
from promptlab.core.errors import PromptlabError
from promptlab.core.foreign import foreign, is_async
from promptlab.core.plugins import load_attr, load_point, unknown
from promptlab.core.types import Case, Completion, Likelihood, Outcome, Score, Turn
from promptlab.scorers.asking import Ask, Asker, BackendName
from promptlab.scorers.signature import Parameter, parameters_of, summary_of

__all__ = [
    "Ask",
    "BackendName",
    "Description",
    "Runs",
    "Sample",
    "Scorer",
    "describe",
    "get_scorer",
    "scorer",
    "scorer_names",
]

Verdict = bool | float | Score
Asks = Callable[..., Iterable[Ask]]
Runs = Literal["inline", "thread", "async"]
F = TypeVar("F", bound=Callable[..., Verdict | Awaitable[Verdict]])

GROUP = "promptlab.scorers"
_MODULES = ("text", "structured", "shape", "likelihood")


@dataclass(frozen=True, slots=True)
class Sample:
    """Everything that a scorer may know about one trial. The only input of every scorer.

    `turns` are its model calls in order; those made by scorers are marked `aside`.
    """

    output: str
    case: Case
    outcome: Outcome
    turns: tuple[Turn, ...] = ()
    asker: Asker | None = field(default=None, repr=False)

    def answer_to(self, ask: Ask) -> Completion:
        """Return the model's answer to this question. Raise `LookupError` if there is none."""
        key = None if self.asker is None else self.asker.request(ask).key
        for turn in reversed(self.turns):
            if turn.request.key == key:
                return _answered(turn)
        raise LookupError("the model was not asked this")

    def answered(self, ask: Ask) -> bool:
        """Return whether the model was asked this, with or without success."""
        key = None if self.asker is None else self.asker.request(ask).key
        return any(turn.request.key == key for turn in self.turns)

    def weighed(self, continuations: Sequence[str]) -> tuple[Likelihood, ...]:
        """Return how likely the model finds each of these answers; the scorer must have asked."""
        for turn in reversed(self.turns):
            if turn.request.continuations == tuple(continuations) and self._is_of_prompt(turn):
                return _answered(turn).likelihoods
        raise LookupError("the model was not asked how likely these answers are")

    def _is_of_prompt(self, turn: Turn) -> bool:
        """Return whether a turn asks about the prompt whose answer is graded."""
        if turn.backend is not None:
            return False
        return self.asker is None or turn.request.messages == self.asker.prompt


def _answered(turn: Turn) -> Completion:
    if turn.completion.outcome is Outcome.ERROR:
        raise LookupError(f"the model was asked, but {turn.completion.error or 'gave no answer'}")
    return turn.completion


@dataclass(frozen=True, slots=True)
class Scorer:
    """A scorer function with its name and version. A new version produces new scores.

    A `judge` asks a model or a person, who may be wrong: no comparison concludes from its scores
    until the project states how well it agrees with people. `check` takes all parameters by keyword
    and raises `ValueError` if they contradict each other. `asks` takes the function's arguments and
    returns the questions to ask a model first. A scorer that does not read the output needs none.
    `libraries` are the distributions it grades with; their versions are part of its identity.
    `runs` is how the function is called: `inline`, for what is certain to be quick; in a `thread`
    of its own; or `async`, as a coroutine. It is optional: see `way`.
    """

    name: str
    version: str
    function: Callable[..., Verdict | Awaitable[Verdict]]
    check: Callable[..., None] | None = None
    judge: bool = False
    asks: Asks | None = None
    reads_output: bool = True
    libraries: tuple[str, ...] = ()
    runs: Runs | None = None

    @property
    def built_in(self) -> bool:
        """Return whether this scorer is built in, and so never hangs."""
        return self.function.__module__.startswith("promptlab.")

    @property
    def way(self) -> Runs:
        """Return how the function runs; by default, user-defined functions are assumed to block."""
        if self.runs is not None:
            return self.runs
        if is_async(self.function):
            return "async"
        return "inline" if self.built_in else "thread"


@dataclass(frozen=True, slots=True)
class Description:
    """What `scorer list` and `scorer show` display about a scorer."""

    name: str
    version: str
    summary: str
    parameters: tuple[Parameter, ...]


_DECORATED: list[Scorer] = []


def scorer(  # noqa: PLR0913 - one keyword for each property that a scorer may declare
    *,
    version: str = "1",
    check: Callable[..., None] | None = None,
    judge: bool = False,
    asks: Asks | None = None,
    reads_output: bool = True,
    libraries: Sequence[str] = (),
    runs: Runs | None = None,
) -> Callable[[F], F]:
    """Turn the decorated function into a scorer with the function's name."""

    def register(function: F) -> F:
        _DECORATED.append(
            Scorer(
                name=function.__name__,
                version=version,
                function=function,
                check=check,
                judge=judge,
                asks=asks,
                reads_output=reads_output,
                libraries=tuple(libraries),
                runs=runs,
            )
        )
        return function

    return register


def scorer_names() -> list[str]:
    """List the named scorers: the built-in ones, then those of entry points."""
    known = _built_in()
    offered = {point.name for point in entry_points(group=GROUP)}
    return [*known, *sorted(offered - set(known))]


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
    """Describe what the scorer does and what its parameters are."""
    with foreign(f"scorer {scorer.name!r} cannot be read", passing=(PromptlabError,)):
        parameters = parameters_of(scorer.function)  # annotations may be strings to evaluate
    return Description(scorer.name, scorer.version, summary_of(scorer.function), parameters)


@cache
def _built_in() -> Mapping[str, Scorer]:
    for name in _MODULES:
        importlib.import_module(f"{__name__}.builtin.{name}")
    known = [decorated for decorated in _DECORATED if decorated.built_in]
    return {decorated.name: decorated for decorated in sorted(known, key=attrgetter("name"))}


def _as_scorer(name: str, function: object) -> Scorer:
    """Return a function as a scorer with the requested name, so that stored runs find it."""
    if not callable(function):
        raise PromptlabError(
            f"scorer {name!r} is not a function but {type(function).__name__}",
            hint="name a function of one sample: def mine(sample, *, option=1)",
        )
    for decorated in _DECORATED:
        if decorated.function is function:
            return replace(decorated, name=name)
    return Scorer(name, _source_version(function), function)


def _source_version(function: Callable[..., object]) -> str:
    """Return the digest of the function's source: an edited scorer grades again."""
    try:
        return source_version(inspect.getsource(function))
    except (OSError, TypeError):
        return "1"
