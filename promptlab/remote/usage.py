"""The tokens that a server reports, wherever and under whatever name it puts them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from promptlab.core.types import Usage
from promptlab.remote.reading import count

# Names for tokens read from a cache, for those written to it, and for those thought.
_NAMES = {
    "read": re.compile(r"cach(?!.*(?:miss|creat|writ|cost|price|ttl|discount))", re.IGNORECASE),
    "written": re.compile(r"cach.*(?:creat|writ)(?!.*cost)", re.IGNORECASE),
    "thought": re.compile(r"(?:reasoning|think|thought).*token", re.IGNORECASE),
}


def openai_usage(usage: Mapping[str, Any] | None) -> Usage:
    """Return the tokens of a reply in either of OpenAI's formats.

    The prompt includes cached tokens and the output includes thoughts, as OpenAI counts them; a
    server that counts them apart is known by the total, or by a part that is more than its whole.
    """
    prompt = _first(usage, "prompt_tokens", "input_tokens")
    output = _first(usage, "completion_tokens", "output_tokens")
    read, written, thought = map(_parts(usage).get, _NAMES)
    apart = (read or 0) + (written or 0)
    total = count(usage, "total_tokens")
    if prompt is not None and output is not None and total is not None:
        more = total - prompt - output
        if more > 0 and more in (read, written, apart):
            prompt += more
        elif more > 0:
            output += more
            thought = thought or more
    if prompt is not None and apart > prompt:
        prompt += apart
    if output is not None and thought is not None and thought > output:
        output += thought
    return Usage(prompt, output, read, written, thought)


def cached(usage: Mapping[str, Any] | None) -> int | None:
    """Return the number of tokens read from a cache, under any vendor's name."""
    return _parts(usage).get("read")


def thought(usage: Mapping[str, Any] | None) -> int | None:
    """Return the number of tokens spent on thoughts, under any vendor's name."""
    return _parts(usage).get("thought")


def _first(usage: Mapping[str, Any] | None, *names: str) -> int | None:
    for name in names:
        number = count(usage, name)
        if number is not None:
            return number
    return None


def _parts(usage: Mapping[str, Any] | None) -> dict[str, int]:
    """Return the counts that are part of others, by what they are of.

    Of several under such a name the highest counts: some servers give a zero elsewhere.
    """
    found: dict[str, int] = {}
    counts = usage if isinstance(usage, dict) else {}
    for key, value in counts.items():
        if isinstance(value, dict):
            for inner in value:
                _note(found, value, inner)
        else:
            _note(found, counts, key)
    return found


def _note(found: dict[str, int], counts: Mapping[str, Any], key: str) -> None:
    for what in _named(key):
        number = count(counts, key)
        if number is not None:
            found[what] = max(number, found.get(what, number))


@lru_cache(maxsize=512)  # a server's names are the same in each reply
def _named(key: str) -> tuple[str, ...]:
    return tuple(what for what, pattern in _NAMES.items() if pattern.search(key))
