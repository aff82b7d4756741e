"""Results as CSV, JSON Lines and Parquet: exact where programs read, harmless where sheets do."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from promptlab.core.types import Outcome
from promptlab.core.visible import is_visible
from promptlab.exporters.runs.cells import Said
from promptlab.exporters.runs.formats import FORMATS, format_of
from promptlab.exporters.runs.layout import Trial
from promptlab.exporters.runs.tables import csv_lines, jsonl_lines

from .trials import HOSTILE, LAYOUT, hostile, trial

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d")


def read_csv(trials: list[Trial], said: Said | None = None) -> list[dict[str, str]]:
    text = "".join(csv_lines(LAYOUT, trials, said or Said()))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_row_has_the_question_the_answer_and_every_score() -> None:
    [row] = read_csv([trial()])
    assert list(row)[:5] == ["run_id", "suite", "template", "version", "arm"]
    wanted = {
        "case_id": "c0",
        "tags": "a, b",
        "vars": '{"text": "Fine.", "n": 7}',
        "var.text": "Fine.",
        "var.n": "7",
        "expect": "good",
        "output": "good",
        "right": "1.0",
        "right passed": "true",
        "right gradable": "true",
        "right graded": "answer",
        "length": "4.0",
        "length passed": "",
        "length reason": "4 letters",
        "input_tokens": "3",
        "output_tokens": "",
        "latency_s": "0.25",
        "cached": "false",
        "error": "",
    }
    assert {name: row[name] for name in wanted} == wanted


def test_no_cell_of_a_csv_begins_as_a_formula() -> None:
    said = Said()
    rows = read_csv(hostile(), said)
    for row in rows:
        for name, cell in row.items():
            assert not cell.lstrip().startswith(STARTS), (name, cell)
            assert is_visible(cell)
    assert said.marked > 0
    assert said.spelled > 0
    assert len(said.notes) == 2
    marked = [row["output"] for row in rows]
    assert marked[0] == "'=cmd|' /C calc'!A0"
    assert marked[HOSTILE.index("'=1+1")] == "''=1+1"  # one apostrophe more than there was
    assert marked[HOSTILE.index("\x1b[31mred\x1b]0;t\x07\x00")] == "^[[31mred^[]0;t^G^@"


@pytest.mark.parametrize("text", ["-5", "+3.25", "-1e-05", "plain", "a=b", "it's", ""])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    said = Said()
    [row] = read_csv([trial(output=text)], said)
    assert (row["output"], said.marked, said.notes) == (text, 0, ())


def test_csv_is_written_as_the_standard_says() -> None:
    shown = trial(output='say "a", then\r\nb')
    text = "".join(csv_lines(LAYOUT, [shown], Said(), end="\r\n"))
    assert '"say ""a"", then\nb"' in text
    assert text.endswith("\r\n")
    assert text.count("\r\n") == 2


def test_a_scorer_named_as_a_column_keeps_both() -> None:
    named = type(LAYOUT)(
        run_id="r",
        suite="s",
        created_at=LAYOUT.created_at,
        scorers=("output", "right"),
        primary="output",
        variables=("output",),
    )
    names = [column.name for column in named.flat_columns]
    assert len(names) == len(set(names))
    assert {"output", "output (scorer)", "output (scorer) passed", "var.output"} <= set(names)


def test_json_lines_are_exact_and_harmless_in_a_terminal() -> None:
    text = "".join(jsonl_lines(LAYOUT, hostile(), Said()))
    assert all(is_visible(line) for line in text.split("\n"))
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["output"] for row in rows] == list(HOSTILE)
    assert [row["vars"] for row in rows] == [
        {"text": text, "n": place} for place, text in enumerate(HOSTILE)
    ]
    assert rows[0]["tags"] == [HOSTILE[0]]
    assert rows[0]["output_tokens"] is None


def test_an_error_is_that_of_the_trial_or_of_the_scorer() -> None:
    failed = {"score": None, "passed": None, "error": "it broke"}
    [row] = read_csv([trial(second=failed)])
    assert (row["error"], row["length"], row["length error"]) == ("", "", "it broke")
    lost: dict[str, Any] = {"outcome": Outcome.ERROR, "output": None, "score": None, "passed": None}
    [row] = read_csv([trial(**lost, error="503", second={**failed, "error": "503"})])
    assert (row["outcome"], row["error"], row["length error"]) == ("error", "503", "")
    assert row["right gradable"] == ""  # unknown


@pytest.mark.parametrize("write", [csv_lines, jsonl_lines])
def test_rows_are_written_as_they_come(write: Any) -> None:
    taken = 0

    def trials() -> Iterator[Trial]:
        nonlocal taken
        for place in range(1_000_000):
            taken += 1
            yield trial(place)

    lines = write(LAYOUT, trials(), Said())
    for _ in range(5):
        next(lines)
    assert taken <= 5


def test_the_format_is_named_or_told_by_the_ending() -> None:
    for name in FORMATS:
        assert format_of(name, Path("x.csv")) == name
    endings = {"a.CSV": "csv", "a.xlsx": "xlsx", "a.ndjson": "jsonl", "a.md": "markdown"}
    assert {name: format_of(None, Path(name)) for name in endings} == endings
    assert format_of(None, None) == "csv"


def test_parquet_has_types_and_nulls(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    from_file = pytest.importorskip("promptlab.exporters.runs.parquet_file")
    path = tmp_path / "a.parquet"
    from_file.write_parquet(path, LAYOUT, iter(hostile()), Said())
    table = parquet.read_table(path)
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["right"], types["right passed"], types["repeat"]) == ("double", "bool", "int64")
    assert types["created_at"] == "timestamp[us, tz=UTC]"
    assert types["tags"].startswith("list<")
    rows = table.to_pylist()
    assert [row["output"] for row in rows] == list(HOSTILE)
    assert [row["output_tokens"] for row in rows] == [None] * len(HOSTILE)
    assert json.loads(rows[0]["vars"]) == {"text": HOSTILE[0], "n": 0}
