"""The formats in which results are written, by name and by the ending of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.exporters.runs.cells import Said
from promptlab.exporters.runs.junit import junit_lines
from promptlab.exporters.runs.layout import Layout, Trial
from promptlab.exporters.runs.markdown import markdown_lines
from promptlab.exporters.runs.tables import csv_lines, jsonl_lines

if TYPE_CHECKING:
    from promptlab.exporters.runs import parquet_file, xlsx_file
else:
    parquet_file = lazy_module("promptlab.exporters.runs.parquet_file")
    xlsx_file = lazy_module("promptlab.exporters.runs.xlsx_file")

FormatName = Literal["csv", "xlsx", "jsonl", "parquet", "markdown", "junit"]
FORMATS: tuple[FormatName, ...] = ("csv", "xlsx", "jsonl", "parquet", "markdown", "junit")

_Lines = Callable[[Layout, Iterable[Trial], Said], Iterator[str]]
_ENDINGS: dict[str, FormatName] = {
    ".csv": "csv",
    ".xlsx": "xlsx",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".md": "markdown",
    ".xml": "junit",
}


@dataclass(frozen=True, slots=True)
class _Text:
    """A format of text: how it is printed. `filed` is how it is written to a file, if otherwise."""

    lines: _Lines
    filed: _Lines | None = None


def _csv_file(layout: Layout, trials: Iterable[Trial], said: Said) -> Iterator[str]:
    """Yield a CSV as RFC 4180 and Excel have it, which reads UTF-8 only after a byte order mark."""
    yield "\ufeff"
    yield from csv_lines(layout, trials, said, end="\r\n")


_TEXTS: dict[FormatName, _Text] = {
    "csv": _Text(csv_lines, _csv_file),
    "jsonl": _Text(jsonl_lines),
    "markdown": _Text(markdown_lines),
    "junit": _Text(junit_lines),
}


def format_of(name: str | None, file: Path | None) -> FormatName:
    """Return the format that is named, or told by the ending of a file; CSV where neither is."""
    for known in FORMATS:
        if name == known:
            return known
    if file is None:
        return "csv"
    found = _ENDINGS.get(file.suffix.lower())
    if found is None:
        raise PromptlabError(
            "the ending of the name tells no format",
            where=str(file),
            hint=f"name it {', '.join(f'*{ending}' for ending in _ENDINGS)}, or give --format",
        )
    return found


def text_of(name: FormatName, layout: Layout, trials: Iterable[Trial], said: Said) -> Iterator[str]:
    """Return the pieces of a text; raise PromptlabError for a format that is none."""
    if name not in _TEXTS:
        raise PromptlabError(
            f"{name} is not text, which could be printed", hint=f"give a file: -o results.{name}"
        )
    return _TEXTS[name].lines(layout, trials, said)


def write_file(
    name: FormatName, path: Path, layout: Layout, trials: Iterable[Trial], said: Said
) -> None:
    """Write a new file."""
    if name == "xlsx":
        xlsx_file.write_xlsx(path, layout, trials, said)
    elif name == "parquet":
        parquet_file.write_parquet(path, layout, trials, said)
    else:
        form = _TEXTS[name]
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines((form.filed or form.lines)(layout, trials, said))
