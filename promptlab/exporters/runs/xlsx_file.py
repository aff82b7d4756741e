"""Results as an Excel workbook, row by row; loaded only when needed (extra `xlsx`)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

from promptlab.core import extras
from promptlab.core.errors import PromptlabError
from promptlab.exporters.runs.cells import Said
from promptlab.exporters.runs.layout import Column, Layout, Trial

try:
    import xlsxwriter
except ImportError:
    xlsxwriter = None

ROWS = 1_048_576
"""What a sheet holds, its head included."""

_COLUMNS = 16_384
_LETTERS = 32_767  # of one cell, in units of UTF-16
_EXACT = 2**53  # whole numbers beyond are not told apart
_OTHER = "--format csv, jsonl or parquet has no such limit"
_AS_TEXTS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "in_memory": False,
}
_WIDE = {"output": 60, "vars": 40, "expect": 20, "arm": 24, "case_id": 14}


def write_xlsx(path: Path, layout: Layout, trials: Iterable[Trial], said: Said) -> None:
    """Write a workbook with one sheet, whose texts are texts: no formula, no link.

    Raise PromptlabError where a sheet cannot hold the rows or one of the texts.
    """
    if xlsxwriter is None:
        raise PromptlabError(
            "an Excel workbook needs XlsxWriter", hint=extras.install("xlsx", "xlsxwriter")
        )
    columns = layout.flat_columns
    if len(columns) > _COLUMNS:
        raise PromptlabError(
            f"a sheet has at most {_COLUMNS:,} columns: there are {len(columns):,}", hint=_OTHER
        )
    with tempfile.TemporaryDirectory() as folder:
        workbook = xlsxwriter.Workbook(str(path), {**_AS_TEXTS, "tmpdir": folder})
        try:
            made = datetime.fromisoformat(layout.created_at)
            workbook.set_properties({"created": made, "title": layout.run_id})
            sheet = _Sheet(workbook.add_worksheet("results"), said)
            sheet.head(columns, workbook.add_format({"bold": True}))
            for trial in trials:
                sheet.add([column.read(trial) for column in columns], columns, trial)
        except BaseException:
            _abandon(workbook)
            raise
        workbook.close()


def _abandon(workbook: Any) -> None:
    """Leave a workbook as it is: closed, it would put the whole file together first."""
    workbook.fileclosed = True
    for sheet in workbook.worksheets():
        sheet.row_data_fh.close()


class _Sheet:
    def __init__(self, sheet: Any, said: Said) -> None:
        self._sheet = sheet
        self._said = said
        self._row = 0

    def head(self, columns: Sequence[Column], bold: Any) -> None:
        for place, column in enumerate(columns):
            self._sheet.set_column(place, place, _WIDE.get(column.name, 12))
        self._sheet.freeze_panes(1, 0)
        for place, column in enumerate(columns):
            self._sheet.write_string(0, place, self._said.text(column.name), bold)

    def add(self, values: Sequence[object], columns: Sequence[Column], trial: Trial) -> None:
        self._row += 1
        if self._row >= ROWS:
            raise PromptlabError(f"a sheet has at most {ROWS:,} rows", hint=_OTHER)
        for place, value in enumerate(values):
            cell = self._said.cell(value)
            if isinstance(cell, bool):
                self._sheet.write_boolean(self._row, place, cell)
            elif isinstance(cell, str):
                self._text(place, cell, columns[place].name, trial)
            elif cell is not None and isfinite(cell) and abs(cell) <= _EXACT:
                self._sheet.write_number(self._row, place, cell)
            elif cell is not None:
                self._sheet.write_string(self._row, place, str(cell))

    def _text(self, place: int, text: str, column: str, trial: Trial) -> None:
        if not text:
            return
        if len(text) > _LETTERS // 2 and len(text.encode("utf-16-le")) // 2 > _LETTERS:
            first = trial[0]
            raise PromptlabError(
                f"a cell has at most {_LETTERS:,} characters: {column!r} of case"
                f" {first.case_id!r} on {first.arm} has {len(text):,}",
                hint=_OTHER,
            )
        if text.startswith("<r>") and text.endswith("</r>"):
            # XlsxWriter would take such a text for XML of its own; in pieces it is only text.
            self._sheet.write_rich_string(self._row, place, text[:1], text[1:2], text[2:])
        else:
            self._sheet.write_string(self._row, place, text)
