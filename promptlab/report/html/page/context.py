"""What all parts of a report need: its view, its marks, and the addresses of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from promptlab.core.types import Arm
from promptlab.report.html.page.marks import Marks
from promptlab.report.html.page.markup import Html, joined, tag
from promptlab.report.views.matrix import MatrixView
from promptlab.report.views.report import ReportView
from promptlab.report.wording import counted

CELLS = "#cases"
"""The address of the table of cases and arms."""

_NAMED = 40  # cases in a sentence


class Linked(Protocol):
    """A page: the marks of its numbers, and where on it, or beside it, arms and cases are."""

    @property
    def marks(self) -> Marks:
        """Return what makes the marks of numbers."""

    def arm_at(self, arm: Arm) -> str:
        """Return the address of the rows of an arm."""

    def case(self, case_id: str) -> Html:
        """Return the name of a case, as a link to it."""

    def listed(self, case_ids: Sequence[str]) -> Html:
        """Return the names of cases; many are counted only."""


def listed(page: Linked, case_ids: Sequence[str]) -> Html:
    """Return the names of cases as links, the first of them; further ones are counted."""
    named = joined((page.case(case_id) for case_id in case_ids[:_NAMED]), ", ")
    more = len(case_ids) - _NAMED
    return joined([named, f" and {counted(more, 'further case')}"]) if more > 0 else named


@dataclass(frozen=True, slots=True)
class Context:
    """A report that becomes a page.

    `cases` has the part of an address that means a case, by its id, of those that are shown;
    `shorts` are names of the arms of the matrix, no longer than is needed.
    """

    view: ReportView
    marks: Marks
    cases: Mapping[str, str]
    shorts: Sequence[str]

    def arm_at(self, arm: Arm) -> str:
        """Return the address of the rows of an arm, or of all rows where it has no column."""
        known = (arm.digest, arm.off, arm.backend)
        for column in self.view.matrix.arms:
            if (column.arm.digest, column.arm.off, column.arm.backend) == known:
                return f"#arm-{column.digest}"
        return CELLS

    def case(self, case_id: str) -> Html:
        """Return the name of a case, as a link where the page has it."""
        part = self.cases.get(case_id)
        if part is None:
            return tag("span", case_id, class_="unlinked")
        return tag("a", case_id, href=f"#case-{part}")

    def listed(self, case_ids: Sequence[str]) -> Html:
        """Return the names of cases, those that the page has first; further ones are counted."""
        return listed(self, sorted(case_ids, key=lambda case_id: case_id not in self.cases))


def context_of(view: ReportView, marks: Marks) -> Context:
    """Return the context of a report."""
    cases: dict[str, str] = {}
    for row in view.matrix.rows:
        cases.setdefault(row.case_id, row.part)
    return Context(view, marks, cases, short_names(view.matrix))


def short_names(matrix: MatrixView) -> list[str]:
    """Return the names of arms without the template and the backend that all of them share."""
    templates = {arm.arm.template for arm in matrix.arms}
    backends = {arm.arm.backend for arm in matrix.arms}
    names = [arm.label for arm in matrix.arms]
    if len(templates) == 1:
        names = [name.removeprefix(f"{next(iter(templates))}@") for name in names]
    if len(backends) == 1:
        names = [name.removesuffix(f" on {next(iter(backends))}") for name in names]
    return names
