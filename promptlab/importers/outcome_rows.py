"""Rows of outcomes measured elsewhere: which column plays which role, and cells to values.

Knows what a single row means. What rows mean together, a plan and its trials, is up to `outcomes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeVar, cast

from promptlab.cases.files import Row
from promptlab.cases.tables import Cells
from promptlab.core.digest import case_json
from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.core.validation import shown
from promptlab.templates.front_matter import SLUG

T = TypeVar("T")

REQUIRED = ("template", "case", "score")
ROLES = (
    *REQUIRED,
    *("backend", "repeat", "group", "practices", "scorer"),
    *("output", "input_tokens", "output_tokens", "cost_usd"),
)
NO_BACKEND = "imported"
NO_SCORER = "score"

_VERDICTS = {"true": 1.0, "pass": 1.0, "false": 0.0, "fail": 0.0}
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WHOLE = re.compile(r"([-+]?[0-9]{1,18})(?:\.0*)?")  # pandas writes 12.0 where a cell is missing
_UNKNOWN = {"nan", "none", "null", "na", "n/a", "inf", "-inf", "-"}
_CONTROL = re.compile("[\0-\x1f\x7f\ud800-\udfff]")
# Anything larger is not a measurement, and sums of its squares would be infinite.
_LARGEST_NUMBER = 1e100
_LARGEST_COUNT = 10**12
_LARGEST_REPEAT = 10**18
_REMEMBERED = 10_000  # cells of one column, as they are written


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """One row: one scorer's result for one trial, and what the trial cost. None means unknown."""

    where: str
    template: str
    case: str
    score: float | None
    backend: str = NO_BACKEND
    repeat: int | None = None
    group: str | None = None
    practices: tuple[str, ...] = ()
    scorer: str = NO_SCORER
    output: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


def read_outcomes(
    rows: Iterable[Row], columns: Mapping[str, str], *, ignore_unknown: bool = False
) -> Iterator[OutcomeRow]:
    """Read rows one by one; `columns` gives the column of a role where its name differs.

    A column without a role is an error unless `ignore_unknown`.
    """
    for role in columns:
        if role not in ROLES:
            raise unknown("role", role, ROLES, of="a column")
    reader = _Reader(columns, ignore_unknown=ignore_unknown)
    for where, row in rows:
        yield reader.read(where, row)


class _Reader:
    """Reads rows using one mapping of columns. A name that is in many rows is stored once."""

    def __init__(self, columns: Mapping[str, str], *, ignore_unknown: bool) -> None:
        self._given = columns
        self._columns = {role: columns.get(role, role) for role in ROLES}
        self._ignore_unknown = ignore_unknown
        self._checked: frozenset[object] = frozenset()
        self._names: dict[str, str] = {}
        self._cells: dict[str, dict[str, object]] = {role: {} for role in ROLES}

    def read(self, where: str, row: object) -> OutcomeRow:
        if not isinstance(row, Mapping):
            _fail(f"a row is keys and values, not {shown(row)}", where, "fix this row")
        if row.keys() != self._checked:
            self._check_columns(row, where)
            self._checked = frozenset(row)
        cell = _Cells(row, where, self._columns)
        return OutcomeRow(
            where,
            self._required(cell, "template"),
            self._required(cell, "case"),
            self._known(cell, "score", _score),
            self._name(cell, "backend") or NO_BACKEND,
            self._known(cell, "repeat", _repeat),
            self._name(cell, "group"),
            self._known(cell, "practices", _practices),
            self._name(cell, "scorer") or NO_SCORER,
            cell.read("output", _output),
            self._known(cell, "input_tokens", _count),
            self._known(cell, "output_tokens", _count),
            self._known(cell, "cost_usd", _cost),
        )

    def _known(self, cell: _Cells, role: str, reader: Callable[[object], T]) -> T:
        """Read a cell; one that is written as in an earlier row is not read again."""
        value, known = cell.value(role), self._cells[role]
        if not isinstance(value, str):
            return cell.read(role, reader)
        if value not in known:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[value] = cell.read(role, reader)
        return cast(T, known[value])

    def _check_columns(self, row: Mapping[object, object], where: str) -> None:
        where = row.header if isinstance(row, Cells) else where
        names = [str(name) for name in row]
        for role in (*REQUIRED, *self._given):
            column = self._columns[role]
            if column not in row:
                error = unknown("column", column, names)
                hint = f"{error.hint}; --column {role}=NAME says which one it is"
                _fail(f"the column {column!r} is missing", where, hint)
        known = frozenset(self._columns.values())
        for name in names:
            if name not in known and not self._ignore_unknown:
                mistaken = unknown("column", name, known)
                remedy = "--column ROLE=NAME gives it a role, --ignore-unknown leaves it out"
                raise mistaken.advising(f"{mistaken.hint}; {remedy}").at(where)

    def _required(self, cell: _Cells, role: str) -> str:
        name = self._name(cell, role)
        if name is None:
            _fail(f"the {role} is empty", cell.where_is(role), "every row must have one")
        return name

    def _name(self, cell: _Cells, role: str) -> str | None:
        value = cell.value(role)
        known = self._names.get(value) if isinstance(value, str) else None
        if known is not None:
            return known
        name = cell.read(role, _name)
        return None if name is None else self._names.setdefault(name, name)


class _WrongCell(ValueError):
    """A cell that cannot be read: what is wrong, and the remedy."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of one row by their role."""

    row: Mapping[object, object]
    where: str
    columns: Mapping[str, str]

    def value(self, role: str) -> object:
        """Return the content of the cell, None where there is none."""
        return self.row.get(self.columns[role])

    def read(self, role: str, reader: Callable[[object], T]) -> T:
        """Read a cell; the place of an error ends with the name of its column."""
        try:
            return reader(self.value(role))
        except _WrongCell as error:
            _fail(error.message, self.where_is(role), error.hint)

    def where_is(self, role: str) -> str:
        """Return the place of a cell."""
        return f"{self.where}: {self.columns[role]}"


def _name(value: object) -> str | None:
    """Read a name: text or a whole number; surrounding space is ignored."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise _WrongCell(f"expected text, found {shown(value)}", "put it in quotes")
    name = str(value).strip()
    if _CONTROL.search(name):
        raise _WrongCell(f"{shown(name)} contains a control character", "remove it")
    return name or None


def _practices(value: object) -> tuple[str, ...]:
    names = value.split() if isinstance(value, str) else value
    if names is None:
        return ()
    if not isinstance(names, (list, tuple)):
        raise _WrongCell(f"expected names, found {shown(value)}", "separate them with spaces")
    for name in names:
        if not isinstance(name, str) or not SLUG.match(name):
            hint = "lower-case letters, digits, _ and -; separate practices with spaces"
            raise _WrongCell(f"{shown(name)} cannot name a practice", hint)
    return tuple(dict.fromkeys(names))


def _output(value: object) -> str | None:
    """Read an output; one that is not text, in a format that has other types, is stored as JSON."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    try:
        return case_json(value)
    except (TypeError, ValueError):
        raise _WrongCell(f"expected text, found {shown(value)}", "put it in quotes") from None


def _score(value: object) -> float | None:
    if isinstance(value, str):
        known = _VERDICTS.get(value.strip().lower())
        if known is not None:
            return known
    elif isinstance(value, bool):
        return float(value)
    return _number(value)


def _cost(value: object) -> float | None:
    cost = _number(value)
    if cost is not None and cost < 0:
        raise _WrongCell(f"a cost cannot be negative, found {shown(value)}", "fix this cell")
    return cost


def _number(value: object) -> float | None:
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            raise _WrongCell(f"expected a number, found {shown(value)}", _remedy(text))
        value = float(text)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _WrongCell(f"expected a number, found {shown(value)}", "fix this cell")
    if not abs(value) <= _LARGEST_NUMBER:  # NaN fails this too
        raise _WrongCell(f"{shown(value)} is not a number that can be compared", _remedy("nan"))
    return float(value)


def _remedy(text: str) -> str:
    if text.lower() in _UNKNOWN:
        return "leave the cell empty where it is unknown"
    if re.fullmatch(r"[-+]?[0-9]+,[0-9]+", text):
        return "write a decimal point, not a comma"
    return "write it as 0.25, and leave the cell empty where it is unknown"


def _count(value: object) -> int | None:
    return _whole(value, 0, _LARGEST_COUNT)


def _repeat(value: object) -> int | None:
    return _whole(value, -_LARGEST_REPEAT, _LARGEST_REPEAT)


def _whole(value: object, low: int, high: int) -> int | None:
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        match = _WHOLE.fullmatch(text)
        number = int(match[1]) if match else None
    elif isinstance(value, float):
        number = int(value) if value.is_integer() else None
    elif value is None:
        return None
    else:
        number = value if isinstance(value, int) and not isinstance(value, bool) else None
    if number is None or not low <= number <= high:
        wanted = "a whole number" if low < 0 else "a whole number from 0"
        hint = "leave the cell empty where it is unknown"
        raise _WrongCell(f"expected {wanted}, found {shown(value)}", hint)
    return number


def _fail(message: str, where: str, hint: str) -> NoReturn:
    raise PromptlabError(message, where=where, hint=hint)
