"""An Excel workbook: its parts, unpacked within bounds, and what its sheets share.

A workbook is a zip archive of XML files. Names are read without their namespaces, of which there
are two sets.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from promptlab.cases.sheet_values import DateSystem, Format, format_of
from promptlab.core.errors import PromptlabError
from promptlab.core.files import read_bytes

MAX_BYTES = 64_000_000
_MAX_UNPACKED = 200_000_000
_MAX_ELEMENTS = 10_000_000
_OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0"  # an .xls file, or a workbook behind a password
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
    EOFError, NotImplementedError, OSError, OverflowError, RuntimeError, ValueError,
)  # fmt: skip

Start = Callable[[str, Mapping[str, str]], None]
End = Callable[[str], None]
Text = Callable[[str], None]


def open_workbook(path: Path, file: str) -> Workbook:
    """Open a workbook; `file` is its name in errors."""
    data = read_bytes(path, file, MAX_BYTES)
    if data.startswith(_OLD_OR_LOCKED):
        raise PromptlabError(
            "an old workbook, or one with a password",
            where=file,
            hint="save it as .xlsx without a password, or as CSV",
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _BROKEN:
        _fail("it is not a workbook", file)
    return Workbook(archive, file)


class Workbook:
    """The parts of a workbook. `sheet` is its first visible sheet, by its name in the archive."""

    def __init__(self, archive: zipfile.ZipFile, file: str) -> None:
        """Read what the sheets share. Raise PromptlabError if there is no sheet."""
        self._archive = archive
        self._file = file
        self._unpacked = 0
        self._elements = 0
        self.dates = DateSystem.FROM_1900
        self._sheets: list[str] = []
        self._targets: dict[str, str] = {}
        self._codes: dict[int, str] = {}
        self._numbers: list[int] = []
        self._in_cell_formats = False
        self.walk("xl/workbook.xml", self._workbook)
        self.walk("xl/_rels/workbook.xml.rels", self._relations)
        self.walk("xl/styles.xml", self._styles, self._end_of_styles)
        self.formats: list[Format] = [format_of(number, self._codes) for number in self._numbers]
        names = [self._targets.get(sheet, "") for sheet in self._sheets]
        sheets = [name for name in names if name in self._archive.NameToInfo]
        if not sheets:
            _fail("there is no sheet in it", file)
        self.sheet = sheets[0]

    def walk(
        self, part: str, start: Start, end: End | None = None, text: Text | None = None
    ) -> None:
        """Call `start`, `end` and `text` for what is in a part; do nothing if there is none."""
        if part not in self._archive.NameToInfo:
            return

        def begin(name: str, attributes: dict[str, str]) -> None:
            self._elements += 1
            if self._elements > _MAX_ELEMENTS:
                _fail("it has too many cells", self._file, "save it as CSV, or leave out columns")
            start(_local(name), {_local(key): value for key, value in attributes.items()})

        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._declares
        parser.StartElementHandler = begin
        if end is not None:
            parser.EndElementHandler = lambda name: end(_local(name))
        if text is not None:
            parser.CharacterDataHandler = text
        try:
            parser.Parse(self._content(part), True)
        except (expat.ExpatError, LookupError, ValueError):
            _fail(f"{part} is damaged", self._file)

    def _content(self, part: str) -> bytes:
        left = _MAX_UNPACKED - self._unpacked
        try:
            with self._archive.open(part) as packed:
                data = packed.read(left + 1)
        except _BROKEN:
            _fail(f"{part} is damaged", self._file)
        if len(data) > left:
            _fail("it is too large", self._file, "save it as CSV, or leave out columns")
        self._unpacked += len(data)
        return data

    def _declares(self, *_: object) -> NoReturn:
        _fail("it declares a document type, which no workbook does", self._file)

    def _workbook(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            self.dates = DateSystem.FROM_1904
        elif name == "sheet" and attributes.get("state", "visible") == "visible":
            self._sheets.append(attributes.get("id", ""))

    def _relations(self, name: str, attributes: Mapping[str, str]) -> None:
        target = attributes.get("Target", "")
        if name == "Relationship" and "worksheet" in attributes.get("Type", ""):
            path = posixpath.normpath(posixpath.join("/xl", target))
            self._targets[attributes.get("Id", "")] = path.lstrip("/")

    def _styles(self, name: str, attributes: Mapping[str, str]) -> None:
        number = attributes.get("numFmtId", "0")
        fitting = int(number) if number.isdecimal() and len(number) < 10 else 0
        if name == "numFmt":
            self._codes[fitting] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._in_cell_formats = True
        elif name == "xf" and self._in_cell_formats:
            self._numbers.append(fitting)

    def _end_of_styles(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cell_formats = False


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _fail(what: str, file: str, hint: str = "save it again as .xlsx, or as CSV") -> NoReturn:
    raise PromptlabError(f"cannot read the workbook: {what}", where=file, hint=hint)
