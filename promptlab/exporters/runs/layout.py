"""What a file of results holds: one row for each trial, with the same columns in every format."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from promptlab.core import numbers
from promptlab.core.results import Result
from promptlab.core.types import Json, Outcome

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
Kind = Literal["text", "whole", "number", "flag", "texts", "json", "time"]
Trial = Sequence[Result]
"""The rows of one trial: one for each scorer, in the order of the run."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, what its values are, and how it is read from a trial."""

    name: str
    kind: Kind
    read: Callable[[Trial], object]


@dataclass(frozen=True)
class Layout:
    """A run whose trials are written, and what its columns depend on.

    `variables` are those of its cases, `scorers` the labels of its scorers; the `primary` one says
    which answer is the output where scorers grade several.
    """

    run_id: str
    suite: str
    created_at: str
    scorers: tuple[str, ...]
    primary: str
    variables: tuple[str, ...]
    repeats: int = 1

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Return the columns, with the question as one value."""
        before = [Column(name, kind, _of_first(name)) for name, kind in _BEFORE.items()]
        answer = [
            Column("output", "text", lambda trial: self._own(trial).output),
            Column("thoughts", "text", lambda trial: self._own(trial).thoughts),
        ]
        taken = {*_BEFORE, *_AFTER, "output", "thoughts", "error"}
        of_scorers = [
            column
            for place, label in enumerate(self.scorers)
            for column in _of_scorer(place, f"{label} (scorer)" if label in taken else label)
        ]
        after = [Column(name, kind, _of_first(name)) for name, kind in _AFTER.items()]
        error = Column("error", "text", _error)
        return (*before, *answer, *of_scorers, *after[:-1], error, after[-1])

    @cached_property
    def flat_columns(self) -> tuple[Column, ...]:
        """Return the columns, and one more for each variable, for tables without nested values."""
        columns = []
        for column in self.columns:
            columns.append(column)
            if column.name == "vars":
                columns += [
                    Column(f"var.{name}", "json", _of_variable(name)) for name in self.variables
                ]
        return tuple(columns)

    def output(self, trial: Trial) -> str:
        """Return the answer that the primary scorer graded, empty if there is none."""
        return self._own(trial).output or ""

    def _own(self, trial: Trial) -> Result:
        return next((row for row in trial if row.scorer == self.primary), trial[0])


_BEFORE: dict[str, Kind] = {
    "run_id": "text",
    "suite": "text",
    "template": "text",
    "version": "text",
    "arm": "text",
    "practices": "text",
    "backend": "text",
    "model": "text",
    "case_id": "text",
    "case_group": "text",
    "tags": "texts",
    "vars": "json",
    "expect": "json",
    "repeat": "whole",
    "outcome": "text",
}
_AFTER: dict[str, Kind] = {
    "input_tokens": "whole",
    "output_tokens": "whole",
    "cost_usd": "number",
    "latency_s": "number",
    "cached": "flag",
    "created_at": "time",
}


def _of_first(name: str) -> Callable[[Trial], object]:
    def read(trial: Trial) -> object:
        value = getattr(trial[0], name)
        return value.value if isinstance(value, Outcome) else value

    return read


def _of_variable(name: str) -> Callable[[Trial], object]:
    return lambda trial: trial[0].vars.get(name)


def _error(trial: Trial) -> str | None:
    """Return why the trial has no answer; what went wrong in a scorer is the scorer's."""
    return trial[0].error if trial[0].outcome is Outcome.ERROR else None


def _of_scorer(place: int, label: str) -> list[Column]:
    """Return the columns of the scorer at a place: its score under its label, then the rest."""

    def at(read: Callable[[Result], object]) -> Callable[[Trial], object]:
        return lambda trial: read(trial[place]) if place < len(trial) else None

    def failed(row: Result) -> str | None:
        return row.error if row.outcome is not Outcome.ERROR else None

    return [
        Column(label, "number", at(lambda row: row.score)),
        Column(f"{label} passed", "flag", at(lambda row: row.passed)),
        Column(f"{label} reason", "text", at(lambda row: row.reason)),
        Column(f"{label} gradable", "flag", at(lambda row: row.was_gradable)),
        Column(f"{label} found", "text", at(lambda row: row.found)),
        Column(f"{label} graded", "text", at(lambda row: row.graded)),
        Column(f"{label} error", "text", at(failed)),
    ]


def as_text(value: Json) -> str | None:
    """Return a value of a case as a text: one that is a text stays it, others are JSON."""
    return value if value is None or isinstance(value, str) else numbers.encode(_ENCODER, value)
