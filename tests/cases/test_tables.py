from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from promptlab.cases.delimited import separator_of
from promptlab.cases.files import read_rows
from promptlab.cases.rows import read_cases
from promptlab.core.errors import PromptlabError

Write = Callable[[str, str | bytes], Path]

PLAIN = 'id,gift,why\n1,a book,"long,\nand heavy"\n2,socks,\n'
SEMICOLONS = 'id;gift;why\n1;a book;"long,\nand heavy"\n2;socks;\n'


def rows_of(path: Path) -> list[object]:
    return [row for _, row in read_rows(path, path.name)]


def mistake(path: Path) -> str:
    with pytest.raises(PromptlabError) as caught:
        rows_of(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.csv", PLAIN),
        ("c.csv", PLAIN.replace("\n", "\r\n")),
        ("c.csv", "\ufeff" + PLAIN),
        ("c.csv", SEMICOLONS),
        ("c.csv", PLAIN.replace(",", "\t").replace("long\t", "long,")),
        ("c.CSV", PLAIN.replace(",", "|").replace("long|", "long,")),
        ("c.csv", PLAIN.replace(",", "^").replace("long^", "long,")),
        ("c.tsv", PLAIN.replace(",", "\t").replace("long\t", "long,")),
        ("c.csv", "sep=;\n" + SEMICOLONS),
        ("c.csv", "\n , \n" + PLAIN + ",,\n  ,\t,\n\n"),
        ("c.csv", 'id,gift,why,\n1,a book,"long,\nand heavy",\n2,socks,,\n'),
        ("c.csv", PLAIN.replace("socks,", "socks,,,")),
    ],
)  # fmt: skip
def test_a_table_is_read_however_it_was_written(
    write: Write, name: str, content: str | bytes
) -> None:
    assert rows_of(write(name, content)) == [
        {"id": "1", "gift": "a book", "why": "long,\nand heavy"},
        {"id": "2", "gift": "socks", "why": ""},
    ]


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("id,name;nick,x\n1,a;b,c\n", ","),
        ("id;price\n1;3,50\n2;4,25\n", ";"),
        ("what is it?\nyes, or no\n", ","),
        ("id,yes|no,expect\n1,x,y\n", ","),
        ("a\tb\n1,2\t3;4\n", "\t"),
        ("time: when\nnoon\n", ","),
        ("a~b\n1~2\n", "~"),
        ("a\x1fb\n1\x1f2\n", "\x1f"),
        ("a,b\n1;2;3\n", ","),
        ('"a;b",c\n"d;e",f\n', ","),
        ("", ","),
    ],
)
def test_the_separator_is_the_one_that_fits_every_row(text: str, separator: str) -> None:
    assert separator_of(text) == separator


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)


@given(
    st.sampled_from(",;\t|"),
    st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6),
    st.sampled_from(["utf-8", "utf-8-sig"]),
)
def test_what_a_spreadsheet_writes_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    mark: str,
    rows: list[tuple[str, str, str]],
    encoding: str,
) -> None:
    assume(all(any(cell.strip() for cell in row) for row in rows))
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=mark, quoting=csv.QUOTE_ALL).writerows([("id", "q", "w"), *rows])
    path = tmp_path_factory.mktemp("tables") / "c.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    found = [list(row.values()) for row in rows_of(path) if isinstance(row, dict)]
    assert found == [list(row) for row in rows]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.csv", "a;b\n1;2\n3;4;5\n", "c.csv:3: the row has 3 cells under 2 columns (quote cells "
         "that contain a semicolon or a line break)"),
        ("c.tsv", "a\tb\n1\n", "c.tsv:2: the row has 1 cells under 2 columns (quote cells that co"),
        ("c.csv", "sep=;\na;a\n1;2\n", "c.csv:2: the column 'a' appears twice (give each column"),
        ("c.csv", "\n\na,\n1,2\n", "c.csv:3: a column has no name (give each column its own"),
        ("c.csv", "a,b\n1,2\n".encode("utf-16-le"), "c.csv:1: a table holds no NUL character"
         " (save the file as UTF-8)"),
        ("c.csv", b"\xff\xfea\0", "c.csv: not UTF-8: byte 0xff at offset 0 (save the file as"),
    ],
)  # fmt: skip
def test_a_table_that_does_not_fit_its_header_is_reported(
    write: Write, name: str, content: str | bytes, message: str
) -> None:
    assert mistake(write(name, content)).startswith(message)


def test_a_blank_cell_is_an_unknown_role_and_an_empty_variable(write: Write) -> None:
    path = write("c.csv", "qid,question,answer,kind,doc\n1,what,, ,\n ,why,so,a b,d\n,,,,\n")
    columns = {"id": "qid", "expect": "answer", "tags": "kind", "group": "doc"}
    first, second = read_cases(path, "c.csv", columns)
    assert (first.id, first.expect, first.tags, first.group) == ("1", None, (), None)
    assert first.vars["question"] == "what"
    assert (second.expect, second.tags, second.group) == ("so", ("a", "b"), "d")
    assert len(second.id) == 12  # from its content


def test_an_empty_text_of_json_stays_one(write: Write) -> None:
    [case] = read_cases(write("c.jsonl", '{"id": 1, "q": "", "expect": ""}\n'), "c.jsonl", {})
    assert (case.expect, case.vars) == ("", {"q": ""})


def test_blank_rows_are_no_case_and_share_no_id(write: Write) -> None:
    path = write("c.csv", "id,q,expect\n,,\n1,x,y\n,,\n,,\n")
    assert [case.id for case in read_cases(path, "c.csv", {})] == ["1"]
    with pytest.raises(PromptlabError, match="there are no cases"):
        read_cases(write("d.csv", "id,q\n,\n"), "d.csv", {})


def test_many_columns_are_read_in_linear_time(write: Write) -> None:
    names = ",".join(f"c{n}" for n in range(16_384))
    [row] = rows_of(write("c.csv", f"{names}\n{'x,' * 16_383}x\n"))
    assert isinstance(row, dict)
    assert len(row) == 16_384
    assert mistake(write("d.csv", f"{names},more\n")) == (
        "d.csv:1: there are 16,385 columns, more than 16,384 (write one case to a row, and each of "
        "its variables in a column)"
    )
