"""Rows of a Parquet file, read with pyarrow (extra `parquet`); loaded only when needed."""

from __future__ import annotations

from pathlib import Path

from promptlab.core import extras
from promptlab.core.errors import PromptlabError
from promptlab.core.files import read_bytes

try:
    import pyarrow
    from pyarrow import parquet
except ImportError:
    pyarrow = None

_MAX_CELLS = 20_000_000  # a column of one repeated value takes no room in the file


def read_rows(path: Path, shown: str) -> list[dict[str, object]]:
    """Read all rows of a Parquet file."""
    if pyarrow is None:
        raise PromptlabError(
            "parquet files need pyarrow",
            where=shown,
            hint=extras.install("parquet", "pyarrow"),
        )
    data = read_bytes(path, shown)
    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(data))
        if file.metadata.num_rows * file.metadata.num_columns > _MAX_CELLS:
            raise PromptlabError(
                f"the file has more than {_MAX_CELLS:,} values", where=shown, hint="split it"
            )
        rows: list[dict[str, object]] = file.read().to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise PromptlabError(
            f"cannot read parquet: {(str(error).splitlines() or ['?'])[0]}",
            where=shown,
            hint="check that the file is complete",
        ) from None
    return rows
