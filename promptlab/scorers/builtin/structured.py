"""Scorers for structured answers: `numeric` and `json_schema`."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from promptlab.core.lazy import lazy_module
from promptlab.core.types import Json, Score
from promptlab.scorers.decorator import scorer
from promptlab.scorers.sample import Sample
from promptlab.scorers.verdict import graded, quoted, verdict

if TYPE_CHECKING:
    from promptlab.scorers import schemas
    from promptlab.scorers.reading import fences, normal, numbers
else:
    schemas = lazy_module("promptlab.scorers.schemas")
    fences, normal, numbers = (
        lazy_module(f"promptlab.scorers.reading.{name}") for name in ("fences", "normal", "numbers")
    )

DecimalMark = Literal[".", ","]
_WRITTEN_OUT = 128  # bits: Python writes out no number of thousands of digits
_BEGINNINGS = tuple('{["-0123456789tfn')  # of JSON values
NonNegative = Annotated[float, Field(ge=0)]


def _check_numeric(*, target: int | float | str, decimal: DecimalMark, **_: object) -> None:
    _target(target, decimal)


@scorer(version="3", check=_check_numeric, libraries=["regex"], runs="thread", shares=True)
def numeric(
    sample: Sample,
    *,
    target: int | float | str = "{{ expect }}",
    tolerance: NonNegative = 0.0,
    relative: NonNegative = 0.0,
    which: Literal["last", "first", "only"] = "last",
    decimal: DecimalMark = ".",
) -> Score:
    r"""The last number in the output is the target.

    Read as one number: -1,234.5 and 1 234.5 and 1_234.5 and 1'234.5 (groups of three digits) and
    12,34,567.5 (as in India), a minus sign of any kind (after =, a blank may follow it), $5, 1.5e3,
    1.5 x 10^3, 10^5, 10^(5) and 10⁵, 3/4, 2 1/2 and 2½, 3万, the digits of any script, and LaTeX
    such as \frac{3}{4} and 9{,}500. What looks like a number and is none of these, such as 0,5 with
    the decimal point, 12:30, 2024-05-01 or 2π, counts as a number that cannot be read: no piece of
    it is taken for the answer. Digits after a letter are no number.

    Limits:
        A percent sign, a unit, a currency and a word such as "million" are passed over: 45 % reads
        45, 5 million reads 5. Numbers in words are not read, nor are expressions worked out (2 + 3,
        √2, 2π), nor repeating decimals, bases other than ten, and groups of four digits. Whether a
        comma is a decimal mark is not guessed: see `decimal`. A range such as 3-5 is two numbers,
        and so is "2 and 1/2". Which number is the answer is not guessed either: where its
        explanation follows, `which: first` takes it.

    Args:
        sample: the trial to grade
        target: the number, or a text that holds it
        tolerance: how far off the number may be
        relative: how far off it may be as a share of the target; the wider of the two counts
        which: the number that counts; "only" fails where the output holds two different ones
        decimal: the decimal mark; with "," numbers are read as 1.234,5
    """
    wanted = _target(target, decimal)
    right = _written(wanted)
    if which == "only":
        different = numbers.different_numbers(sample.output, decimal)
        if len(different) > 1:
            return graded(False, f"found {len(different)} different numbers", None, right)
        number = different[0] if different else None
    else:
        number = numbers.one_number(sample.output, which, decimal)
    if number is None:
        return graded(False, "found no number", None, right)
    if number.value is None:
        return graded(False, f"found no plain number: {quoted(number.text)}", None, right)
    allowed = max(_exact(tolerance), _exact(relative) * abs(wanted))
    passed = abs(number.value - wanted) <= allowed
    return graded(passed, f"found {number.text}", _written(number.value), right)


def _written(number: Fraction) -> str:
    """Return a number in the one way that equal ones share, however they were written."""
    bits = max(number.numerator.bit_length(), number.denominator.bit_length())
    return str(number) if bits <= _WRITTEN_OUT else f"#{hash(number):x}"


def _exact(number: int | float) -> Fraction:
    """Return the decimal number as it is written: 0.1 is a tenth."""
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def _target(target: int | float | str, decimal: DecimalMark) -> Fraction:
    if not isinstance(target, str):
        if not math.isfinite(target):
            raise ValueError(f"the target {target} is not finite")
        return _exact(target)
    found = numbers.read_numbers(target, decimal)
    if len(found) != 1:
        raise ValueError(f"the target {target!r} must hold one number, it holds {len(found)}")
    if found[0].value is None:
        raise ValueError(f"the target {target!r} holds no plain number: {found[0].text!r}")
    return found[0].value


def _valid_schema(schema: dict[str, Any]) -> dict[str, Any]:
    schemas.check_schema(schema)
    return schema


@scorer(version="2", libraries=["jsonschema", "regex"], runs="thread", shares=True)
def json_schema(
    sample: Sample,
    *,
    schema: Annotated[dict[str, Any], AfterValidator(_valid_schema)],
    extract: bool = True,
) -> Score:
    """The output is JSON that the schema allows.

    Numbers are compared as they are written, digit by digit, and texts in composed letters without
    invisible characters. Formats are checked.

    Limits:
        JSON is looked for in the whole output and in its fences, not in running text, and it is not
        repaired: comments, single quotes and trailing commas are no JSON. Of a key that appears
        twice the last value counts. Of an address of mail only the @ is checked; formats that the
        draft does not define ("int32", "password") are not checked at all. Nothing is fetched.

    Args:
        sample: the trial to grade
        schema: a JSON Schema of the draft that its $schema names, else 2020-12; a $ref must stay
            within it
        extract: where the output as a whole is no JSON, take what its fences hold, ``` or ~~~; the
            first that holds JSON counts
    """
    try:
        document = _document(normal.normal(sample.output), extract)
    except (ValueError, RecursionError) as error:
        return replace(verdict(False, f"not JSON: {error}"), gradable=False)
    problem = schemas.first_problem(document, schema)
    return replace(verdict(problem is None, problem), gradable=True)


def _document(output: str, extract: bool) -> Json:
    """Return the first JSON value; if there is none, raise the last error."""
    errors: list[ValueError] = []
    for candidate in fences.candidates(output) if extract else [output]:
        if len(errors) > 1 and not candidate.lstrip().startswith(_BEGINNINGS):
            continue  # an answer may hold any number of fences
        try:
            return schemas.parsed(candidate)
        except ValueError as error:
            errors = [*errors[:1], error]
    raise errors[-1]
