"""Arms against arms: the view and the sentences of `promptlab compare`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from promptlab.analysis.compare import By, Comparison
from promptlab.core.errors import PromptlabError
from promptlab.core.results import RunInfo
from promptlab.core.types import Arm
from promptlab.report.documents.comparison import compare_json
from promptlab.report.html.page.comparisons import (
    comparisons_section,
    cost_section,
    decomposition_section,
)
from promptlab.report.html.page.marks import Marks
from promptlab.report.html.page.markup import NOTHING, Child, Html, joined, tag
from promptlab.report.html.page.tables import items, section, ticked
from promptlab.report.views.comparison import ComparisonView, comparison_view
from promptlab.report.wording import counted
from promptlab.viewer.asked import Asked
from promptlab.viewer.desk import Desk
from promptlab.viewer.frame import Page, Reply, choice, heading
from promptlab.viewer.places import address, run_at
from promptlab.viewer.run import RunLinks
from promptlab.workbench.conclusions import Compared, compare_runs

_RECENT = 100  # runs to choose from


@dataclass(frozen=True, slots=True)
class _Question:
    """What is compared: runs, a scorer, what a pair differs in, and which two arms alone."""

    runs: tuple[str, ...]
    scorer: str | None
    by: By
    a: str | None
    b: str | None

    @property
    def key(self) -> tuple[object, ...]:
        """Return what the comparisons depend on; which of them are shown is no part of it."""
        return "compare", self.runs, self.scorer, self.by, self.a


def compare_page(desk: Desk, asked: Asked) -> Reply:
    """Return what differs between arms: all of some runs, or two of them."""
    question = _Question(
        runs=tuple(dict.fromkeys(asked.all("run"))),
        scorer=asked.one("scorer"),
        by=asked.choice("by", get_args(By)) or "version",
        a=asked.one("a"),
        b=asked.one("b"),
    )
    with desk.reading.open_store() as store:
        recent = store.runs(_RECENT)
    compared, told = None, None
    try:
        key = (*question.key, repr(desk.reading.rule))
        compared = desk.of_now(key, lambda: _compared(desk, question))
    except PromptlabError as error:
        if not recent:
            raise
        told = tag("p", *ticked(str(error)), class_="told", role="alert")
    body: list[Child] = [heading("Compare"), _form(question, recent, compared), told]
    if compared is not None:
        body.append(_result(question, compared, recent))
    return Page("Compare", joined(body), way="/compare")


def _compared(desk: Desk, question: _Question) -> Compared:
    return compare_runs(
        desk.reading,
        question.runs,
        scorer=question.scorer,
        baseline=question.a,
        by=question.by,
    )


def _result(question: _Question, compared: Compared, recent: Sequence[RunInfo]) -> Html:
    chosen = [each for each in compared.comparisons if question.b is None or _has(each, question.b)]
    if not chosen:
        return tag("p", f"{question.b} is compared with nothing here.", class_="told", role="alert")
    view = comparison_view(compared.evidence.basis, chosen, compared.rule)
    run_id = compared.evidence.run_ids[0]
    page = RunLinks(run_id, Marks({"compare": compare_json(view)}))
    return joined(
        [
            _conclusion(view),
            comparisons_section(page, view, NOTHING),
            _changed(compared, chosen, run_id),
            decomposition_section(page, view, NOTHING),
            cost_section(page, view, NOTHING),
        ]
    )


def _has(comparison: Comparison, arm: str) -> bool:
    return arm in (comparison.a, comparison.b)


def _conclusion(view: ComparisonView) -> Html:
    runs = joined((tag("a", run_id, href=run_at(run_id)) for run_id in view.run_ids), ", ")
    parts: list[Child] = [
        tag("p", view.headline, class_="headline"),
        tag("p", "From ", runs, f", by {view.scorer}.", class_="byline"),
    ]
    parts += [tag("p", f"Note: {note.text}", class_="note") for note in view.evidence]
    if view.next is not None:
        parts.append(tag("p", *ticked(view.next.line()), class_="next"))
    return section("conclusion", "Conclusion", *parts)


def _changed(compared: Compared, chosen: Sequence[Comparison], run_id: str) -> Html:
    """Return links to the cases that changed, where all is of one run."""
    if len(compared.evidence.run_ids) > 1:
        return NOTHING
    return items(_links(compared, chosen, run_id), "changed")


def _links(compared: Compared, chosen: Sequence[Comparison], run_id: str) -> Iterator[Child]:
    scorer = compared.evidence.table.scorer.label
    arms = [(arm.label, arm.arm) for arm in compared.evidence.table.arms]
    for each in chosen:
        for a in _on(arms, each.a, each.backend):
            for b in _on(arms, each.b, each.backend):
                if a.backend == b.backend and each.part is None:
                    named = f"{b.label} against {a.label}: "
                    sides = {"from": a.label, "to": b.label, "scorer": scorer}
                    yield joined([named, *_both(each, run_id, sides)])


def _both(each: Comparison, run_id: str, sides: dict[str, str]) -> Iterator[Child]:
    for kind, number, between in (
        ("regressed", len(each.lost), ", "),
        ("fixed", len(each.won), ""),
    ):
        where = run_at(run_id, "/cases", [*sides.items(), ("changed", kind)])
        yield (
            tag("a", f"{counted(number, 'case')} {kind}", href=where)
            if number
            else f"no case {kind}"
        )
        yield between


def _on(arms: Sequence[tuple[str, Arm]], label: str, backend: str | None) -> list[Arm]:
    """Return the arms of this label, on one backend or on all."""
    return [arm for name, arm in arms if name == label and backend in (None, arm.backend)]


def _form(question: _Question, recent: Sequence[RunInfo], compared: Compared | None) -> Html:
    ids = [info.run_id for info in recent]
    named = [f"{info.run_id}, {info.suite}" for info in recent]
    used = compared.evidence.run_ids if compared is not None else question.runs
    options = [*zip(ids, named, strict=True)]
    options = [*((run, run) for run in used if run not in ids), *options]
    first, *others = [*used, ""][: max(1, len(used))]
    arms: list[str] = []
    scorers: list[str] = []
    if compared is not None:
        table = compared.evidence.table
        arms = [*dict.fromkeys(arm.label for arm in table.arms)]
        scorers = [table.scorer.label, *table.runs[0].others]
    known = [(name, name) for name in arms]
    second = others[0] if others else ""
    return tag(
        "form",
        choice("Run", "run", options, first),
        choice("and", "run", [("", "no other run"), *options], second),
        choice("Baseline", "a", [("", "every arm"), *known], question.a),
        choice("against", "b", [("", "all others"), *known], question.b),
        choice("Scorer", "scorer", [(name, name) for name in scorers], question.scorer)
        if len(scorers) > 1
        else NOTHING,
        choice("By", "by", [(name, name) for name in get_args(By)], question.by),
        tag("button", "Compare"),
        tag("a", "Clear", href=address("/compare")),
        action="/compare",
        class_="filter",
    )
