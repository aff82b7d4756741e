"""What a judge's reply says: JSON where it is, else what is as clear. Anything else is unknown.

A reply may quote what it judges. So JSON within other text, or a line, counts only where it is no
quotation, and where all that it could be say the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NoReturn

from promptlab.core.types import Completion, Json, Outcome
from promptlab.scorers.reading import fences
from promptlab.scorers.reading.normal import normal_json
from promptlab.scorers.verdict import quoted

REASON = "reason"
_OPENINGS = 50  # places within a text where JSON may begin
_LONGEST = 50_000  # characters of a reply that are looked through
_VALUE = re.compile(r"[^\n{}:=]{1,40}")  # a reply that may be a value and no more
_DECORATION = r"[\s*_#>`\"'-]*"


class Unreadable(ValueError):
    """A reply that holds no verdict."""


def reply_of(completion: Completion, key: str, shown: Collection[str] = ()) -> Mapping[str, Json]:
    """Return the object that a reply is, or holds; it has the key. Raise `Unreadable` if none.

    What a reply says beside other text does not count where it stands in a text that was `shown`.
    """
    if completion.outcome is Outcome.REFUSED:
        raise Unreadable("the judge refused to answer")
    text = completion.text.strip()
    if not text:
        raise Unreadable("the judge said nothing")
    try:
        whole = _parsed(text)
    except (ValueError, RecursionError):
        whole = None
    cut_off = completion.outcome is Outcome.TRUNCATED
    said = [_plain(whole)] if isinstance(whole, dict) else _objects(text[:_LONGEST], shown)
    found = [each for each in said if key in each]
    if not found and not isinstance(whole, dict) and not cut_off:
        found = _in_words(text[:_LONGEST], key, shown)
    if not found:
        cut = " (it was cut off)" if cut_off else ""
        raise Unreadable(f"the judge said {quoted(text)}{cut}, which holds no {key}")
    if any(each[key] != found[0][key] for each in found):
        raise Unreadable(f"the judge said {quoted(text)}, which holds more than one {key}")
    return found[-1]


def _in_words(text: str, key: str, shown: Collection[str]) -> list[dict[str, Json]]:
    """Return what a text without JSON may say: lines, or no more than a value."""
    lines = [match for match in _line(key).finditer(text) if not _quoted(match[0], shown)]
    if lines:
        reason = _line(key).sub("", text).strip()
        return [{key: match[1].strip(), REASON: reason} for match in lines]
    return [{key: text}] if _VALUE.fullmatch(text) else []


def _quoted(said: str, shown: Collection[str]) -> bool:
    return any(said.strip() in text for text in shown)


def _plain(reply: Mapping[str, Json]) -> dict[str, Json]:
    """Return a reply with its keys in small letters, unless two of them would be one."""
    plain = {key.strip().casefold(): value for key, value in reply.items()}
    return plain if len(plain) == len(reply) else dict(reply)


def told(reply: Mapping[str, Json]) -> str:
    """Return the reason that a reply gives, "" without one."""
    reason = reply.get(REASON)
    return " ".join(reason.split()) if isinstance(reason, str) else ""


def number_in(value: Json, low: float, high: float) -> float:
    """Return a number of a scale, be it written as 4, "4" or "4/5"."""
    if isinstance(value, str):
        plain = value.strip("*_` ").removesuffix(".")
        written = re.fullmatch(rf"(-?\d+(?:\.\d+)?)(?:\s*(?:/|out of)\s*{high:g})?", plain)
        value = float(written[1]) if written else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(f"the judge gave {quoted(str(value))}, which is no number")
    if not low <= value <= high:
        raise Unreadable(f"the judge gave {value:g}, which is not from {low:g} to {high:g}")
    return float(value)


def option_in(value: Json, options: Sequence[str]) -> str:
    """Return the option that a value names, in any case; true and false are yes and no, too."""
    if isinstance(value, bool):
        named = {"yes", "true"} if value else {"no", "false"}
    elif isinstance(value, str | int | float):
        written = f"{value:g}" if isinstance(value, float) else str(value).strip().casefold()
        named = {written, written.strip("*_`\"'. ")}
    else:
        named = set()
    for option in options:
        if option.strip().casefold() in named:
            return option
    raise Unreadable(f"the judge gave {quoted(str(value))}, which is none of {', '.join(options)}")


def _objects(text: str, shown: Collection[str]) -> list[dict[str, Json]]:
    """Return the objects in fences, else those within the text, but for quotations."""
    fenced = []
    for candidate in [*fences.candidates(text)][1:]:
        try:
            value = _parsed(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            fenced.append((value, candidate))
    found = fenced or _within(text)
    return [_plain(value) for value, source in found if not _quoted(source, shown)]


def _within(text: str) -> Iterator[tuple[dict[str, Json], str]]:
    start = 0
    for _ in range(_OPENINGS):
        start = text.find("{", start)
        if start < 0:
            return
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            start += 1
            continue
        yield normal_json(value), text[start:end]  # type: ignore[misc] # a brace begins an object
        start = end


def _line(key: str) -> re.Pattern[str]:
    """Return the pattern of lines such as `Score: 4` or `**Score:** 4/5`."""
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
