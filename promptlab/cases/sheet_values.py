"""The numbers of a spreadsheet as text: dates as dates, digits as the sheet shows them.

A sheet holds 7 and shows 007, holds 0.5 and shows 50%, holds 45322 and shows a day. The text has
the digits that are shown, and never fewer than there are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum

_BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%",
    **dict.fromkeys((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)), "yyyy-mm-dd"),
}  # fmt: skip
_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.|general', re.IGNORECASE)
_OF_A_DATE = re.compile("[ymdhs]", re.IGNORECASE)
_DIGITS = re.compile(r"(?:#,##)?(?P<whole>0+)(?:\.(?P<decimals>0+))?(?P<percent>%?)")
_NUMBER = re.compile(
    r"[-+]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][-+]?[0-9]{1,3})?"
)
_EXACT = 10**15  # whole numbers up to here are exact in a sheet


class DateSystem(Enum):
    """The day before the first one of a workbook."""

    FROM_1900 = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet's days have no time zone
    FROM_1904 = datetime(1904, 1, 1)  # noqa: DTZ001


@dataclass(frozen=True, slots=True)
class Format:
    """How a cell shows its number: as a date, or with at least so many digits."""

    is_date: bool = False
    whole: int = 1
    decimals: int = 0
    percent: bool = False


def format_of(number: int, codes: dict[int, str]) -> Format:
    """Return the format with this number; `codes` are those that the workbook defines."""
    code = codes.get(number, _BUILT_IN.get(number, "")).partition(";")[0]
    shown = _NOT_SHOWN.sub("", code)
    if _OF_A_DATE.search(shown):
        return Format(is_date=True)
    match = _DIGITS.fullmatch(shown.strip())
    if match is None or len(shown) > 50:
        return Format()
    return Format(False, len(match["whole"]), len(match["decimals"] or ""), bool(match["percent"]))


def number_text(value: str, shown: Format, dates: DateSystem) -> str | None:
    """Return a stored number as text, None if it is no number."""
    if not _NUMBER.fullmatch(value):
        return None
    number = float(value)
    if shown.is_date and (text := _moment(number, dates)) is not None:
        return text
    if abs(number) == float("inf"):
        return None
    exact = _shortest(number)
    if shown.percent:
        exact *= 100
    text = format(exact, "f") if -12 < exact.adjusted() < 21 else str(exact)
    if "E" in text:
        return text.replace("E", "e")
    return _padded(text, shown) + ("%" if shown.percent else "")


def _shortest(number: float) -> Decimal:
    """Return the number with the fewest digits that mean it: a sheet stores 1.1000000000000001."""
    if number.is_integer() and abs(number) < _EXACT:
        return Decimal(int(number))
    return Decimal(repr(number))


def _padded(text: str, shown: Format) -> str:
    """Fill up with zeros to the digits that are shown."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, decimals = digits.partition(".")
    decimals = decimals.rstrip("0").ljust(shown.decimals, "0")
    return sign + whole.zfill(shown.whole) + (f".{decimals}" if decimals else "")


def _moment(number: float, dates: DateSystem) -> str | None:
    """Return a day, a day with a time, or a time of day; None where the calendar does not reach."""
    seconds = round(number % 1 * 86_400)
    day = int(number // 1)
    if 0 < day < 60 and dates is DateSystem.FROM_1900:
        day += 1  # Excel counts a 29 February 1900 that there never was
    try:
        moment = dates.value + timedelta(days=day, seconds=seconds)
    except OverflowError:
        return None
    if number < 0:
        return None
    if day == 0 and number < 1:
        return moment.strftime("%H:%M:%S")
    return moment.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d")
