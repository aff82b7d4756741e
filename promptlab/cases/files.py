"""The rows of a cases file: one reader per format, each row with its place.

Knows the formats, not the meaning of a row, which is up to `rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.cases.tables import SUFFIXES, read_table
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
    **dict.fromkeys(SUFFIXES, read_table),
    ".yaml": _yaml,
    ".yml": _yaml,
    ".parquet": _parquet,
}
