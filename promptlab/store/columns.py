"""The columns that queries of today name: of the view, of an answer, and the group of a case.

Migrations never read these: what they once said stands in their own text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from promptlab.core.results import Result

RESULT_COLUMNS = tuple(field.name for field in fields(Result) if field.name != "seq")
"""The columns of the view `results`, a promise to users."""

COMPLETION_COLUMNS = (
    *("outcome", "output", "finish_reason", "model"),
    *("input_tokens", "output_tokens"),
    *("cache_read_tokens", "cache_write_tokens", "reasoning_tokens"),
    *("cost_usd", "latency_s", "fingerprint", "warnings", "likelihoods"),
)
"""The columns of `generations` that hold a completion."""

# The group of a case `c` of the table `cases`, as `core.groups.group_of` tells them apart: a text,
# or for a case without one its own number, which no text is equal to.
GROUP = "coalesce(c.case_group, c.id)"


def listed(columns: Sequence[str], of: str = "") -> str:
    """Return columns as SQL lists them, each `of` a table where that is named."""
    return ", ".join(f"{of}.{column}" if of else column for column in columns)


def placeholders(columns: Sequence[str]) -> str:
    """Return a place for each column's value in a row of many.

    Rows of many are tuples, their columns named beside them: binding each value by its name took
    twice as long, a second for 100,000 trials. All else is bound by name.
    """
    return ", ".join("?" * len(columns))
