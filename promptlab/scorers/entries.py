"""One item of a suite's `scorers`, read, and where each part of it stands in the file.

exact_match                                     by name alone
exact_match: {ignore_case: true}                with parameters
my_module:my_scorer: {name: tone, level: 3}     user-defined, with its own label
exact_match: {reduce: pass_at_3}                a case scores how likely one of 3 repeats passes
my_scorer: {largest_difference: 0.2}            no case can differ by more between two arms
my_scorer: {at_least: 0.7}                      a number passes from there on, up to `at_most`
exact_match: {grade: draft}                     of another answer than the suite's `grade`
all_of: [exact_match, length: {max: 9}]         a scorer that is made of others
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from promptlab.core.errors import PromptlabError
from promptlab.core.reducers import MEAN, Reducer, read_reducer
from promptlab.core.types import Json, ScorerSpec
from promptlab.core.yamlfile import KeyPath
from promptlab.scorers.conditions import AT_LEAST, AT_MOST, NO_BOUNDS, Bounds, read_bounds

LABEL_KEY = "name"
"""A reserved parameter: no scorer can have it."""

REDUCE_KEY = "reduce"
"""How repeats become one score, unless the scorer has a parameter of that name."""

LARGEST_KEY = "largest_difference"
"""The largest difference that a case can show, unless the scorer has a parameter of that name."""

GRADE_KEY = "grade"
"""The answer that is graded, unless the scorer has a parameter of that name."""

OF_KEY = "of"
"""The parameter of a scorer that is made of others, and may be left out if it is alone."""

MADE_OF_OTHERS = ("all_of", "any_of", "not", "weighted")
"""Scorers that may be written without `of`."""

Where = Callable[[KeyPath], str]
"""Returns the place of what stands at a path of keys, such as a line of a file."""

_LABEL = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a suite's `scorers`, read but not yet looked up.

    It is `short` if it is made of others and was written without `of`.
    """

    name: str
    label: str
    params: Mapping[str, Json]
    reduce: Reducer = MEAN
    largest: float | None = None
    grade: str | None = None
    bounds: Bounds = NO_BOUNDS
    short: bool = False

    @property
    def kept(self) -> dict[str, Json]:
        """Return what its scores depend on beside its parameters, as a suite writes it."""
        known: dict[str, Json] = {
            GRADE_KEY: self.grade,
            AT_LEAST: self.bounds.at_least,
            AT_MOST: self.bounds.at_most,
        }
        return {key: value for key, value in known.items() if value is not None}


def parse_scorer_entry(entry: str | Mapping[str, Any] | ScorerSpec) -> Entry:
    """Read one item of a suite's `scorers`, or a stored scorer."""
    if isinstance(entry, ScorerSpec):
        return Entry(entry.name, entry.label, entry.params, entry.reduce, entry.largest)
    if isinstance(entry, str):
        entry = {entry: None}
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise _misread(entry)
    [(name, params)] = entry.items()
    params = {} if params is None else params
    short = name in MADE_OF_OTHERS and not (isinstance(params, Mapping) and OF_KEY in params)
    if short and params != {}:
        params = {OF_KEY: params}
    if not isinstance(name, str) or not isinstance(params, Mapping):
        raise _misread(entry)
    label = params.get(LABEL_KEY, name.rpartition(":")[2])
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        raise PromptlabError(
            f"scorer {name!r} cannot be called {label!r}",
            hint="a name consists of letters, digits, '_', '-' and '.'",
        )
    params = {key: value for key, value in params.items() if key != LABEL_KEY}
    return Entry(name, label, params, short=short)


def apart(entry: Entry, own: Collection[str], where: Where | None) -> Entry:
    """Take out of the parameters what is none of the scorer's `own`, but for the analysis."""
    with told_at(where, REDUCE_KEY):
        entry = _with_reducer(entry, own)
    with told_at(where, LARGEST_KEY):
        entry = _with_largest(entry, own)
    with told_at(where, GRADE_KEY):
        entry = _with_grade(entry, own)
    return _with_bounds(entry, own, where)


def _with_grade(entry: Entry, own: Collection[str]) -> Entry:
    """Take the answer that is graded out of the parameters; `own` are those of the scorer."""
    if GRADE_KEY not in entry.params or GRADE_KEY in own:
        return entry
    params = {key: value for key, value in entry.params.items() if key != GRADE_KEY}
    written = entry.params[GRADE_KEY]
    if not isinstance(written, str) or not written:
        raise PromptlabError(
            f"scorer {entry.label!r}: {GRADE_KEY} must be the name of an answer, not {written!r}",
            hint="such as grade: draft; grade: answers for all of them, grade: all for the whole"
            " conversation",
        )
    return replace(entry, params=params, grade=written)


def _with_bounds(entry: Entry, own: Collection[str], where: Where | None) -> Entry:
    """Take the bounds of what passes out of the parameters; `own` are those of the scorer."""
    given = {key: entry.params[key] for key in (AT_LEAST, AT_MOST) if key in entry.params}
    given = {key: value for key, value in given.items() if key not in own}
    if not given:
        return entry
    params = {key: value for key, value in entry.params.items() if key not in given}
    with told_at(where, next(iter(given))):
        return replace(entry, params=params, bounds=read_bounds(given, entry.label))


def _with_reducer(entry: Entry, own: Collection[str]) -> Entry:
    """Take how repeats are reduced out of the parameters; `own` are those of the scorer."""
    if REDUCE_KEY not in entry.params or REDUCE_KEY in own:
        return entry
    params = {key: value for key, value in entry.params.items() if key != REDUCE_KEY}
    written = entry.params[REDUCE_KEY]
    try:
        return replace(entry, params=params, reduce=read_reducer(str(written)))
    except ValueError as error:
        raise PromptlabError(
            f"scorer {entry.label!r} cannot reduce repeats by {written!r}", hint=str(error)
        ) from None


def _with_largest(entry: Entry, own: Collection[str]) -> Entry:
    """Take the largest difference out of the parameters; `own` are those of the scorer."""
    if LARGEST_KEY not in entry.params or LARGEST_KEY in own:
        return entry
    params = {key: value for key, value in entry.params.items() if key != LARGEST_KEY}
    written = entry.params[LARGEST_KEY]
    number = isinstance(written, (int, float)) and not isinstance(written, bool)
    if not number or not 0 < float(str(written)) < inf:
        raise PromptlabError(
            f"scorer {entry.label!r}: {LARGEST_KEY} must be a number above 0, not {written!r}",
            hint=f"such as {LARGEST_KEY}: 0.2, if no answer can change a score by more",
        )
    return replace(entry, params=params, largest=float(str(written)))


def within(where: Where | None, *path: str | int) -> Where | None:
    """Return where the parts of a part are."""
    return None if where is None else lambda inner: where((*path, *inner))


@contextmanager
def told_at(where: Where | None, *path: str | int) -> Iterator[None]:
    """Add to an error the place that it is about, unless it has a more precise one."""
    try:
        yield
    except PromptlabError as error:
        if where is None:
            raise
        inner = getattr(error, "path", ())  # of a value: the part that is wrong
        raise error.at(where((*path, *inner))) from error.__cause__


def refuse_same_labels(entries: Sequence[Entry], wheres: Sequence[Where | None]) -> None:
    """Refuse two scorers with one label."""
    counts = Counter(entry.label for entry in entries)
    for number, entry in reversed(list(enumerate(entries))):
        if counts[entry.label] > 1:
            with told_at(wheres[number]):
                raise PromptlabError(
                    f"{counts[entry.label]} scorers are called {entry.label!r}",
                    hint=f"give each its own name, such as {LABEL_KEY}: {entry.label}_2",
                )


def _misread(entry: object) -> PromptlabError:
    return PromptlabError(
        f"{entry!r} is not a scorer with its parameters",
        hint="write it as 'exact_match' or as 'exact_match: {ignore_case: true}', one per item",
    )
