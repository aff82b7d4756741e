"""Labels that people gave to stored outputs: what each row of a file says.

Knows what a row means. Which stored answer it is about is found by those who have the runs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NoReturn, cast, get_args

from promptlab.cases.files import Row
from promptlab.cases.tables import Cells
from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.core.validation import shown

Kind = Literal["human", "model"]
Split = Literal["test", "write"]

REQUIRED = ("case", "label")
NOBODY = "people"  # who labelled, where a file does not say

_WORDS = {"pass": 1.0, "fail": 0.0, "true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
_OF_PAIRS = {"left": 1.0, "right": 0.0, "tie": 0.5}
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WHOLE = re.compile(r"[0-9]{1,9}(?:\.0+)?")
_LARGEST = 1e100


@dataclass(frozen=True, slots=True)
class Label:
    """What one rater says of one output, 1 for a pass and 0 for a failure, or a number.

    The output is that of a `version` of the prompt to a `case`; `run`, `backend` and `repeat` are
    named where that is not enough. `output` is its text. One of kind `model` was made by a model;
    those of the split `write` were used to write the rubric. Of a pair, the version is as good as
    `value` says `against` the other one: 1 better, 0 worse, 0.5 as good.
    """

    where: str
    case: str
    value: float
    run: str | None = None
    version: str | None = None
    backend: str | None = None
    repeat: int | None = None
    output: str | None = None
    rater: str = NOBODY
    kind: Kind = "human"
    split: Split = "test"
    against: str | None = None


def read_labels(rows: Iterable[Row]) -> Iterator[Label]:
    """Read labels row by row; a row without one, of an output that was passed over, is left out.

    Columns without a meaning here are ignored: an export of a review has notes and times. What is
    said of a pair, `left`, `right` or `tie`, is a label of either version against the other.
    """
    for where, row in rows:
        if not isinstance(row, Mapping):
            _fail(f"a row is keys and values, not {shown(row)}", where, "fix this row")
        _check_columns(row, where)
        other = _text(row, "other_version", where)
        value = _value(row.get("label"), _WORDS if other is None else _OF_PAIRS, where)
        if value is None:
            continue
        label = _label(row, value, where)
        if other is None:
            yield label
            continue
        backend = _text(row, "other_backend", where) or label.backend
        yield replace(label, against=other)
        yield replace(label, version=other, backend=backend, against=label.version, value=1 - value)


def _check_columns(row: Mapping[object, object], where: str) -> None:
    for name in REQUIRED:
        if name not in row:
            place = row.header if isinstance(row, Cells) else where
            error = unknown("column", name, [str(key) for key in row])
            raise error.saying(f"the column {name!r} is missing").at(place)


def _label(row: Mapping[object, object], value: float, where: str) -> Label:
    case = _text(row, "case", where)
    if case is None:
        _fail("the case is empty", f"{where}: case", "every label must name one")
    return Label(
        where=where,
        case=case,
        value=value,
        run=_text(row, "run", where),
        version=_text(row, "version", where),
        backend=_text(row, "backend", where),
        repeat=_repeat(row.get("repeat"), where),
        output=_output(row.get("output"), where),
        rater=_text(row, "rater", where) or NOBODY,
        kind=cast(Kind, _one_of(row, "kind", get_args(Kind), where)),
        split=cast(Split, _one_of(row, "split", get_args(Split), where)),
    )


def _value(given: object, words: Mapping[str, float], where: str) -> float | None:
    """Return a label as a number, None where there is none."""
    if given is None or (isinstance(given, str) and not given.strip()):
        return None
    if isinstance(given, str):
        word = given.strip().lower()
        if word in words:
            return words[word]
        given = float(word) if _NUMBER.fullmatch(word) else given
    of_pair = words is _OF_PAIRS
    if isinstance(given, bool | int | float) and abs(given) <= _LARGEST and not math.isnan(given):
        number = float(given)
        if not of_pair or number in words.values():
            return number
    known = "left, right or tie" if of_pair else "pass or fail, or a number"
    return _fail(
        f"expected a label{' of a pair' if of_pair else ''}, found {shown(given)}",
        f"{where}: label",
        f"write {known}; leave it empty where there is none",
    )


def _text(row: Mapping[object, object], name: str, where: str) -> str | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        _fail(f"expected text, found {shown(value)}", f"{where}: {name}", "put it in quotes")
    return str(value).strip() or None


def _output(value: object, where: str) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    return _fail(f"expected text, found {shown(value)}", f"{where}: output", "put it in quotes")


def _repeat(value: object, where: str) -> int | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        text = str(value).strip()
        if _WHOLE.fullmatch(text):
            return int(float(text))
    return _fail(
        f"expected a whole number from 0, found {shown(value)}",
        f"{where}: repeat",
        "leave it empty where there is one repeat",
    )


def _one_of(row: Mapping[object, object], name: str, known: tuple[str, ...], where: str) -> str:
    """Return one of the words that a column may hold, the first where it holds none."""
    value = (_text(row, name, where) or known[0]).lower()
    if value not in known:
        raise unknown(name, value, known).at(f"{where}: {name}")
    return value


def _fail(message: str, where: str, hint: str) -> NoReturn:
    raise PromptlabError(message, where=where, hint=hint)
