"""Results as an Excel workbook: texts are texts, and what a sheet cannot hold is refused."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptlab.cases.xlsx import read_sheet
from promptlab.core.errors import PromptlabError
from promptlab.exporters.runs import xlsx_file
from promptlab.exporters.runs.cells import Said
from promptlab.exporters.runs.layout import Trial

from .trials import HOSTILE, LAYOUT, hostile, trial


def test_every_text_is_a_text_and_every_number_a_number(tmp_path: Path) -> None:
    path, said = tmp_path / "a.xlsx", Said()
    xlsx_file.write_xlsx(path, LAYOUT, hostile(), said)
    (_, head), *lines = read_sheet(path, "a.xlsx")
    rows = [dict(zip(head, line, strict=False)) for _, line in lines]
    assert [row["output"] for row in rows] == [Said().text(text) for text in HOSTILE]
    assert [row["var.n"] for row in rows] == [str(place) for place in range(len(HOSTILE))]
    assert said.marked == 0  # no apostrophes: a text cell is never computed
    with zipfile.ZipFile(path) as parts:
        names = parts.namelist()
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        assert not [name for name in names if "rels" in name and "sheet" in name]  # no links
    assert not re.search(r"<f[ >]|hyperlink", sheet)
    assert sheet.count('t="b"') > 0


def test_a_cell_that_is_too_long_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    fits, too_long = "x" * 32_767, "\U0001f600" * 16_384  # two units each
    xlsx_file.write_xlsx(path, LAYOUT, [trial(output=fits)], Said())
    with pytest.raises(PromptlabError, match=r"32,767 characters: 'output' of case 'c3'") as caught:
        xlsx_file.write_xlsx(tmp_path / "b.xlsx", LAYOUT, [trial(3, output=too_long)], Said())
    assert "jsonl" in (caught.value.hint or "")


def test_more_rows_than_a_sheet_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_file, "ROWS", 4)  # a million rows take a minute
    written = 0

    def trials() -> Iterator[Trial]:
        nonlocal written
        for place in range(10):
            written += 1
            yield trial(place)

    with pytest.raises(PromptlabError, match="a sheet has at most 4 rows"):
        xlsx_file.write_xlsx(tmp_path / "a.xlsx", LAYOUT, trials(), Said())
    assert written == 4  # the head is a row too
    xlsx_file.write_xlsx(tmp_path / "b.xlsx", LAYOUT, [trial(n) for n in range(3)], Said())


def test_a_number_that_excel_would_round_is_a_text(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    large = 2**53 + 1
    xlsx_file.write_xlsx(path, LAYOUT, [trial(vars={"text": "x", "n": large})], Said())
    (_, head), (_, line) = read_sheet(path, "a.xlsx")
    assert dict(zip(head, line, strict=False))["var.n"] == str(large)
