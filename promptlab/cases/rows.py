"""Cases: made from rows, which are mapped, checked and given stable ids.

A row is `{id, vars, expect, tags, group, scorers}`, or flat: then its other keys are the variables.
`files` reads the rows of each file format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn, cast

from promptlab.cases.files import Row, read_rows
from promptlab.cases.other_tools import check_row, remedy_for_key
from promptlab.cases.tables import Cells, is_blank
from promptlab.core import numbers
from promptlab.core.digest import case_content, case_json, digest_text, id_of_content
from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.core.types import Case, Json
from promptlab.core.validation import shown

ROLES = ("id", "expect", "tags", "group")
MAX_BYTES = 1_000_000  # of one case as JSON; a longer one is a file pasted into a cell by mistake

_DEEPEST = 100  # levels of lists and keys in one value
_SCORERS = "scorers"
_STRUCTURED = ("id", "vars", "expect", "tags", "group", _SCORERS)
# In canonical JSON a NUL is `\u0000` after an even number of backslashes.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a flat row plays which role; by default the one with the same name."""

    id: str = "id"
    expect: str = "expect"
    tags: str = "tags"
    group: str = "group"


def read_cases(path: Path, file: str, columns: Mapping[str, str]) -> tuple[Case, ...]:
    """Read the cases of a file; `file` is its name in errors."""
    return make_cases(read_rows(path, file), file, columns)


def make_cases(rows: Iterable[Row], file: str, columns: Mapping[str, str]) -> tuple[Case, ...]:
    """Make cases from rows; ids must be unique, and there must be at least one case."""
    for role in columns:
        if role not in ROLES:
            raise unknown("role in columns", role, ROLES).at(file)
    maker = _CaseMaker(Columns(**columns), columns)
    seen: dict[str, str] = {}
    cases = []
    for where, row in rows:
        case = maker.make(row, where)
        if case.id in seen:
            raise PromptlabError(
                f"the case id {case.id!r} appears twice, first at {seen[case.id]}",
                where=where,
                hint="ids must be unique; rows without one get an id from their content",
            )
        seen[case.id] = where
        cases.append(case)
    if not cases:
        raise PromptlabError("there are no cases", where=file, hint="add at least one row")
    return tuple(cases)


def with_params(cases: Sequence[Case], params: Mapping[str, Json]) -> tuple[Case, ...]:
    """Add variables to every case: the same cases with different content."""
    if not params:
        return tuple(cases)
    return tuple(_with_params(case, params) for case in cases)


def _with_params(case: Case, params: Mapping[str, Json]) -> Case:
    variables = {**case.vars, **params}
    text = case_json(case_content(variables, case.expect, case.tags, case.group, case.id))
    _check_text(text, case.id, "-p")
    return replace(case, vars=variables, digest=digest_text(text))


class _CaseMaker:
    """Turns rows into cases using one column mapping."""

    def __init__(self, columns: Columns, mapped: Mapping[str, str]) -> None:
        self.columns = columns
        # A template must not see the expected answer; ids and groups in columns mapped by name are
        # data like any other.
        self.hidden = {getattr(columns, role) for role in ROLES if role not in mapped}
        self.hidden.add(columns.expect)
        self.mapped = mapped
        self.roles = [(role, getattr(columns, role)) for role in ROLES]

    def make(self, row: object, where: str) -> Case:
        if not isinstance(row, Mapping):
            _fail(f"a case is a set of keys and values, not {shown(row)}", where)
        for key in row:
            if not isinstance(key, str):
                _fail(
                    f"the keys of a case must be text, not {shown(key)}", where, "put it in quotes"
                )
        if isinstance(row.get("vars"), Mapping):
            _check_keys(row, where)
            fields, variables = row, row["vars"]
        else:
            self._check_columns(row, where)
            check_row(row, self.columns.expect, where)
            fields = {role: row.get(column) for role, column in self.roles}
            if isinstance(row, Cells):
                fields = {role: _unless_blank(value) for role, value in fields.items()}
            variables = {key: value for key, value in row.items() if key not in self.hidden}
            if _has_scorers(row):
                fields[_SCORERS] = variables.pop(_SCORERS)
        return _case(fields, variables, where)

    def _check_columns(self, row: Mapping[str, object], where: str) -> None:
        for role, column in self.mapped.items():
            if column not in row:
                error = unknown("column", column, row)
                message = f"{error.message}, named by columns.{role}"
                raise error.saying(message).at(where)


def _unless_blank(value: object) -> object:
    """Return the value of a cell, unknown where the cell is blank, as null is."""
    return None if is_blank(str(value or "")) else value


def _has_scorers(row: Mapping[str, object]) -> bool:
    """Return whether a flat row has scorers of its own: a list; anything else is a variable."""
    return isinstance(row.get(_SCORERS), list) and not isinstance(row, Cells)


def _scorers(value: object, where: str) -> tuple[tuple[str | Mapping[str, Json], str], ...]:
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        _fail(f"scorers must be a list, not {shown(value)}", where, "write them as a suite does")
    for each in value:
        if not isinstance(each, (str, Mapping)):
            _fail(f"{shown(each)} is not a scorer", where, "write it as a suite does")
    return tuple((cast(str, _plain(each, _SCORERS, where)), where) for each in value)


def _check_keys(row: Mapping[str, object], where: str) -> None:
    for key in row:
        if key not in _STRUCTURED:
            mistaken = unknown("key", key, _STRUCTURED, of="a case").at(where)
            raise mistaken.advising(remedy_for_key(key) or mistaken.hint)


def _case(fields: Mapping[str, object], variables: Mapping[str, object], where: str) -> Case:
    plain = {name: _plain(value, name, where) for name, value in variables.items()}
    expect = _plain(fields.get("expect"), "expect", where)
    tags = _tags(fields.get("tags"), where)
    group = _name(fields.get("group"), "group", where)
    case_id = _name(fields.get("id"), "id", where)
    if case_id is None:
        case_id = id_of_content(_as_json(case_content(plain, expect, tags, group), where))
    text = _as_json(case_content(plain, expect, tags, group, case_id), where)
    _check_text(text, case_id, where)
    return Case(
        id=case_id,
        vars=cast(Mapping[str, Json], plain),
        expect=cast(Json, expect),
        tags=tags,
        group=group,
        digest=digest_text(text),
        scorers=_scorers(fields.get(_SCORERS), where),
    )


def _plain(value: object, name: str, where: str, depth: int = 0) -> object:
    """Return a value as JSON would return it: a resumed run must see the same value again."""
    if type(value) is str:  # what most values are
        return value
    if depth > _DEEPEST:
        _fail(f"{name} is nested too deeply", where, f"{_DEEPEST} levels are enough")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                _fail(
                    f"{name} has the key {shown(key)}, which is not text", where, "put it in quotes"
                )
        return {key: _plain(item, name, where, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, name, where, depth + 1) for item in value]
    return numbers.as_json(value)


def _as_json(content: Mapping[str, object], where: str) -> str:
    try:
        return case_json(content)
    except (ValueError, TypeError):
        _fail(
            _not_json(content), where, "use only text, numbers, true, false, null, lists and keys"
        )


def _not_json(content: Mapping[str, object]) -> str:
    """Describe the value that cannot be stored as JSON."""
    for name, value in [*cast(Mapping[str, object], content["vars"]).items(), *content.items()]:
        try:
            case_json(value)
        except TypeError:
            return f"{name} is {shown(value)}, which JSON cannot represent"
        except ValueError:
            return f"{name} contains NaN, infinity or itself, which JSON cannot represent"
    return "the case cannot be stored as JSON"


def _check_text(text: str, case_id: str, where: str) -> None:
    if len(text) > MAX_BYTES:
        size = f"{len(text) / 1e6:.1f} MB, more than {MAX_BYTES / 1e6:.0f} MB"
        _fail(
            f"case {shown(case_id)} is {size}",
            where,
            "give the model the part of the text that the question needs",
        )
    if "\\u0000" in text and _NUL.search(text):
        _fail(f"case {shown(case_id)} contains a NUL character", where, "remove it")
    if not text.isascii() and _LONE_SURROGATE.search(text):
        _fail(
            f"case {shown(case_id)} contains half of a surrogate pair",
            where,
            "save it as whole characters",
        )


def _tags(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(value.replace(",", " ").split())
    if isinstance(value, (list, tuple)) and all(isinstance(tag, str) for tag in value):
        return tuple(value)
    return _fail(f"tags must be text, not {shown(value)}", where)


def _name(value: object, role: str, where: str) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        _fail(f"the {role} must be text or a whole number, not {shown(value)}", where)
    return str(value)


def _fail(message: str, where: str, hint: str = "fix this row") -> NoReturn:
    raise PromptlabError(message, where=where, hint=hint)
