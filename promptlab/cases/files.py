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
        suffix = path.suffix.lower()
        raise PromptlabError(
            f"cases cannot be read from {path.suffix or 'a file without an extension'}",
            where=file,
            hint=_REMEDIES.get(suffix, "use one of " + ", ".join(_READERS)),
        )
    return reader(path, file)


def _jsonl(path: Path, file: str) -> Iterator[Row]:
    for line, text in enumerate(read_text(path, file, MAX_DATA).split("\n"), 1):
        if text.strip():
            yield place(file, line), parse_json(text, file, line)


def _json(path: Path, file: str) -> Iterator[Row]:
    text = read_text(path, file, MAX_DATA)
    data = parse_json(text, file) if text.strip() else []
    for index, row in enumerate(_list_of(data, file, 'write [{"id": ...}]')):
        yield place(file, key=f"[{index}]"), row


def _yaml(path: Path, file: str) -> Iterator[Row]:
    document = parse_yaml(read_text(path, file, MAX_DATA), file)
    data = document.data if document.data is not None else []
    inside = () if isinstance(data, list) else tuple(_lists_in(data))[:1]
    for index, row in enumerate(_list_of(data, file, "start rows with `- `")):
        yield document.where((*inside, index)), row


def _list_of(data: object, file: str, hint: str) -> list[object]:
    """Return the list of a document: the whole of it, or the one list that stands under a key."""
    if isinstance(data, list):
        return data
    names = list(_lists_in(data))
    if isinstance(data, Mapping) and len(names) == 1 and isinstance(data[names[0]], list):
        return list(data[names[0]])
    if len(names) > 1:
        hint = f"it holds several ({', '.join(names[:4])}): save the one with the cases by itself"
    raise PromptlabError("expected a list of cases", where=file, hint=hint)


def _lists_in(data: object) -> Iterator[str]:
    """Yield the keys of a document under which cases may stand; `cases` alone if it is there."""
    if isinstance(data, Mapping):
        names = [str(key) for key, value in data.items() if isinstance(value, list) and value]
        yield from ["cases"] if "cases" in data else names


def _parquet(path: Path, file: str) -> Iterator[Row]:
    for index, row in enumerate(parquet.read_rows(path, file)):
        yield place(file, key=f"row {index + 1}"), row


_REMEDIES = {
    ".gz": "unpack it first",
    ".zip": "unpack it first",
    ".zst": "unpack it first",
    ".xls": "save it as .xlsx or CSV",
    ".ods": "save it as .xlsx or CSV",
    ".numbers": "export it as .xlsx or CSV",
    ".txt": "rename it to .csv or .tsv if it is a table",
}
_READERS: dict[str, Callable[[Path, str], Iterable[Row]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    **dict.fromkeys(SUFFIXES, read_table),
    ".yaml": _yaml,
    ".yml": _yaml,
    ".parquet": _parquet,
}
