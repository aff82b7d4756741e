"""The columns that current queries name: of the view, of an answer, and the group of a case.

Migrations never read these: each keeps its own frozen text.
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
    *("cost_usd", "latency_s", "fingerprint", "warnings", "likelihoods", "thoughts"),
)
"""The columns of `generations` that hold a completion."""

# The group of a case `c` of the table `cases`, as in `core.groups.group_of`: a text, or for a case
# without one its own number, which is not equal to any text.
GROUP = "coalesce(c.case_group, c.id)"

# Whether the scorer `k` is to grade the trial `t`: one that cases have of their own (see
# `ScorerSpec.cases`) grades those alone, and people grade what they wish (`ScorerSpec.by_people`).
# Slow for many rows: ask it of those without a score.
GRADES = """(k.name <> 'human' OR json_extract(k.params, '$.rated') IS NULL)
AND (k.name <> 'by_case' OR EXISTS (
    SELECT 1 FROM json_each(k.params, '$.cases') o
    JOIN run_cases q ON q.run = t.run AND q.position = t.case_
    JOIN cases d ON d.id = q.case_ AND d.case_id = o.key
))"""

# Whether the case of the trial `t` has the tag that is asked for, if one is.
TAGGED = """(:tag IS NULL OR EXISTS (
    SELECT 1 FROM run_cases q JOIN cases d ON d.id = q.case_
    WHERE q.run = t.run AND q.position = t.case_
    AND :tag IN (SELECT value FROM json_each(d.tags))
))"""


def listed(columns: Sequence[str], of: str = "") -> str:
    """Return columns as an SQL list, each prefixed by the table `of` if that is given."""
    return ", ".join(f"{of}.{column}" if of else column for column in columns)


def placeholders(columns: Sequence[str]) -> str:
    """Return a placeholder for each column, for statements that run for many rows.

    Such rows are tuples, with their columns named separately: binding each value by name took
    twice as long, a second for 100,000 trials. Everything else is bound by name.
    """
    return ", ".join("?" * len(columns))
