from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from promptlab.cases.parquet import read_rows
from promptlab.cases.rows import read_cases
from promptlab.core.errors import PromptlabError

pyarrow = pytest.importorskip("pyarrow")


def write_table(path: Path, columns: dict[str, list[object]]) -> Path:
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path)
    return path


def test_rows_are_read(tmp_path: Path) -> None:
    path = write_table(tmp_path / "c.parquet", {"q": ["x", "y"], "n": [1, None]})
    assert read_rows(path, "c.parquet") == [{"q": "x", "n": 1}, {"q": "y", "n": None}]


def test_rows_become_cases(tmp_path: Path) -> None:
    path = write_table(tmp_path / "c.parquet", {"q": ["x"], "expect": ["y"], "tags": [["a", "b"]]})
    (case,) = read_cases(path, "c.parquet", {})
    assert (case.vars, case.expect, case.tags) == ({"q": "x"}, "y", ("a", "b"))


def test_a_value_that_json_cannot_represent_is_reported_with_its_row(tmp_path: Path) -> None:
    path = write_table(tmp_path / "c.parquet", {"q": ["x", "y"], "blob": [b"", b"\0"]})
    with pytest.raises(PromptlabError) as caught:
        read_cases(path, "c.parquet", {})
    assert str(caught.value).startswith(
        "c.parquet: row 1: blob is a value of type bytes, which JSON cannot represent"
    )


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a table at all, but long enough"])
def test_a_broken_file_is_reported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.parquet"
    path.write_bytes(content)
    with pytest.raises(PromptlabError) as caught:
        read_rows(path, "c.parquet")
    assert str(caught.value).startswith("c.parquet: cannot read parquet: ")
    assert str(caught.value).endswith("(check that the file is complete)")


def test_without_pyarrow_the_hint_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from pathlib import Path\n"
        "from promptlab.core.errors import PromptlabError\n"
        "from promptlab.cases.parquet import read_rows\n"
        "try: read_rows(Path('c.parquet'), 'c.parquet')\n"
        "except PromptlabError as error: print(error)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert ended.stdout.strip() == (
        'c.parquet: parquet files need pyarrow (pip install "pyarrow>=20")'
    )
