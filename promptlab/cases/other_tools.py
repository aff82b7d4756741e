"""What cases of other tools say that a case here does not: the remedy, in one line.

Their files are read as the rows that they are; nothing is guessed about checks that they hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from promptlab.core.errors import PromptlabError

EXPECTED = "__expected"
"""promptfoo's column of checks in a table."""

_CHECK = re.compile(
    r"(?:not-)?(?:equals|i?contains(?:-any|-all|-json|-html|-sql|-xml)?|starts-with|regex|is-[a-z-]+"
    r"|javascript|fn|eval|python|file|similar(?:\([0-9.]+\))?|levenshtein(?:\([0-9.]+\))?"
    r"|(?:llm-rubric|grade|factuality|answer-relevance|model-graded-[a-z]+|cost|latency|perplexity)"
    r"(?:\([0-9.]+\))?)\s*(?::|$)"
)
_KEYS = {
    "assert": "that is promptfoo's: give the case an `expect`, and the suite a scorer for it",
    "options": "that is promptfoo's: leave it out",
    "threshold": "that is promptfoo's: make it a gate of the suite",
    "provider": "that is promptfoo's: name backends in the suite",
    "description": "make it a variable in vars, or leave it out",
    "metadata": "make it a variable in vars, or tags",
}


def remedy_for_key(key: str) -> str | None:
    """Return what to do with a key that another tool's cases have, None if it is none of those."""
    return _KEYS.get(key)


def check_row(row: Mapping[str, object], expect: str, where: str) -> None:
    """Refuse a row of another tool's whose check would be taken for a variable or a text.

    `expect` is the column with what is expected.
    """
    if EXPECTED not in row:
        return
    if expect != EXPECTED:
        raise PromptlabError(
            f"the column {EXPECTED!r} is promptfoo's, and would be a variable here",
            where=where,
            hint=f"write columns: {{expect: {EXPECTED}}} in the suite, or rename the column",
        )
    value = row[EXPECTED]
    if isinstance(value, str) and _CHECK.match(value):
        check = value if len(value) <= 40 else f"{value[:37]}..."
        raise PromptlabError(
            f"{check!r} is a check of promptfoo's, not a text that is expected",
            where=where,
            hint="write the text alone, and the check as a scorer of the suite",
        )
