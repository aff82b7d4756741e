"""Read how long a server asks to wait, in the many ways in which servers say so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|d|h|m|s)")
_UNITS = {
    "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9,
}  # fmt: skip
_MOST_S = 1e12  # no server means a greater number than this
# Numbers that are not durations but times since 1970, from 2001 to 2096, in seconds and in
# milliseconds (OpenRouter).
_EPOCH_S, _EPOCH_MS = (1e9, 4e9), (1e12, 4e12)


def wait_of(headers: Mapping[str, str], details: Iterable[Mapping[str, Any]] = ()) -> float | None:
    """Return how many seconds a server asks to wait, None if it does not say.

    In order of trust: `retry-after-ms`, `retry-after` (seconds or a date), `retryDelay` in the
    details of a Gemini body, and the exhausted limits, of which the last to be reset counts
    (`x-ratelimit-reset-*`, `anthropic-ratelimit-*-reset`).
    """
    milliseconds = _seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None and milliseconds < _MOST_S:
        return milliseconds / 1000
    delays = [detail.get("retryDelay") for detail in details]
    for value in (headers.get("retry-after"), *delays):
        if isinstance(value, str) and (wait := _wait(value, headers)) is not None:
            return wait
    resets = [_wait(value, headers) for value in _used_up(headers)]
    return max((wait for wait in resets if wait is not None), default=None)


def _used_up(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield the resets of the exhausted limits, or of all limits that do not say what remains."""
    named: dict[str, str] = {}
    for name, value in headers.items():
        named.setdefault(name.lower(), value)  # the first counts, as `get` has it
    resets = {
        name: value for name, value in named.items() if "ratelimit" in name and "reset" in name
    }
    left = {name: named.get(name.replace("reset", "remaining")) for name in resets}
    spent = [name for name, remaining in left.items() if remaining in ("0", "0.0")]
    for name in spent or [name for name, remaining in left.items() if remaining is None]:
        yield resets[name]


def _wait(value: str, headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a duration, or those from the server's clock to a point in time."""
    seconds = _seconds(value)
    moment = _moment(value) if seconds is None else _since_1970(seconds)
    if moment is None:
        return seconds if seconds is not None and seconds < _MOST_S else None
    now = _moment(headers.get("date", ""))
    return max(0.0, (moment - now).total_seconds()) if now else None


def _seconds(text: str) -> float | None:
    """Read a duration: `1m30s`, `6ms`, `45.837906927s`, or a number of seconds."""
    text = text.strip()
    parts = _DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    else:
        try:
            seconds = float(text)
        except ValueError:
            return None
    return seconds if 0 <= seconds < float("inf") else None


def _since_1970(number: float) -> datetime | None:
    """Return the time that a number stands for, None if it is a duration."""
    for (first, last), unit in ((_EPOCH_S, 1.0), (_EPOCH_MS, 1e3)):
        if first <= number < last:
            return datetime.fromtimestamp(number / unit, UTC)
    return None


def _moment(text: str) -> datetime | None:
    """Read a time in HTTP or ISO format."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
