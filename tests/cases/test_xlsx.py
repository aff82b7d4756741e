from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promptlab.cases import workbook as reading
from promptlab.cases import xlsx
from promptlab.cases.files import read_rows
from promptlab.core.errors import PromptlabError

from .workbooks import inline, sheet, workbook

BROUGHT = Path(__file__).parent.parent / "brought"


def rows_of(path: Path) -> list[tuple[str, object]]:
    return list(read_rows(path, path.name))


def mistake(path: Path) -> str:
    with pytest.raises(PromptlabError) as caught:
        rows_of(path)
    return str(caught.value)


def value_of(tmp_path: Path, cell: str, **options: str) -> object:
    path = workbook(tmp_path / "w.xlsx", sheet(inline("a", "b"), inline("x") + cell), **options)
    [(_, row)] = rows_of(path)
    assert isinstance(row, dict)
    return row["b"]


def test_a_workbook_of_another_program_is_read() -> None:
    assert rows_of(BROUGHT / "reviews.xlsx") == [
        ("reviews.xlsx: row 2", {
            "id": "1", "review": 'Größe "8½",\nweiß?', "expect": "positive", "price": "3.10",
            "day": "2024-01-31", "gift": "true", "code": "0007", "off": "12.5%",
        }),
        ("reviews.xlsx: row 4", {
            "id": "2", "review": "It broke at once.", "expect": "negative", "price": "1.1",
            "day": "2024-01-31 12:30:00", "gift": "", "code": "", "off": "",
        }),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("<c><v>3</v></c>", "3"),
        ("<c><v>1.1000000000000001</v></c>", "1.1"),
        ("<c><v>1E-3</v></c>", "0.001"),
        ("<c><v>1e300</v></c>", "1e+300"),
        ("<c><v>123456789012</v></c>", "123456789012"),
        ('<c s="1"><v>3.1</v></c>', "3.10"),
        ('<c s="1"><v>3.14159</v></c>', "3.14159"),
        ('<c s="2"><v>-7</v></c>', "-0007"),
        ('<c s="3"><v>0.5</v></c>', "50%"),
        ('<c s="6"><v>1234.5</v></c>', "1234.5"),
        ('<c s="4"><v>45322</v></c>', "2024-01-31"),
        ('<c s="4"><v>59</v></c>', "1900-02-28"),
        ('<c s="4"><v>61</v></c>', "1900-03-01"),
        ('<c s="5"><v>45322.520833333336</v></c>', "2024-01-31 12:30:00"),
        ('<c s="5"><v>0.25</v></c>', "06:00:00"),
        ('<c s="4"><v>1e9</v></c>', "1000000000"),
        ('<c s="4"><v>-1</v></c>', "-1"),
        ('<c t="b"><v>0</v></c>', "false"),
        ('<c t="str"><f>A1</f><v> so </v></c>', " so "),
        ('<c t="str"><f>A1</f><v></v></c>', ""),
        ('<c t="d"><v>2024-01-31</v></c>', "2024-01-31"),
        ('<c t="inlineStr"><is><r><t>a </t></r><r><t>&lt;b&gt;</t></r></is></c>', "a <b>"),
        ('<c t="inlineStr"><is><t>a_x000D_\nb</t></is></c>', "a\nb"),
        ('<c r="B2"/>', ""),
        ("", ""),
        ('<c s="99"><v>7</v></c>', "7"),
    ],
)
def test_a_cell_is_what_a_csv_would_hold(tmp_path: Path, cell: str, text: str) -> None:
    assert value_of(tmp_path, cell) == text


def test_texts_are_shared_without_their_pronunciation(tmp_path: Path) -> None:
    shared = "<si><t>no</t></si><si><r><t>課</t></r><rPh><t>カ</t></rPh><r><t>題</t></r></si>"
    assert value_of(tmp_path, '<c t="s"><v>1</v></c>', shared=shared) == "課題"


def test_days_of_a_macintosh_count_from_1904(tmp_path: Path) -> None:
    head = '<workbookPr date1904="1"/>'
    assert value_of(tmp_path, '<c s="4"><v>43860</v></c>', head=head) == "2024-01-31"


def test_cells_stand_where_they_say(tmp_path: Path) -> None:
    rows = sheet(inline("a", "b", "c"), '<c r="C2"><v>3</v></c>', "", '<c r="A4"><v>1</v></c>')
    assert rows_of(workbook(tmp_path / "w.xlsx", rows)) == [
        ("w.xlsx: row 2", {"a": "", "b": "", "c": "3"}),
        ("w.xlsx: row 4", {"a": "1", "b": "", "c": ""}),
    ]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ('<c t="e"><v>#N/A</v></c>', "w.xlsx: B2: the cell holds the error #N/A (fix the"),
        ("<c><f>1+1</f></c>", "w.xlsx: B2: the cell holds a formula without a stored result (op"),
        ('<c t="s"><v>9</v></c>', "w.xlsx: B2: the cell holds a text that is not in the file"),
        ("<c><v>NaN</v></c>", "w.xlsx: B2: the cell holds 'NaN', which is no number"),
        ("<c><v>1e999</v></c>", "w.xlsx: B2: the cell holds '1e999', which is no number"),
        ('<c r="D2"><v>1</v></c>', "w.xlsx: row 2: the row has 4 cells under 2 columns (use one"),
        ('<c r="ZZZ2"><v>1</v></c>', "w.xlsx: row 2: the sheet has more than 16,384 columns"),
    ],
)
def test_a_cell_that_has_no_value_is_reported(tmp_path: Path, cell: str, message: str) -> None:
    path = workbook(tmp_path / "w.xlsx", sheet(inline("a", "b"), inline("x") + cell))
    assert mistake(path).startswith(message)


@pytest.mark.slow
def test_a_sheet_that_unpacks_to_very_much_is_refused(tmp_path: Path) -> None:
    far = [f'<c r="A{n}"><v>1</v></c><c r="XFD{n}"><v>1</v></c>' for n in range(1, 400)]
    assert mistake(workbook(tmp_path / "w.xlsx", sheet(*far))) == (
        "w.xlsx: the sheet has more than 5,000,000 cells (save it as CSV, or leave out columns)"
    )
    bomb = "<x>" + " " * 201_000_000
    assert mistake(workbook(tmp_path / "v.xlsx", sheet(), styles=bomb)).startswith(
        "v.xlsx: cannot read the workbook: it is too large (save it as CSV"
    )


def test_a_limit_of_cells_and_of_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "_MAX_CELLS", 100)
    wide = sheet(*(inline(*"abcde") for _ in range(21)))
    assert "has more than 100 cells" in mistake(workbook(tmp_path / "w.xlsx", wide))
    monkeypatch.setattr(reading, "_MAX_UNPACKED", 2_000_000)
    bomb = "<x>" + " " * 2_010_000
    assert "it is too large" in mistake(workbook(tmp_path / "v.xlsx", sheet(), styles=bomb))


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><sst><si><t>&b;</t></si></sst>'


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"sharedStrings": ENTITIES}, "it declares a document type, which no workbook does"),
        ({"workbook": "<workbook/>"}, "there is no sheet in it"),
        ({"workbook": "<workbook>"}, "xl/workbook.xml is damaged"),
        ({"styles": '<?xml version="1.0" encoding="klingon"?><x/>'}, "xl/styles.xml is damaged"),
    ],
)
def test_a_workbook_that_is_none_is_refused(
    tmp_path: Path, parts: dict[str, str], message: str
) -> None:
    path = workbook(tmp_path / "w.xlsx", sheet(inline("a")), **parts)
    assert mistake(path) == (
        f"w.xlsx: cannot read the workbook: {message} (save it again as .xlsx, or as CSV)"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "w.xlsx: cannot read the workbook: it is not a workbook (save it again as .xlsx"),
        (b"a,b\n1,2\n", "w.xlsx: cannot read the workbook: it is not a workbook"),
        (b"\xd0\xcf\x11\xe0...", "w.xlsx: an old workbook, or one with a password (save it as .xl"),
    ],
)
def test_a_file_that_is_no_workbook_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "w.xlsx"
    path.write_bytes(content)
    assert mistake(path).startswith(message)


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_workbook_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray((BROUGHT / "reviews.xlsx").read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=6)):
        content[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "w.xlsx"
    path.write_bytes(content)
    try:
        rows_of(path)
    except PromptlabError as error:
        assert error.where is not None  # noqa: PT017 - both ends are right


def test_parts_are_taken_as_they_are_packed(tmp_path: Path) -> None:
    path = workbook(tmp_path / "w.xlsx", sheet(inline("a"), inline("x")))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../evil.xml", "<x/>")
    assert [row for _, row in rows_of(path)] == [{"a": "x"}]
