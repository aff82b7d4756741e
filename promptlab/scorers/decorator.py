"""`@scorer`: a function with all that it says of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from promptlab.core.foreign import is_async
from promptlab.core.types import Score
from promptlab.scorers.asking import Ask

Verdict = bool | float | Score
Asks = Callable[..., Iterable[Ask]]
Runs = Literal["inline", "thread", "async"]
F = TypeVar("F", bound=Callable[..., Verdict | Awaitable[Verdict]])


@dataclass(frozen=True, slots=True)
class Scorer:
    """A scorer function with its name and version. A new version produces new scores.

    A `judge` asks a model or a person, who may be wrong: no comparison concludes from its scores
    until the project states how well it agrees with people. `check` takes all parameters by keyword
    and raises `ValueError` if they contradict each other. `asks` takes the function's arguments and
    returns the questions to ask a model first. A scorer that does not read the output needs none.
    `libraries` are the distributions it grades with; their versions are part of its identity.
    `runs` is how the function is called: `inline`, for what is certain to be quick; in a `thread`
    of its own; or `async`, as a coroutine. It is optional: see `way`. `shares` says that every
    score lies between 0 and 1, so that a bound beyond cannot be meant. One that `executes` runs
    code that models wrote: the suite has to allow it. `ready` raises `PromptlabError` if the scorer
    cannot work on this machine; it is called before the first call to a model.
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
    shares: bool = False
    executes: bool = False
    ready: Callable[[], None] | None = None

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


DECORATED: list[Scorer] = []
"""Every scorer that was decorated in this process."""


def scorer(  # noqa: PLR0913 - one keyword for each property that a scorer may declare
    *,
    version: str = "1",
    check: Callable[..., None] | None = None,
    judge: bool = False,
    asks: Asks | None = None,
    reads_output: bool = True,
    libraries: Sequence[str] = (),
    runs: Runs | None = None,
    shares: bool = False,
    executes: bool = False,
    ready: Callable[[], None] | None = None,
) -> Callable[[F], F]:
    """Turn the decorated function into a scorer with its name, as suites write it: `not`."""

    def register(function: F) -> F:
        DECORATED.append(
            Scorer(
                name=function.__name__.removesuffix("_"),
                version=version,
                function=function,
                check=check,
                judge=judge,
                asks=asks,
                reads_output=reads_output,
                libraries=tuple(libraries),
                runs=runs,
                shares=shares,
                executes=executes,
                ready=ready,
            )
        )
        return function

    return register
