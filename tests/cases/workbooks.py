"""Workbooks as Excel writes them, put together by hand, so that tests can spoil any part."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'

FORMATS = ("General", "0.00", "0000", "0%", "dd/mm/yyyy", "yyyy-mm-dd hh:mm", "#,##0.0")
"""The formats of the workbook, by the style number that cells give as `s`."""


def sheet(*rows: str) -> str:
    """Return a sheet of rows, each written as its cells."""
    numbered = (f'<row r="{n}">{cells}</row>' for n, cells in enumerate(rows, 1))
    return f"{_HEAD}<worksheet {_MAIN}><sheetData>{''.join(numbered)}</sheetData></worksheet>"


def inline(*texts: str) -> str:
    """Return cells with these texts."""
    return "".join(f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>' for text in texts)


def workbook(path: Path, first: str, shared: str = "", *, head: str = "", **parts: str) -> Path:
    """Write a workbook with this first sheet; `parts` replace others by their file's stem."""
    codes = "".join(
        f'<numFmt numFmtId="{200 + n}" formatCode="{code}"/>' for n, code in enumerate(FORMATS)
    )
    formats = "".join(f'<xf numFmtId="{200 + n}"/>' for n in range(len(FORMATS)))
    content = {
        "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_RELATION}">{head}<sheets>'
        '<sheet name="Hidden" sheetId="2" state="hidden" r:id="rId2"/>'
        '<sheet name="Cases" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": "<Relationships>"
        f'<Relationship Id="rId1" Type="{_RELATION}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_RELATION}/worksheet" Target="/xl/worksheets/sheet2.xml"/>'
        "</Relationships>",
        "xl/styles.xml": f"<styleSheet {_MAIN}><numFmts>{codes}</numFmts>"
        '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
        f"<cellXfs>{formats}</cellXfs></styleSheet>",
        "xl/sharedStrings.xml": f"<sst {_MAIN}>{shared}</sst>",
        "xl/worksheets/sheet1.xml": first,
        "xl/worksheets/sheet2.xml": sheet(inline("secret")),
    }
    content |= {name: parts[Path(name).stem] for name in content if Path(name).stem in parts}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return path
