"""What is asked of a run beyond its suite file, as one typed value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Json
from promptlab.experiments.plan import Split

_NOT_KEPT = ("fresh",)  # it has a column of its own
_USUAL: tuple[object, ...] = (None, (), "local")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What is asked of a run beyond its suite file; what is left out is as the suite says.

    `templates` and `backends` stand in for the suite's. `limit`, `case_ids`, `tags` and `split`
    choose cases, `params` are variables for every case. `gates` come on top of the suite's. `jobs`
    is the number of calls in flight for each remote backend; `max_cost` (USD) and `max_calls` stop
    the run. With `offline` the store must have every answer, with `fresh` none of it counts.
    `until_decided` stops each arm once it is better or worse than `baseline`, by default the first.
    """

    templates: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    limit: int | None = None
    case_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    split: Split | None = None
    repeats: int | None = None
    seed: int | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    gates: tuple[str, ...] = ()
    executor: str = "local"
    offline: bool = False
    jobs: int | None = None
    max_cost: float | None = None
    max_calls: int | None = None
    until_decided: bool = False
    baseline: str | None = None
    fresh: bool = False

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if self.offline and self.fresh:
            raise PromptlabError("--offline and --fresh exclude each other", hint="choose one")
        if self.baseline is not None and not self.until_decided:
            raise PromptlabError(
                "--baseline goes with --until-decided", hint="promptlab compare has one of its own"
            )

    def asked(self) -> dict[str, Json]:
        """Return what is asked beyond the suite file, as it is kept with the run."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        found["params"] = tuple(self.params.items())
        return {
            name: _as_json(value)
            for name, value in found.items()
            if name not in _NOT_KEPT and value is not False and value not in _USUAL
        }


def _as_json(value: Any) -> Json:
    """Return an option as JSON: a tuple as a list."""
    if isinstance(value, tuple):
        return [_as_json(each) for each in value]
    plain: Json = value
    return plain
