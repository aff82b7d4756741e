"""The report: one page with every part of a report, in the order in which it is read."""

from __future__ import annotations

from collections.abc import Mapping

from promptlab.report.documents.report import report_json
from promptlab.report.html.page.arms import arms_section, outcomes_section
from promptlab.report.html.page.cases import cases_section
from promptlab.report.html.page.comparisons import (
    comparisons_section,
    cost_section,
    decomposition_section,
)
from promptlab.report.html.page.context import Context, context_of
from promptlab.report.html.page.heat_map import heat_map_section
from promptlab.report.html.page.history import history_section, rounds_section
from promptlab.report.html.page.made import ledger_section, made_section, rest_section
from promptlab.report.html.page.marks import Marks
from promptlab.report.html.page.markup import Html, joined, tag
from promptlab.report.html.page.practices import practices_section
from promptlab.report.html.page.shell import page
from promptlab.report.html.page.steps import steps_section
from promptlab.report.html.page.summary import conclusion, contents, masthead
from promptlab.report.views.report import ReportView

Charts = Mapping[str, Html]
"""The charts of a report by their names, as markup."""

_TITLES = (
    ("conclusion", "Conclusion"),
    ("arms", "Arms"),
    ("differences", "Paired differences"),
    ("decomposition", "What the scores are made of"),
    ("practices", "Practices"),
    ("history", "Score by version"),
    ("rounds", "Score by round"),
    ("cost", "Score against cost"),
    ("cases", "Cases by arm"),
    ("text", "What changed in the text"),
    ("details", "Every case in full"),
    ("outcomes", "Outcomes, and what a trial takes"),
    ("ledger", "Ledger"),
    ("made", "How it was made"),
    ("figures", "Every other number"),
)


def report_html(view: ReportView, charts: Charts) -> str:
    """Return a report as one page that loads nothing."""
    context = context_of(view, Marks(report_json(view)))
    parts = {name: part for name, part in _parts(context, charts).items() if part}
    shown = [(name, title) for name, title in _TITLES if name in parts]
    body = [parts[name] for name, _ in shown]
    return page(
        view.title,
        masthead(context),
        contents(shown),
        tag("main", *body),
        tag("footer", tag("p", "Made by promptlab. This page loads nothing and sends nothing.")),
    )


def _parts(context: Context, charts: Charts) -> dict[str, Html]:
    """Return the parts of the page by their addresses; the last one has the numbers left over."""
    view = context.view

    def chart(name: str) -> Html:
        """Return the charts of a part; there is one for each template or scorer."""
        return joined(drawn for each, drawn in charts.items() if each.partition("-")[0] == name)

    parts = {"conclusion": conclusion(context), "arms": arms_section(context, chart("arms"))}
    if view.comparison is not None:
        found = view.comparison
        parts["differences"] = comparisons_section(context, found, chart("differences"))
        parts["decomposition"] = decomposition_section(context, found, chart("decomposition"))
        parts["cost"] = cost_section(context, found, chart("cost"))
    if view.practices is not None:
        parts["practices"] = practices_section(context, view.practices, chart("practices"))
    if view.histories:
        parts["history"] = history_section(context, chart("history"))
    if view.rounds:
        parts["rounds"] = rounds_section(context, chart("rounds"))
    parts["cases"] = heat_map_section(context)
    if view.steps:
        parts["text"] = steps_section(context)
    parts["details"] = cases_section(context)
    parts["outcomes"] = outcomes_section(context)
    parts["ledger"] = ledger_section(context)
    parts["made"] = made_section(context)
    parts["figures"] = rest_section(context)
    return parts
