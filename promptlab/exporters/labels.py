"""Ratings of people as a file of labels: CSV or JSON Lines, one row for each rating.

The columns are those that `promptlab judge calibrate --labels` reads; it passes over the others.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from promptlab.core.errors import PromptlabError

_KIND = "human"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """What one rater said of an output, or of a pair.

    `label` is None where there is a note alone. Of a pair, `version` and `backend` are those of the
    output on the left, `other_version` and `other_backend` those of the one on the right.
    """

    run: str
    case: str
    version: str
    backend: str
    other_version: str | None = None
    other_backend: str | None = None
    repeat: int
    label: str | None
    rater: str
    time: str
    note: str
    tags: tuple[str, ...]


def as_file(rows: Iterable[LabelRow], name: str) -> str:
    """Return the text of a file of labels, in the format that the end of its name says."""
    for suffix, write in _FORMATS.items():
        if name.lower().endswith(suffix):
            return write([label_columns(row) for row in rows])
    raise PromptlabError(
        "the format of labels is told by the end of the name",
        where=name,
        hint=f"name it {' or '.join(f'*{suffix}' for suffix in _FORMATS)}",
    )


def label_columns(row: LabelRow) -> dict[str, object]:
    """Return a row of a file of labels as a plain mapping."""
    columns = {**asdict(row), "tags": list(row.tags), "kind": _KIND}
    if row.other_version is None:
        del columns["other_version"], columns["other_backend"]
    return columns


def _csv(rows: list[dict[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    for row in rows:
        writer.writerow(_cell(value) for value in row.values())
    return text.getvalue()


def _cell(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _jsonl(rows: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


_FORMATS = {".csv": _csv, ".jsonl": _jsonl}
