"""Results as CSV and as JSON Lines, piece by piece."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator

from promptlab.core import numbers
from promptlab.core.visible import escaped_in_json
from promptlab.exporters.runs.cells import Said
from promptlab.exporters.runs.layout import Layout, Trial


def csv_lines(
    layout: Layout, trials: Iterable[Trial], said: Said, end: str = "\n"
) -> Iterator[str]:
    """Yield a CSV line by line, with nothing that a sheet would compute; `end` ends a line."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end)

    def line(cells: Iterable[object]) -> str:
        writer.writerow(cells)
        written = text.getvalue()
        text.seek(0)
        text.truncate()
        return written

    columns = layout.flat_columns
    yield line(said.harmless(said.text(column.name)) for column in columns)
    for trial in trials:
        yield line(_csv_cell(column.read(trial), said) for column in columns)


def jsonl_lines(layout: Layout, trials: Iterable[Trial], said: Said) -> Iterator[str]:
    """Yield one JSON object for each trial, on a line of its own; its data are exact."""
    encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
    columns = layout.columns
    for trial in trials:
        row = {column.name: column.read(trial) for column in columns}
        yield f"{escaped_in_json(numbers.encode(encoder, row))}\n"


def _csv_cell(value: object, said: Said) -> object:
    cell = said.cell(value)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return said.harmless(cell) if isinstance(cell, str) else cell
