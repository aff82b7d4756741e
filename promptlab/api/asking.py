"""What the calls of a project can be asked for, by keyword; they mean what the options mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from promptlab.core.runs import RunSettings, Split
from promptlab.workbench.reviewing import Chosen

Names = str | Sequence[str]


class RunKeywords(TypedDict, total=False):
    """The options of `promptlab run`, see `RunSettings`. One name may stand for a list of one.

    With `fresh`, no answer of earlier runs counts.
    """

    templates: Names
    backends: Names
    limit: int | None
    case_ids: Names
    tags: Names
    split: Split | None
    repeats: int | None
    seed: int | None
    params: Mapping[str, str]
    gates: Names
    executor: str
    offline: bool
    jobs: int | None
    max_cost: float | None
    max_calls: int | None
    until_decided: bool
    baseline: str | None
    fresh: bool


class LimitKeywords(TypedDict, total=False):
    """How much may be sent, at once and in all; what is left out is as the run began."""

    jobs: int | None
    max_cost: float | None
    max_calls: int | None


class DecidingKeywords(TypedDict, total=False):
    """How to decide, where that differs from what the project says."""

    alpha: float | None
    min_effect: float | None
    strict: bool


class ChoosingKeywords(TypedDict, total=False):
    """Which trials to return, see `Chosen`."""

    failed: bool
    errors: bool
    cases: Names
    templates: Names
    where: str | None
    limit: int | None


def run_settings(asked: RunKeywords) -> RunSettings:
    """Return what is asked of a run as one value, `fresh` left out."""
    given = _as_tuples(asked)
    given.pop("fresh", None)
    given["params"] = tuple(dict(given.get("params", {})).items())
    return RunSettings(**given)


def chosen(asked: ChoosingKeywords) -> Chosen:
    """Return which trials are asked for as one value."""
    return Chosen(**_as_tuples(asked))


_NAMES = ("templates", "backends", "case_ids", "cases", "tags", "gates")


def _as_tuples(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords with every list of names as a tuple."""
    found = dict(asked)
    for name in _NAMES:
        if name in found:
            given = found[name]
            found[name] = (given,) if isinstance(given, str) else tuple(given)
    return found
