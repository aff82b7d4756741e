"""A report, as the calls of a project return it."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from promptlab.core.files import write_text
from promptlab.report.documents.report import report_json
from promptlab.report.html.report import report_page
from promptlab.report.views.report import ReportView


class Report:
    """All that runs show: `headline` is what it comes to, `view` all that a renderer needs."""

    def __init__(self, view: ReportView) -> None:
        self.view = view
        self.headline = view.headline

    def to_dict(self) -> dict[str, Any]:
        """Return the document that `promptlab report --json` writes."""
        return report_json(self.view)

    def to_html(self) -> str:
        """Return the page that `promptlab report -o FILE` writes. Needs the extra `report`."""
        return report_page(self.view)

    def write(self, path: str | PathLike[str]) -> Path:
        """Write the page to a file, which is replaced if it is there, and return its path."""
        file = Path(path)
        write_text(file, self.to_html())
        return file.resolve()

    def __repr__(self) -> str:
        return f"{self.view.title}\n{self.headline}"
