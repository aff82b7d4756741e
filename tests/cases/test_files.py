from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.cases.files import read_rows
from promptlab.core.errors import PromptlabError

Write = Callable[[str, str | bytes], Path]


def rows_of(path: Path) -> list[tuple[str, object]]:
    return list(read_rows(path, path.name))


def mistake(path: Path) -> str:
    with pytest.raises(PromptlabError) as caught:
        rows_of(path)
    return str(caught.value)


ROWS: list[dict[str, object]] = [{"id": "a", "q": '1,\n"x"'}, {"id": "b", "q": "ä\u2028"}]


@pytest.mark.parametrize(
    ("name", "content", "places"),
    [
        ("c.jsonl", "\n".join(map(json.dumps, ROWS)) + "\n\n", ["c.jsonl:1", "c.jsonl:2"]),
        ("c.JSONL", "\ufeff\n" + "\r\n".join(map(json.dumps, ROWS)), ["c.JSONL:2", "c.JSONL:3"]),
        ("c.json", json.dumps(ROWS), ["c.json: [0]", "c.json: [1]"]),
        ("c.json", json.dumps({"cases": ROWS}), ["c.json: [0]", "c.json: [1]"]),
        ("c.csv", 'id,q\r\na,"1,\n""x"""\r\n\r\nb,ä\u2028\r\n', ["c.csv:2", "c.csv:5"]),
        ("c.yaml", '- {id: a, q: "1,\\n\\"x\\""}\n- id: b\n  q: "ä\\L"',
         ["c.yaml:1: 0", "c.yaml:2: 1"]),
        ("c.yml", '- {id: a, q: "1,\\n\\"x\\""}\n- {id: b, q: "ä\\L"}',
         ["c.yml:1: 0", "c.yml:2: 1"]),
    ],
)  # fmt: skip
def test_rows_are_read_with_their_places(
    write: Write, name: str, content: str, places: list[str]
) -> None:
    assert rows_of(write(name, content)) == list(zip(places, ROWS, strict=True))


@pytest.mark.slow
@given(st.lists(st.text(), min_size=1))
def test_any_text_survives_a_file_of_json_lines(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("rows") / "c.jsonl"
    lines = [json.dumps({"q": text}, ensure_ascii=False) for text in texts]
    path.write_bytes("\n".join(lines).encode())
    assert [row for _, row in rows_of(path)] == [{"q": text} for text in texts]


@pytest.mark.parametrize("name", ["c.jsonl", "c.json", "c.csv", "c.yaml"])
def test_an_empty_file_has_no_rows(write: Write, name: str) -> None:
    assert rows_of(write(name, "")) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.doc", "x", "c.doc: cases cannot be read from .doc (use one of .jsonl, .json, .csv, "),
        ("cases", "x", "cases: cases cannot be read from a file without an extension (use one"),
        ("c.jsonl", '{"a": 1}\n{"a" 1}\n', "c.jsonl:2: bad JSON: expecting ':' delimiter (look at"),
        ("c.jsonl", '\n\n{"a": NaN}', "c.jsonl:3: bad JSON: NaN is not JSON (use null)"),
        ("c.jsonl", '{"a": ' + "9" * 5000 + "}", "c.jsonl:1: bad JSON: a number is too long (put"),
        ("c.jsonl", "[" * 100_000, "c.jsonl:1: bad JSON: nested too deeply (use at most"),
        ("c.json", '[\n{"a": 1},\n]', "c.json:3: bad JSON: "),
        ("c.json", '{"rows": []}', 'c.json: expected a list of cases (write [{"id": ...}])'),
        ("c.csv", 'a,b\n1,2\n"x\ny",2,3\n', "c.csv:3: the row has 3 cells under 2 columns (quote "),
        ("c.csv", "a,b\n1\n", "c.csv:2: the row has 1 cells under 2 columns"),
        ("c.csv", "a,a\n1,2\n", "c.csv:1: the column 'a' appears twice (give each column its own"),
        ("c.csv", "a,\n1,2\n", "c.csv:1: a column has no name"),
        ("c.csv", 'a\n1\n"open\nend', "c.csv:3: bad CSV: unexpected end of data (check the quotes"),
        ("c.csv", 'a\n"' + "x" * 1_500_000 + '"', "c.csv:2: bad CSV: field larger than field limi"),
        ("c.yaml", "a: 1", "c.yaml: expected a list of cases (start rows with `- `)"),
        ("c.yaml", "- a: 1\n- a: b: c", "c.yaml:2: bad YAML"),
        ("c.jsonl", b"\xff\xfe{\0", "c.jsonl: not UTF-8: byte 0xff at offset 0 (save the file as"),
        ("c.csv", b"a\ncaf\xe9\n", "c.csv: not UTF-8: byte 0xe9 at offset 5"),
        ("c.parquet", b"PAR1 not really", "c.parquet: cannot read parquet: "),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_reported(
    write: Write, name: str, content: str | bytes, message: str
) -> None:
    error = mistake(write(name, content))
    assert error.startswith(message)
    assert "\n" not in error
