"""The form by which cases and trials of a run are narrowed down."""

from __future__ import annotations

from promptlab.core.types import Outcome
from promptlab.report.html.page.markup import NOTHING, Html, tag
from promptlab.viewer.asked import Asked
from promptlab.viewer.frame import choice, field
from promptlab.viewer.places import run_at
from promptlab.workbench.browsing import Book

_ONLY = (("", "any result"), ("failed", "failed by a scorer"), ("errors", "with an error"))
_CHANGED = (("", "changed or not"), ("regressed", "regressed"), ("fixed", "fixed"))


def filter_form(
    book: Book, asked: Asked, part: str, orders: tuple[tuple[str, str], ...] = ()
) -> Html:
    """Return the form; `orders` are the ways in which the rows can be sorted, if there are any."""
    labels = [(arm.label, arm.label) for arm in book.plan.arms]
    several = len(labels) > 1
    outcomes = [("", "any outcome"), *((each.value, each.value) for each in Outcome)]
    scorers = [(spec.label, spec.label) for spec in book.plan.scorers]
    changed = (
        choice("Score", "changed", _CHANGED, asked.one("changed")),
        choice("from", "from", labels, asked.one("from")),
        choice("to", "to", labels, asked.one("to") or labels[-1][0]),
    )
    return tag(
        "form",
        field("Case", "case", asked.one("case"), type="search", size="12"),
        field("Tag", "tag", asked.one("tag"), type="search", size="10"),
        choice("Outcome", "outcome", outcomes, asked.one("outcome")),
        choice("Result", "only", _ONLY, asked.one("only")),
        choice("Arm", "arm", [("", "any arm"), *labels], asked.one("arm")) if several else NOTHING,
        *(changed if several else ()),
        choice("by", "scorer", scorers, book.scorer.label) if len(scorers) > 1 else NOTHING,
        choice("Sort", "sort", orders, asked.one("sort")) if orders else NOTHING,
        tag("button", "Show"),
        tag("a", "Clear", href=run_at(book.run_id, part)),
        action=run_at(book.run_id, part),
        class_="filter",
        aria_label="Filter",
    )
