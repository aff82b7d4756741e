"""The rows of a cases file: one reader per format, each row with its place.

Knows the formats, not the meaning of a row, which is up to `rows`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.core.documents import parse_json
from promptlab.core.errors import PromptlabError, place
from promptlab.core.files import MAX_DATA, read_text
from promptlab.core.lazy import lazy_module
from promptlab.core.yamlfile import parse_yaml

if TYPE_CHECKING:
    from promptlab.cases import parquet
else:
    parquet = lazy_module("promptlab.cases.parquet")

Row = tuple[str, object]
"""A row with the place that an error names."""

MAX_CELL = 1_000_000  # characters; Python's own limit for CSV is 131,072


def read_rows(path: Path, file: str) -> Iterable[Row]:
    """Read the rows of a file by its extension; `file` is its name in errors."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise PromptlabError(
            f"cases cannot be read from {path.suffix or 'a file without an extension'}",
            where=file,
            hint="use one of " + ", ".join(_READERS),
        )
    return reader(path, file)


def _jsonl(path: Path, file: str) -> Iterator[Row]:
    for line, text in enumerate(read_text(path, file, MAX_DATA).split("\n"), 1):
        if text.strip():
            yield place(file, line), parse_json(text, file, line)


def _json(path: Path, file: str) -> Iterator[Row]:
    text = read_text(path, file, MAX_DATA)
    data = parse_json(text, file) if text.strip() else []
    if isinstance(data, Mapping):
        data = data.get("cases", data)
    if not isinstance(data, list):
        raise PromptlabError("expected a list of cases", where=file, hint='write [{"id": ...}]')
    for index, row in enumerate(data):
        yield place(file, key=f"[{index}]"), row


def _csv(path: Path, file: str) -> Iterator[Row]:
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(read_text(path, file, MAX_DATA), newline=""), strict=True)
    start = 1
    try:
        header = next(reader, [])
        _check_header(header, place(file, 1))
        start = reader.line_num + 1
        for cells in reader:
            if cells:
                yield place(file, start), _csv_row(header, cells, place(file, start))
            start = reader.line_num + 1
    except csv.Error as error:
        raise PromptlabError(
            f"bad CSV: {error}",
            where=place(file, start),
            hint="check the quotes in this row; a cell can hold at most 1 MB",
        ) from None


def _check_header(header: Sequence[str], where: str) -> None:
    for name in header:
        if not name or header.count(name) > 1:
            problem = f"the column {name!r} appears twice" if name else "a column has no name"
            raise PromptlabError(problem, where=where, hint="give each column its own name")


def _csv_row(header: Sequence[str], cells: Sequence[str], where: str) -> dict[str, str]:
    if len(cells) != len(header):
        raise PromptlabError(
            f"the row has {len(cells)} cells under {len(header)} columns",
            where=where,
            hint="quote cells that contain a comma or a line break",
        )
    return dict(zip(header, cells, strict=True))


def _yaml(path: Path, file: str) -> Iterator[Row]:
    document = parse_yaml(read_text(path, file, MAX_DATA), file)
    rows = document.data if document.data is not None else []
    if not isinstance(rows, list):
        raise PromptlabError("expected a list of cases", where=file, hint="start rows with `- `")
    for index, row in enumerate(rows):
        yield document.where((index,)), row


def _parquet(path: Path, file: str) -> Iterator[Row]:
    for index, row in enumerate(parquet.read_rows(path, file)):
        yield place(file, key=f"row {index + 1}"), row


_READERS: dict[str, Callable[[Path, str], Iterable[Row]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".parquet": _parquet,
}
