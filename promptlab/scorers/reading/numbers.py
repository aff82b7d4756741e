r"""Numbers as people write them, read exactly and as a whole, or not at all.

A piece of a larger form is no number: of `0,5` with the decimal point, `12:30`, `2024-05-01`,
`1.2.3`, `x^2` or `2\pi` none of the parts counts. What looks like a number and cannot be read is
returned as well, so that nobody takes the next one for it.
"""

from __future__ import annotations

import unicodedata
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import Literal

import regex

from promptlab.scorers.reading.latex import plain_numbers
from promptlab.scorers.reading.normal import normal

DecimalMark = Literal[".", ","]

_MINUS = "-‐‑‒–−﹣－➖"
_SPACE = " \u00a0\u2007\u2008\u2009\u200a\u202f"
_APOSTROPHES = "'’ʼ"
_TIMES = r"(?:[×x*·⋅∙]|\\times(?![a-zA-Z])|\\cdot(?![a-zA-Z]))"
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_PLAIN_MINUS = str.maketrans(dict.fromkeys(_MINUS, "-"))
_MYRIADS = "十百千万萬亿億兆"  # powers of ten that follow digits in Chinese and Japanese
_MOST_DIGITS = 4_000  # of a number: Python reads no longer one
_LARGEST_BITS = 50_000  # of a power: more is not worked out

# The parts of the pattern below. Names in capitals stand for other parts; what is matched is kept.
_GROUPS = r"""
      [1-9]\d{0,2} (?: [GROUPING]\d{3} (?!\d) )++
    | [1-9]\d? (?: [GROUPING]\d{2} (?!\d) )++ [GROUPING]\d{3} (?!\d)
    | [1-9]\d{0,2} (?: [APOSTROPHES]\d{3} (?!\d) )++
    | [1-9]\d{0,2} (?: _\d{3} (?!\d) )++
    | [1-9]\d{0,2} (?= (?P<space>[SPACE]) ) (?: (?P=space)\d{3} (?! \d | (?P=space)?[SLASH]\d) )++
"""
_PLAIN = r"(?> (?> GROUPS | \d++ ) (?: [MARK]\d++ )?+ | [MARK]\d++ )"
_EXPONENT = r"[+MINUS]?\d{1,4}+ (?!\d)"
_RAISED = r"[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4}+ (?![⁰¹²³⁴⁵⁶⁷⁸⁹])"
# What, beside digits, makes them a piece of something larger: before them, and behind them.
_BEFORE = r"""
      \d | \p{LC}\p{M}? | [\p{L}\p{N}]_++ | _\{ | \^[{(]?GAP[+MINUS]? | \d[.,·COLONAPOSTROPHES+÷]
    | [\p{L}\p{N})\]}][SLASH] | \dTIMES | [⁄∕]
    | \\sqrt(?:\[\w\])?\{ | sqrt\( | [√∛] | [±∓]GAP | \\(?:pm|mp)GAP | [\p{No}\p{Nl}]
"""
_BEHIND = r"""
      \d | [.,_·SLASHCOLONAPOSTROPHES+÷]\d | TIMES\d | [⁄∕] | [eE][+MINUS]?\d
    | GAP(?:[±∓]|\\(?:pm|mp)(?![a-zA-Z]))
    | GAP\^ | \*\*[+MINUS]?\d | [^\S\n]\*\*[^\S\n] | [\p{No}\p{Nl}] | [\p{Han}&&\p{nt=nu}]
    | \.?\(\d++\) | [.,]?\\overline | GAP(?:[π√∛]|\\pi(?![a-zA-Z])|\\sqrt)
    | GAP[)\]}]GAP(?:\^|\*\*[+MINUS]?\d|[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]) | [MINUS]\d++[/⁄MINUS]\d
    | [xXbBoO](?<=(?<![\d.,])0.)[\da-fA-F]
"""
_RAISED_BY = r"(?: \{ (?P<NAME>EXPONENT) \} | \( (?P<NAME>EXPONENT) \) | (?P<NAME>EXPONENT) )"
_NUMBER = r"""
(?= [\d+MINUS\p{Sc}A-Z.,] ) (?<! BEFORE )
(?:
  (?>
    (?P<sign> (?<![\p{LC}\p{N})\]}%‰°]) [+MINUS] (?: (?<=[=≈≃≅≤≥]GAP[+MINUS]) GAP )? )?
    (?: (?: (?<!\p{L}) [A-Z]{1,2} )? \p{Sc} GAP (?P<inner>[+MINUS])? )?
    (?:
        (?P<whole>\d{1,4}) [SPACE] (?P<num>\d++) GAP[SLASH]GAP (?P<den>\d++)
      | (?P<num>PLAIN) GAP[SLASH]GAP (?P<den>PLAIN)
      | (?P<plain>PLAIN)
        (?: [eE] (?P<power>EXPONENT)
          | GAP TIMES GAP 10 GAP (?:\^|\*\*) GAP
            BY_POWER
          | GAP TIMES GAP 10 (?P<raised>RAISED)
          | (?P<tens> [MYRIADS]++ )
          | (?:GAP\^GAP|\*\*|[^\S\n]\*\*[^\S\n]) BY_OF
          | (?P<raised_of>RAISED)
        )?+
    )
  )
  (?! BEHIND )
  | (?: (?<![\p{LC}\p{N})\]}%‰°]) [+MINUS] )? \p{Sc}?+ (?: PLAIN | [.,]?\d++ )
    (?: (?:[eE.,_·SLASHCOLONAPOSTROPHESMINUS]|\*\*|GAP\^GAP) \{?[MINUS]?\d++ )*+
    (?: \.?\(\d++\) | [.,]?\\overlineGAP\{\d++\} )?+ (?P<broken>)
)
"""


@dataclass(frozen=True, slots=True)
class Written:
    """One number in a text: where it stands, how it is written, its value if it can be read."""

    start: int
    end: int
    text: str
    value: Fraction | None


def read_numbers(text: str, decimal: DecimalMark = ".") -> list[Written]:
    """Return every number in the text, in its normal form, from left to right."""
    text = plain_digits(text, decimal)
    return [_written(match, decimal) for match in _pattern(decimal).finditer(text)]


def one_number(text: str, which: Literal["first", "last"], decimal: DecimalMark) -> Written | None:
    """Return the first or last number in the text, without a look at all others."""
    lines = plain_digits(text, decimal).split("\n")  # no number goes on in the next line
    for line in lines if which == "first" else reversed(lines):
        matches = _pattern(decimal).finditer(line)
        match = next(matches, None)
        if match is not None:
            return _written(match if which == "first" else deque([match, *matches], 1)[0], decimal)
    return None


def different_numbers(text: str, decimal: DecimalMark) -> list[Written]:
    """Return one number of each value; those that cannot be read count as one value."""
    lines = dict.fromkeys(plain_digits(text, decimal).split("\n"))
    found = (match for line in lines for match in _pattern(decimal).finditer(line))
    written = {match[0]: match for match in found}
    numbers = (_written(match, decimal) for match in written.values())
    return list({number.value: number for number in numbers}.values())


@lru_cache(maxsize=16)
def number_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Return where numbers stand in a text in its normal form, read or not, signs included."""
    if not text.isascii():
        text = _DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)
    return tuple(match.span() for match in _pattern(".").finditer(text))


def plain_digits(text: str, decimal: DecimalMark = ".") -> str:
    """Return the normal form with ASCII digits for those of any script, and plain fractions."""
    text = plain_numbers(normal(text))
    if text.isascii():
        return text
    grouping = "," if decimal == "." else "."
    text = _ARABIC_MARK.sub(decimal, _ARABIC_GROUP.sub(grouping, text))
    text = _WIDE_MARK.sub(lambda match: "." if match[0] == "．" else ",", text)
    return _DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)


_ARABIC_MARK = regex.compile(r"(?<=\p{Nd})٫(?=\p{Nd})")
_ARABIC_GROUP = regex.compile(r"(?<=\p{Nd})٬(?=\p{Nd})")
_WIDE_MARK = regex.compile(r"(?<=[０-９])[．，](?=[０-９])")
_DIGIT = regex.compile(r"[^\P{Nd}0-9]")


@cache
def _pattern(decimal: DecimalMark) -> regex.Pattern[str]:
    source = _NUMBER
    for name, part in {
        "BEFORE": _BEFORE,
        "BEHIND": _BEHIND,
        "PLAIN": _PLAIN,
        "GROUPS": _GROUPS,
        "BY_POWER": _RAISED_BY.replace("NAME", "power"),
        "BY_OF": _RAISED_BY.replace("NAME", "of"),
        "EXPONENT": _EXPONENT,
        "RAISED": _RAISED,
        "GROUPING": "," if decimal == "." else r"\.",
        "MARK": regex.escape(decimal),
        "APOSTROPHES": _APOSTROPHES,
        "MINUS": regex.escape(_MINUS),
        "SPACE": "".join(f"\\u{ord(char):04x}" for char in _SPACE),
        "SLASH": "/⁄∕／",
        "COLON": ":∶：",
        "TIMES": _TIMES,
        "GAP": r"[^\S\n]?",
        "MYRIADS": _MYRIADS,
    }.items():
        source = source.replace(name, part)
    return regex.compile(source, regex.VERBOSE | regex.V1)


def _written(match: regex.Match[str], decimal: DecimalMark) -> Written:
    readable = match["broken"] is None and match.end() - match.start() <= _MOST_DIGITS
    value = _value(match, decimal) if readable else None
    return Written(match.start(), match.end(), match[0].strip(), value)


def _value(match: regex.Match[str], decimal: DecimalMark) -> Fraction | None:
    signs = (match["sign"], match["inner"])
    is_negative = any(part and part.strip() in _MINUS for part in signs)
    size = _size(match, decimal)
    return -size if is_negative and size is not None else size


def _size(match: regex.Match[str], decimal: DecimalMark) -> Fraction | None:
    if match["den"] is not None:
        below = _plain(match["den"], decimal)
        above = _plain(match["num"], decimal)
        if below == 0 or (match["whole"] and above >= below):
            return None
        return int(match["whole"] or 0) + above / below
    plain = _plain(match["plain"], decimal)
    if match["power"] or match["raised"]:
        return plain * Fraction(10) ** _exponent(match["power"] or match["raised"])
    if match["of"] or match["raised_of"]:
        return _power(plain, _exponent(match["of"] or match["raised_of"]))
    for sign in match["tens"] or "":
        plain *= int(unicodedata.numeric(sign))
    return plain


def _plain(text: str, decimal: DecimalMark) -> Fraction:
    whole, _, part = text.rpartition(decimal) if decimal in text else (text, "", "")
    digits = "".join(char for char in whole if char.isdigit())
    return Fraction(f"{digits or 0}.{part or 0}")


def _exponent(text: str) -> int:
    return int(text.translate(_LOWERED).translate(_PLAIN_MINUS))


def _power(base: Fraction, exponent: int) -> Fraction | None:
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits * abs(exponent) > _LARGEST_BITS or (base == 0 and exponent < 0):
        return None
    return base**exponent
