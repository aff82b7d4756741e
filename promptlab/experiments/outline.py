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

    `scorers` are their labels, by which results and gates name them, with the kind of each.
    `versions` are those that its templates mean today. `tags` counts the cases that have each,
    `groups` the groups of cases, a case without one being its own; `held_out` the cases that are
    kept for confirmation. `runs` are those of its name, newest first.
    """

    name: str
    settings: SuiteFile | None = None
    scorers: Mapping[str, str] = field(default_factory=dict)
    versions: tuple[str, ...] = ()
    cases: int = 0
    tags: Mapping[str, int] = field(default_factory=dict)
    groups: int = 0
    held_out: int = 0
    runs: Sequence[RunInfo] = ()
    problem: PromptlabError | None = None

    @property
    def primary(self) -> str | None:
        """Return the label of the scorer that decides, None where it is unknown."""
        given = None if self.settings is None else self.settings.primary
        return given or next(iter(self.scorers), None)
