"""One item of a suite's `scorers`, read, and where each part of it stands in the file.

exact_match                                     by name alone
exact_match: {ignore_case: true}                with parameters
my_module:my_scorer: {name: tone, level: 3}     user-defined, with its own label
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Json, ScorerSpec
from promptlab.core.yamlfile import KeyPath

LABEL_KEY = "name"
"""A reserved parameter: no scorer can have it."""

Where = Callable[[KeyPath], str]
"""Returns the place of what stands at a path of keys, such as a line of a file."""

_LABEL = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a suite's `scorers`, read but not yet looked up."""

    name: str
    label: str
    params: Mapping[str, Json]


def parse_scorer_entry(entry: str | Mapping[str, Any] | ScorerSpec) -> Entry:
    """Read one item of a suite's `scorers`, or a stored scorer."""
    if isinstance(entry, ScorerSpec):
        return Entry(entry.name, entry.label, entry.params)
    if isinstance(entry, str):
        entry = {entry: None}
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise _misread(entry)
    [(name, params)] = entry.items()
    params = {} if params is None else params
    if not isinstance(name, str) or not isinstance(params, Mapping):
        raise _misread(entry)
    label = params.get(LABEL_KEY, name.rpartition(":")[2])
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        raise PromptlabError(
            f"scorer {name!r} cannot be called {label!r}",
            hint="a name consists of letters, digits, '_', '-' and '.'",
        )
    return Entry(name, label, {key: value for key, value in params.items() if key != LABEL_KEY})


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


def _misread(entry: object) -> PromptlabError:
    return PromptlabError(
        f"{entry!r} is not a scorer with its parameters",
        hint="write it as 'exact_match' or as 'exact_match: {ignore_case: true}', one per item",
    )
