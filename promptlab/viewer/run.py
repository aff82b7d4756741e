"""A run: how far it is, how each arm scored, how trials ended, and the ways to what is behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptlab.core.results import RunInfo
from promptlab.core.types import Arm
from promptlab.report.documents.run import run_json
from promptlab.report.html.page.arms import outcomes_of, scores_of
from promptlab.report.html.page.context import listed
from promptlab.report.html.page.marks import Marks
from promptlab.report.html.page.markup import NOTHING, Child, Html, joined, tag
from promptlab.report.html.page.tables import paragraphs
from promptlab.report.views.run import RunView, run_view
from promptlab.report.views.throughput import throughput_lines
from promptlab.viewer.asked import Asked
from promptlab.viewer.desk import Desk
from promptlab.viewer.frame import Page, Part, Reply, heading, live, ways
from promptlab.viewer.places import address, case_at, run_at
from promptlab.viewer.runs import progress_of
from promptlab.workbench.runs import read_run

_LIVE_S = 1.0
_MOST_LIVE = 20_000  # trials whose means are computed again while a run goes on


@dataclass(frozen=True, slots=True)
class RunLinks:
    """Where on the viewer's pages arms and cases of one run are."""

    run_id: str
    marks: Marks

    def arm_at(self, arm: Arm) -> str:
        """Return the address of the trials of an arm."""
        return run_at(self.run_id, "/trials", arm=arm.label)

    def case(self, case_id: str) -> Html:
        """Return the name of a case, as a link to it."""
        return tag("a", case_id, href=case_at(self.run_id, case_id))

    def listed(self, case_ids: Sequence[str]) -> Html:
        """Return the names of cases; many are counted only."""
        return listed(self, case_ids)


def run_page(desk: Desk, asked: Asked) -> Reply:
    """Return a run, or what of it changes while it goes on."""
    with desk.reading.open_store() as store:
        info = store.run(store.find_run(asked.path["run"]))
        busy = info.status == "running"
        small = not busy or info.stored <= _MOST_LIVE
        view = run_view(read_run(store, info.run_id)) if small else None
    below = [_state(info)]
    if view is not None:
        below.append(_results(view))
    elif busy:
        below.append(tag("p", "Scores are shown when the run has ended.", class_="note"))
    again = run_at(info.run_id, live=1)
    content = live(joined(below), again, _LIVE_S if busy else None)
    if asked.one("live"):
        return Part(content)
    return Page(f"Run {info.run_id}", joined([run_head(info, "Overview"), content]), way="/")


def run_head(info: RunInfo, here: str) -> Html:
    """Return the beginning of every page of a run, with the ways to its other pages."""
    run_id = info.run_id
    links = [
        (run_at(run_id), "Overview"),
        (run_at(run_id, "/cases"), "Cases by arm"),
        (run_at(run_id, "/trials"), "Trials"),
        (address("/compare", run=run_id), "Compare"),
        (run_at(run_id, "/review"), "Rate outputs"),
        (run_at(run_id, "/review", kind="pairs"), "Rate pairs"),
        (run_at(run_id, "/notes"), "Notes"),
    ]
    begun = info.created_at[:16].replace("T", " ")
    what = ", ".join(info.templates)
    on = ", ".join(info.backends)
    above = joined(["run of ", tag("a", info.suite, href=address("/", suite=info.suite))])
    return joined(
        [
            heading(f"Run {run_id}", info.label, f"{what} on {on}, begun {begun}", above=above),
            ways(links, here),
        ]
    )


def _state(info: RunInfo) -> Html:
    if info.status == "running":
        return tag("p", progress_of(info), class_="state", role="status")
    ended = "" if info.finished_at is None else f" {info.finished_at[:16].replace('T', ' ')}"
    lacking = info.trials - info.stored
    more: Child = f": {lacking:,} of {info.trials:,} trials are not there yet" if lacking else None
    resume = joined([". Go on with ", tag("code", f"promptlab resume {info.run_id}")])
    interrupted = info.status == "interrupted"
    return tag(
        "p",
        tag("span", info.status, class_=f"status {info.status}"),
        ended,
        more,
        resume if interrupted else NOTHING,
        ".",
        class_="state",
    )


def _results(view: RunView) -> Html:
    links = RunLinks(view.run.run_id, Marks({"run": [run_json(view, 0)]}))
    parts: list[Child] = []
    for scores in view.tables:
        parts += scores_of(links, 0, view, scores)
    parts.append(outcomes_of(links, 0, view))
    parts.append(paragraphs(throughput_lines(view.batched)))
    return joined(parts)
