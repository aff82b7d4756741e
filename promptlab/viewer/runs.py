"""The list of runs, with what is under way."""

from __future__ import annotations

from promptlab.core.results import RunInfo
from promptlab.report.documents.run import runs_json
from promptlab.report.html.page.marks import Marks
from promptlab.report.html.page.markup import NOTHING, Child, Html, joined, tag
from promptlab.report.html.page.tables import table
from promptlab.report.views.runs import RunRow, RunsView, runs_view
from promptlab.report.wording import counted
from promptlab.viewer.asked import Asked
from promptlab.viewer.desk import Desk
from promptlab.viewer.frame import Page, Part, Reply, choice, heading, live, pager
from promptlab.viewer.places import address, run_at

_A_PAGE = 50
_BUSY_S, _IDLE_S = 1.0, 5.0  # between two looks at the list


def runs_page(desk: Desk, asked: Asked) -> Reply:
    """Return the runs, the newest first."""
    if not desk.reading.has_database:
        return Page("Runs", _none_yet(), way="/")
    first = asked.whole("skip", most=1_000_000) or 0
    suite = asked.one("suite")
    with desk.reading.open_store() as store:
        infos = store.runs(None if suite else first + _A_PAGE + 1)
    suites = sorted({info.suite for info in infos})
    fitting = [info for info in infos if suite in (None, info.suite)]
    shown = fitting[first : first + _A_PAGE]
    kept = [("suite", suite)] if suite else []
    further = address("/", kept, skip=first + _A_PAGE) if len(fitting) > first + _A_PAGE else None
    content = joined(
        [
            _table(runs_view(shown)) if shown else _none_yet(),
            pager(address("/", kept) if first else None, further, "Earlier runs"),
        ]
    )
    busy = any(info.status == "running" for info in shown)
    content = live(
        content, address("/", kept, skip=first or None, live=1), _BUSY_S if busy else _IDLE_S
    )
    if asked.one("live"):
        return Part(content)
    chosen = _by_suite(suites, suite) if len(suites) > 1 or suite else NOTHING
    where = str(desk.reading.database)
    return Page("Runs", joined([heading("Runs", where), chosen, content]), way="/")


def progress_of(info: RunInfo) -> Html:
    """Return how far a run is, as a bar with the numbers beside it."""
    said = f"{info.stored:,} of {counted(info.trials, 'trial')}"
    bar = tag(
        "progress",
        said,
        value=str(info.stored),
        max=str(max(1, info.trials)),
        aria_label=f"Progress of run {info.run_id}",
    )
    return tag("span", bar, " ", tag("span", said), class_="progress")


def _by_suite(suites: list[str], suite: str | None) -> Html:
    options = [("", "all suites"), *((name, name) for name in suites)]
    return tag(
        "form",
        choice("Suite", "suite", options, suite),
        tag("button", "Show"),
        action="/",
        class_="filter",
    )


def _table(view: RunsView) -> Html:
    marks = Marks({"runs": runs_json(view)})
    head = ("run", "suite", "versions, backends", "begun", "status", "#trials", "outcomes")
    rows = [_row(marks, place, row, has_cost=view.has_cost) for place, row in enumerate(view.rows)]
    return table("", (*head, *(["#USD"] * view.has_cost)), rows)


def _row(marks: Marks, place: int, row: RunRow, *, has_cost: bool) -> list[Child]:
    info, where = row.run, f"/runs/{place}"
    busy = info.status == "running"
    outcomes = [
        joined([f"{name} ", marks.number(f"{where}/outcomes/{name}", "{:,}".format)])
        for name, count in info.outcomes.items()
        if count
    ]
    stored = marks.number(f"{where}/stored", "{:,}".format)
    planned = marks.number(f"{where}/trials", "{:,}".format)
    named = tag("a", info.run_id, href=run_at(info.run_id))
    return [
        joined([named, f" {row.label}"]) if row.label else named,
        info.suite,
        row.what,
        tag("time", info.created_at[:16].replace("T", " "), datetime=info.created_at),
        progress_of(info) if busy else tag("span", info.status, class_=f"status {info.status}"),
        joined([stored, " of ", planned]) if info.stored != info.trials else planned,
        joined(outcomes, ", "),
        *([marks.number(f"{where}/cost_usd", row.cost)] if has_cost else []),
    ]


def _none_yet() -> Html:
    return tag("p", "There are no runs yet: ", tag("code", "promptlab run SUITE"), class_="empty")
