"""Results as a Parquet file, with a type for each column; loaded only when needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from promptlab.core import extras
from promptlab.core.errors import PromptlabError
from promptlab.exporters.runs.cells import Said
from promptlab.exporters.runs.layout import Kind, Layout, Trial, as_text

try:
    import pyarrow
    from pyarrow import parquet
except ImportError:
    pyarrow = None

_AT_ONCE = 5_000  # trials in memory
_HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair: no text in UTF-8 has one


def write_parquet(path: Path, layout: Layout, trials: Iterable[Trial], said: Said) -> None:
    """Write a Parquet file; what is unknown is null, and every text is as it was."""
    if pyarrow is None:
        raise PromptlabError(
            "parquet files need pyarrow", hint=extras.install("parquet", "pyarrow")
        )
    columns = layout.columns
    schema = pyarrow.schema([(column.name, _type(column.kind)) for column in columns])
    rest = iter(trials)
    with parquet.ParquetWriter(path, schema) as writer:
        while part := list(islice(rest, _AT_ONCE)):
            arrays = [
                pyarrow.array(
                    [_VALUES[column.kind](column.read(trial)) for trial in part],
                    type=schema.field(place).type,
                )
                for place, column in enumerate(columns)
            ]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))


def _type(kind: Kind) -> Any:
    types: dict[Kind, Any] = {
        "text": pyarrow.string(),
        "whole": pyarrow.int64(),
        "number": pyarrow.float64(),
        "flag": pyarrow.bool_(),
        "texts": pyarrow.list_(pyarrow.string()),
        "json": pyarrow.string(),
        "time": pyarrow.timestamp("us", tz="UTC"),
    }
    return types[kind]


def _text(value: object) -> str | None:
    return None if value is None else _HALF.sub("\ufffd", str(value))


def _json(value: Any) -> str | None:
    return _text(as_text(value))


def _texts(value: Any) -> list[str | None]:
    return [_text(each) for each in value]


def _time(value: Any) -> datetime:
    return datetime.fromisoformat(value)


def _same(value: object) -> object:
    return value


_VALUES: dict[Kind, Callable[[Any], object]] = {
    "text": _text,
    "whole": _same,
    "number": _same,
    "flag": _same,
    "texts": _texts,
    "json": _json,
    "time": _time,
}
