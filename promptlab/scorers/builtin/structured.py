"""Scorers for structured answers: `numeric` and `json_schema`."""

from __future__ import annotations

import json
import math
import re
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

from pydantic import AfterValidator, Field

from promptlab.core.lazy import lazy_module
from promptlab.core.types import Json, Score
from promptlab.scorers import Sample, scorer
from promptlab.scorers.verdict import verdict

if TYPE_CHECKING:
    from promptlab.scorers import schemas
else:
    schemas = lazy_module("promptlab.scorers.schemas")

DecimalMark = Literal[".", ","]
NonNegative = Annotated[float, Field(ge=0)]

_INFO_WORD = re.compile(r"^json\w*", re.IGNORECASE)
_MINUS = ("-", "−")  # noqa: RUF001  # the hyphen and the true minus sign
_PLAIN_MINUS = str.maketrans("−", "-")  # noqa: RUF001
_SEPARATORS = " _'’\u00a0\u2009\u202f"  # noqa: RUF001  # the last three are spaces too
_NUMBER = r"""
    (?<![^\W_]) (?<!\d{mark})                       # not inside a word or a version such as 1.2.3
    (?P<sign>[-+−]? (?=[\d$€£¥₹{mark}]))            # (a hyphen after a digit makes a range: 3-5)
    (?:[$€£¥₹] \s? (?P<inner_sign>[-+−]?))?
    (?P<digits>
        \d{{1,3}} (?P<space>[{separators}]) \d{{3}} (?: (?P=space) \d{{3}} )* (?!\d)
        | \d+
        | (?={mark}\d)
    )
    (?:{mark} (?P<fraction>\d+))?
    (?: [eE] (?P<exponent>[-+−]?\d{{1,4}}) (?!\d)
      | \s? (?:[×x*·]|\\times) \s? 10 \s? (?:\^|\*\*) \s?
        \{{? (?P<power>[-+−]?\d{{1,4}}) \}}? (?!\d)
    )?
"""  # noqa: RUF001
# Enough precision for any number that a model would write, and no exponent can overflow.
_ARITHMETIC = Context(prec=100, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


def _check_numeric(*, target: int | float | str, decimal: DecimalMark, **_: object) -> None:
    _target(target, decimal)


@scorer(version="1", check=_check_numeric)
def numeric(
    sample: Sample,
    *,
    target: int | float | str = "{{ expect }}",
    tolerance: NonNegative = 0.0,
    relative: NonNegative = 0.0,
    which: Literal["last", "first", "only"] = "last",
    decimal: DecimalMark = ".",
) -> Score:
    """The last number in the output is the target.

    Read as one number: -1,234.5 and 1 234.5 and 1_234.5 and 1'234.5 (groups of three digits), a
    minus sign of any kind, $5, 1.5e3, 1.5 x 10^3. A percent sign or a unit is passed over: 45 %
    reads 45. A fraction such as 3/4 reads as two numbers. Digits after a letter are no number.

    Args:
        sample: the trial to grade
        target: the number, or a text that holds it
        tolerance: how far off the number may be
        relative: how far off it may be as a share of the target; the wider of the two counts
        which: the number that counts; "only" fails where the output holds two different ones
        decimal: the decimal mark; with "," numbers are read as 1.234,5
    """
    wanted = _target(target, decimal)
    matches = list(_number_pattern(decimal).finditer(sample.output))
    if not matches:
        return verdict(False, "found no number")
    if which == "only" and len(different := {_read(match) for match in matches}) > 1:
        return verdict(False, f"found {len(different)} different numbers")
    match = matches[0 if which == "first" else -1]
    allowed = max(_exact(tolerance), _ARITHMETIC.multiply(_exact(relative), wanted.copy_abs()))
    distance = _ARITHMETIC.subtract(_read(match), wanted).copy_abs()
    return verdict(distance <= allowed, f"found {match[0].strip()}")


@cache
def _number_pattern(decimal: DecimalMark) -> re.Pattern[str]:
    grouping = "," if decimal == "." else "."
    source = _NUMBER.format(mark=re.escape(decimal), separators=grouping + _SEPARATORS)
    return re.compile(source, re.VERBOSE)


def _read(match: re.Match[str]) -> Decimal:
    minus = match["sign"] in _MINUS or match["inner_sign"] in _MINUS
    digits = "".join(char for char in match["digits"] if char.isdigit())
    exponent = (match["exponent"] or match["power"] or "0").translate(_PLAIN_MINUS)
    sign = "-" if minus else ""
    return Decimal(f"{sign}{digits}.{match['fraction'] or 0}E{exponent}")


def _exact(number: int | float) -> Decimal:
    """Return the decimal number as it is written: 0.1 is a tenth."""
    return Decimal(repr(number))


def _target(target: int | float | str, decimal: DecimalMark) -> Decimal:
    if not isinstance(target, str):
        if not math.isfinite(target):
            raise ValueError(f"the target {target} is not finite")
        return _exact(target)
    matches = list(_number_pattern(decimal).finditer(target))
    if len(matches) != 1:
        raise ValueError(f"the target {target!r} must hold one number, it holds {len(matches)}")
    return _read(matches[0])


def _valid_schema(schema: dict[str, Any]) -> dict[str, Any]:
    schemas.check_schema(schema)
    return schema


@scorer(version="1", libraries=["jsonschema", "regex"], runs="thread")
def json_schema(
    sample: Sample,
    *,
    schema: Annotated[dict[str, Any], AfterValidator(_valid_schema)],
    extract: bool = True,
) -> Score:
    """The output is JSON that the schema allows.

    Args:
        sample: the trial to grade
        schema: a JSON Schema, draft 2020-12; a $ref must stay within it
        extract: where the output as a whole is no JSON, take what its first ``` fence holds
    """
    try:
        document = _document(sample.output, extract)
    except (ValueError, RecursionError) as error:
        return verdict(False, f"not JSON: {error}")
    problem = schemas.first_problem(document, schema)
    return verdict(problem is None, problem)


def _document(output: str, extract: bool) -> Json:
    try:
        return _parsed(output)
    except ValueError:
        _, fence, rest = output.partition("```")
        if not (extract and fence):
            raise
    inside = rest.partition("\n```")[0].strip().removesuffix("```")
    return _parsed(_INFO_WORD.sub("", inside, count=1))


def _parsed(text: str) -> Json:
    value: Json = json.loads(text, parse_constant=_refuse_constant)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
