"""The keywords of a project's calls, which mean what the command line's options mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast

from promptlab.core.runs import RunSettings, Split
from promptlab.workbench.planning import Wish
from promptlab.workbench.reviewing import Chosen

Names = str | Sequence[str]


class SelectionKeywords(TypedDict, total=False):
    """What is selected of a suite. One name may stand for a list of one."""

    templates: Names
    backends: Names
    limit: int | None
    case_ids: Names
    tags: Names
    split: Split | None
    repeats: int | None
    seed: int | None
    params: Mapping[str, str]
    until_decided: bool
    baseline: str | None


class RunKeywords(SelectionKeywords, total=False):
    """The options of `promptlab run`, see `RunSettings`; `fresh` ignores stored answers."""

    gates: Names
    executor: str
    offline: bool
    jobs: int | None
    max_cost: float | None
    max_calls: int | None
    label: str | None
    fresh: bool


class PlanKeywords(SelectionKeywords, total=False):
    """The options of `promptlab plan`: what is selected of a suite, and what to plan for."""

    effect: float | None
    alpha: float | None
    case_cost: float


class LimitKeywords(TypedDict, total=False):
    """How much may be sent, at once and in total; by default what the run began with."""

    jobs: int | None
    max_cost: float | None
    max_calls: int | None


class AskingKeywords(LimitKeywords, total=False):
    """How much scorers may ask for a grading; `offline`, nothing that is not stored."""

    offline: bool


class CalibratingKeywords(AskingKeywords, total=False):
    """Which judge of which run is calibrated, with how many probes, see `Calibrating`."""

    scorer: str | None
    backend: str | None
    items: int


class TryingKeywords(TypedDict, total=False):
    """The options of `promptlab try`, see `Wanted`."""

    backend: str | None
    suite: str | None
    case_id: str | None
    score: bool
    fresh: bool
    offline: bool
    max_cost: float | None
    max_calls: int | None


class DecidingKeywords(TypedDict, total=False):
    """How to decide, where that differs from the project's rule."""

    alpha: float | None
    min_effect: float | None
    strict: bool


class ExportKeywords(TypedDict, total=False):
    """Which trials to write, see `Chosen`."""

    failed: bool
    errors: bool
    cases: Names
    templates: Names
    where: str | None


class ChoosingKeywords(ExportKeywords, total=False):
    """Which trials to return, see `Chosen`."""

    limit: int | None


def run_settings(options: RunKeywords) -> RunSettings:
    """Return the options of a run as one value, without `fresh`."""
    values = _as_tuples(options)
    values.pop("fresh", None)
    values["params"] = tuple(dict(values.get("params", {})).items())
    return RunSettings(**values)


def wish_of(options: PlanKeywords) -> tuple[RunSettings, Wish]:
    """Return what is selected, and what to plan for."""
    values: dict[str, Any] = dict(options)
    wished = {name: values.pop(name) for name in _WISHED if name in values}
    return run_settings(cast(RunKeywords, values)), Wish(**wished)


def chosen(options: ExportKeywords | ChoosingKeywords) -> Chosen:
    """Return the choice of trials as one value."""
    return Chosen(**_as_tuples(options))


_WISHED = ("effect", "alpha", "baseline", "case_cost")
_NAMES = ("templates", "backends", "case_ids", "cases", "tags", "gates")


def _as_tuples(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords with every list of names as a tuple."""
    values = dict(options)
    for name in _NAMES:
        if name in values:
            values[name] = as_tuple(values[name])
    return values


def as_tuple(names: Names) -> tuple[str, ...]:
    """Return one name, or several, as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)
