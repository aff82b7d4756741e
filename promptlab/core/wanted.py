"""Which of a run's results to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from promptlab.core.types import Outcome


@dataclass(frozen=True, slots=True)
class Change:
    """That the mean score of a case by one scorer changed from one arm to another.

    Arms are places in the plan. `fixed` means that `b` scored higher, `regressed` that it scored
    lower; a case that one of them has no score of did neither.
    """

    scorer: str
    a: int
    b: int
    to: Literal["fixed", "regressed"]


@dataclass(frozen=True, slots=True)
class ResultFilter:
    """Which results to read. `failed` and `errors` together mean either.

    `templates` are names with a version, or None for all versions; `arms` are places in the plan.
    Cases must have all `tags`, outcomes be one of `outcomes`. With `change`, only the trials of
    its two arms are read, on the cases that changed so. `where` is SQL from the user.
    """

    failed: bool = False
    errors: bool = False
    cases: tuple[str, ...] = ()
    templates: tuple[tuple[str, str | None], ...] = ()
    where: str | None = None
    limit: int | None = None
    tags: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    arms: tuple[int, ...] = ()
    change: Change | None = None
