"""A suite as it reads now, with the runs of its name: what lists of suites show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from promptlab.core.errors import PromptlabError
from promptlab.core.results import RunInfo
from promptlab.experiments.suite import SuiteFile


@dataclass(frozen=True, slots=True)
class SuiteOutline:
    """A suite as it reads now. `problem` says why the rest is unknown, None where it can be read.

    `versions` are those that its templates mean today. `tags` counts the cases that have each,
    `groups` the groups of cases, a case without one being its own; `held_out` the cases that are
    kept for confirmation. `runs` are those of its name, newest first.
    """

    name: str
    settings: SuiteFile | None = None
    versions: tuple[str, ...] = ()
    cases: int = 0
    tags: Mapping[str, int] = field(default_factory=dict)
    groups: int = 0
    held_out: int = 0
    runs: Sequence[RunInfo] = ()
    problem: PromptlabError | None = None

    @property
    def scorers(self) -> tuple[str, ...]:
        """Return the names of the scorers, as the file gives them."""
        given = () if self.settings is None else self.settings.scorers
        return tuple(each if isinstance(each, str) else next(iter(each), "") for each in given)
