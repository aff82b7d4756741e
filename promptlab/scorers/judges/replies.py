"""What a judge's reply says: JSON where it is, else what is as clear. Anything else is unknown.

A reply may quote what it judges. So JSON within other text, or a line, counts only where all that
it could be say the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

from promptlab.core.types import Completion, Json, Outcome
from promptlab.scorers.reading import fences
from promptlab.scorers.reading.normal import normal_json
from promptlab.scorers.verdict import quoted

REASON = "reason"
_OPENINGS = 50  # places within a text where JSON may begin
_LONGEST = 50_000  # characters of a reply that are looked through
_DECORATION = r"[\s*_#>`\"'-]*"


class Unreadable(ValueError):
    """A reply that holds no verdict."""


def reply_of(completion: Completion, key: str) -> Mapping[str, Json]:
    """Return the object that a reply is, or holds; it has the key. Raise `Unreadable` if none."""
    if completion.outcome is Outcome.REFUSED:
        raise Unreadable("the judge refused to answer")
    text = completion.text.strip()
    if not text:
        raise Unreadable("the judge said nothing")
    try:
        whole = _parsed(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, dict):
        return _with_key(whole, key, text)
    found = [each for each in _objects(text[:_LONGEST]) if key in each]
    if not found:
        found = [{key: value, REASON: _but_line(text, key)} for value in _lines(text, key)]
    if not found:
        cut = " (it was cut off)" if completion.outcome is Outcome.TRUNCATED else ""
        raise Unreadable(f"the judge said {quoted(text)}{cut}, which holds no {key}")
    if any(each[key] != found[0][key] for each in found):
        raise Unreadable(f"the judge said {quoted(text)}, which holds more than one {key}")
    return found[-1]


def told(reply: Mapping[str, Json]) -> str:
    """Return the reason that a reply gives, "" without one."""
    reason = reply.get(REASON)
    return " ".join(reason.split()) if isinstance(reason, str) else ""


def number_in(value: Json, low: float, high: float) -> float:
    """Return a number of a scale, be it written as 4, "4" or "4/5"."""
    if isinstance(value, str):
        written = re.fullmatch(rf"\s*(-?\d+(?:\.\d+)?)(?:\s*(?:/|out of)\s*{high:g})?\s*\.?", value)
        value = float(written[1]) if written else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(f"the judge gave {quoted(str(value))}, which is no number")
    if not low <= value <= high:
        raise Unreadable(f"the judge gave {value:g}, which is not from {low:g} to {high:g}")
    return float(value)


def option_in(value: Json, options: Sequence[str]) -> str:
    """Return the option that a value names, in any case; true and false are yes and no."""
    if isinstance(value, bool):
        value = "yes" if value else "no"
    named = str(value).strip().strip("*_`\"'. ").casefold()
    for option in options:
        if isinstance(value, str | int | float) and option.casefold() == named:
            return option
    raise Unreadable(f"the judge gave {quoted(str(value))}, which is none of {', '.join(options)}")


def _with_key(reply: dict[str, Json], key: str, text: str) -> dict[str, Json]:
    if key not in reply:
        raise Unreadable(f"the judge said {quoted(text)}, which holds no {key}")
    return reply


def _objects(text: str) -> Iterator[dict[str, Json]]:
    """Yield the objects that stand in fences, else those within the text."""
    fenced = 0
    for candidate in [*fences.candidates(text)][1:]:
        try:
            value = _parsed(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            fenced += 1
            yield value
    if not fenced:
        yield from _within(text)


def _within(text: str) -> Iterator[dict[str, Json]]:
    start = 0
    for _ in range(_OPENINGS):
        start = text.find("{", start)
        if start < 0:
            return
        try:
            value, start = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            start += 1
            continue
        yield normal_json(value)  # type: ignore[misc] # an object, as it begins with a brace


def _lines(text: str, key: str) -> list[Json]:
    """Return the values of lines such as `Score: 4` or `**Score:** 4/5`."""
    return [match[1].strip() for match in _line(key).finditer(text[:_LONGEST])]


def _but_line(text: str, key: str) -> str:
    return _line(key).sub("", text[:_LONGEST]).strip()


def _line(key: str) -> re.Pattern[str]:
    return re.compile(
        rf"^{_DECORATION}{key}{_DECORATION}[:=]{_DECORATION}([^\n]{{1,40}}?){_DECORATION}$",
        re.MULTILINE | re.IGNORECASE,
    )


def _parsed(text: str) -> Json:
    return normal_json(_DECODER.decode(text.strip()))


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key appears twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)
