"""The scorers that can be named: built-in ones, those of entry points, and `module:attr`."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.core.digest import source_version
from promptlab.core.errors import PromptlabError
from promptlab.core.foreign import foreign
from promptlab.core.lazy import lazy_module
from promptlab.core.plugins import load_attr, load_point, unknown
from promptlab.scorers.decorator import DECORATED, Scorer
from promptlab.scorers.signature import Parameter, limits_of, parameters_of, summary_of

if TYPE_CHECKING:
    from importlib import metadata
else:
    metadata = lazy_module("importlib.metadata")

GROUP = "promptlab.scorers"
_MODULES = {
    "code": ("code",),
    "composite": ("all_of", "any_of", "by_case", "not", "weighted"),
    "decision": ("decision",),
    "following": ("instructions",),
    "likelihood": ("loglikelihood", "mean_logprob", "perplexity"),
    "meaning": ("semantic",),
    "overlap": ("f1", "rouge", "similarity", "squad_exact"),
    "pairwise": ("pairwise",),
    "readability": ("readability",),
    "rubric": ("rubric",),
    "shape": ("format", "length"),
    "structured": ("json_schema", "numeric"),
    "text": ("contains", "exact_match", "label", "regex"),
    "translation": ("bleu", "chrf", "ter"),
}
"""The modules of the built-in scorers: only those that are asked for are imported."""

_BUILT_IN = {name: module for module, names in _MODULES.items() for name in names}


@dataclass(frozen=True, slots=True)
class Description:
    """What `scorer list` and `scorer show` display; `limits` is what the scorer does not do."""

    name: str
    version: str
    summary: str
    parameters: tuple[Parameter, ...]
    limits: str = ""


def scorer_names() -> list[str]:
    """List the named scorers: the built-in ones, then those of entry points."""
    offered = {point.name for point in metadata.entry_points(group=GROUP)}
    return [*sorted(_BUILT_IN), *sorted(offered - _BUILT_IN.keys())]


def get_scorer(name: str, root: Path | None = None) -> Scorer:
    """Return the scorer `name`; `module:attr` is looked up in the project at `root`."""
    if ":" in name:
        return _as_scorer(name, load_attr(name, root))
    if name in _BUILT_IN:
        return _built_in(_BUILT_IN[name])[name]
    for point in metadata.entry_points(group=GROUP, name=name):
        return _as_scorer(name, load_point(point))
    raise unknown("scorer", name, scorer_names())


def describe(scorer: Scorer) -> Description:
    """Describe what the scorer does and what its parameters are."""
    with foreign(f"scorer {scorer.name!r} cannot be read", passing=(PromptlabError,)):
        parameters = parameters_of(scorer.function)  # annotations may be strings to evaluate
    summary, limits = summary_of(scorer.function), limits_of(scorer.function)
    return Description(scorer.name, scorer.version, summary, parameters, limits)


@cache
def _built_in(module: str) -> Mapping[str, Scorer]:
    """Return the scorers of a built-in module."""
    name = importlib.import_module(f"promptlab.scorers.builtin.{module}").__name__
    own = [decorated for decorated in DECORATED if decorated.function.__module__ == name]
    return {decorated.name: decorated for decorated in own}


def _as_scorer(name: str, function: object) -> Scorer:
    """Return a function as a scorer with the requested name, so that stored runs find it."""
    if not callable(function):
        raise PromptlabError(
            f"scorer {name!r} is not a function but {type(function).__name__}",
            hint="name a function of one sample: def mine(sample, *, option=1)",
        )
    for decorated in DECORATED:
        if decorated.function is function:
            return replace(decorated, name=name)
    return Scorer(name, _source_version(function), function)


def _source_version(function: Callable[..., object]) -> str:
    """Return the digest of the function's source: an edited scorer grades again."""
    try:
        return source_version(inspect.getsource(function))
    except (OSError, TypeError):
        return "1"
