"""Rows of a Parquet file, read with pyarrow (extra `parquet`); loaded only when needed."""

from __future__ import annotations

from pathlib import Path

from promptlab.core.errors import PromptlabError

try:
    import pyarrow
    from pyarrow import parquet
except ImportError:
    pyarrow = None


def read_rows(path: Path, shown: str) -> list[dict[str, object]]:
    """Read all rows of a Parquet file."""
    if pyarrow is None:
        raise PromptlabError(
            "parquet files need pyarrow",
            where=shown,
            hint='pip install "promptlab-workbench[parquet]"',
        )
    try:
        rows: list[dict[str, object]] = parquet.read_table(path).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise PromptlabError(
            f"cannot read parquet: {str(error).splitlines()[0]}",
            where=shown,
            hint="check that the file is complete",
        ) from None
    return rows
