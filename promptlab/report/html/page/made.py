"""What was concluded before, how it was made, how to make it again, and every other number."""

from __future__ import annotations

from collections.abc import Iterator

from promptlab.report.html.page.context import CELLS, Context
from promptlab.report.html.page.marks import shown_pointer
from promptlab.report.html.page.markup import Child, Html, joined, tag
from promptlab.report.html.page.tables import folded, section, table
from promptlab.report.views.ledger import FamilyTable, LedgerView
from promptlab.report.views.made import MadeRun, command
from promptlab.report.wording import difference, p_value

_PARTS = (
    ("compare", "the comparisons", "#differences"),
    ("practices", "the practices", "#practices"),
    ("run", "the runs", CELLS),
    ("history", "the history", CELLS),
    ("rounds", "the rounds", CELLS),
    ("matrix", "the cases", CELLS),
    ("hunks", "the texts", "#text"),
    ("ledger", "the ledger", "#ledger"),
    ("made", "how it was made", "#made"),
)
"""Parts of the document, what they are about, and the address of the rows behind their numbers."""


def ledger_section(context: Context) -> Html:
    """Return every conclusion about the cases of these suites, oldest first."""
    parts = [_ledger(context, at, view) for at, view in enumerate(context.view.ledgers)]
    return section("ledger", "Ledger", *parts)


def _ledger(context: Context, at: int, view: LedgerView) -> Html:
    families = [
        _family(context, f"/ledger/{at}/families/{place}", family)
        for place, family in enumerate(view.tables)
    ]
    return joined([tag("p", f"Suite {view.suite}: {view.total}"), *families])


def _family(context: Context, at: str, shown: FamilyTable) -> Html:
    head = ("b against a", "#cases", "#trials", "#look", "#level", "#difference", "#p", "verdict")
    rows: list[list[Child]] = []
    for place, look in enumerate(shown.family.looks):
        number, one = context.marks.number, f"{at}/looks/{place}"
        where = f" on {look.backend}" if look.backend else ""
        rows.append(
            [
                f"{look.b} against {look.a}{where}",
                number(f"{one}/cases", "{:,}".format, CELLS),
                number(f"{one}/trials", "{:,}".format, CELLS),
                number(f"{one}/number", str, CELLS),
                number(f"{one}/level", "{:.3g}".format, CELLS),
                number(f"{one}/delta", lambda value: difference(value, is_rate=False), CELLS),
                number(f"{one}/p", p_value, CELLS),
                look.verdict,
            ]
        )
    return table(shown.heading, head, rows)


def made_section(context: Context) -> Html:
    """Return how the numbers were made, and the commands that make them again."""
    made = context.view.made
    commands = [command(run.words) for run in made.runs if run.imported is None]
    commands += [command(made.compare), command(made.report)]
    versions = ", ".join(f"{name} {version}" for name, version in made.versions.items())
    return section(
        "made",
        "How it was made, and how to make it again",
        tag("pre", "\n".join(commands), class_="commands"),
        tag("p", f"Computed by {versions}."),
        tag(
            "p",
            context.marks.number("/made/cases", "{:,}".format, CELLS),
            " cases, digest ",
            tag("code", made.cases),
            ".",
        ),
        *(_run(context, f"/made/runs/{at}", run) for at, run in enumerate(made.runs)),
    )


def _run(context: Context, at: str, run: MadeRun) -> Html:
    origin = f", imported from {run.imported}" if run.imported else ""
    rows: list[list[Child]] = [
        ["version", f"{one.name}@{one.version}", tag("code", one.digest)] for one in run.templates
    ]
    rows += [["backend", one.name, tag("code", one.digest)] for one in run.backends]
    rows += [
        [
            "scorer",
            one.label,
            joined(
                [
                    f"{one.name}, version {one.version}, ",
                    tag("code", context.marks.json(f"{at}/scorers/{place}/params")),
                ]
            ),
        ]
        for place, one in enumerate(run.scorers)
    ]
    return joined(
        [
            tag(
                "p",
                f"Run {run.run_id} of suite {run.suite}{origin}, {run.created_at}: seed ",
                context.marks.number(f"{at}/seed", str, CELLS),
                ", repeats ",
                context.marks.number(f"{at}/repeats", str, CELLS),
                f", cases of the split {run.split}.",
            ),
            table(
                f"What run {run.run_id} depends on", ("what", "name", "digest or settings"), rows
            ),
        ]
    )


def rest_section(context: Context) -> Html:
    """Return every number of the document that no other part of the page shows. Made last."""
    return section(
        "figures",
        "Every other number",
        tag(
            "p",
            "With these, the page has every number of the document that ",
            tag("code", f"{command(context.view.made.report[:-2])} --json"),
            " writes, under the same names.",
        ),
        *_rest(context),
    )


def _rest(context: Context) -> Iterator[Html]:
    for part, about, rows in _PARTS:
        found = [*context.marks.left(f"/{part}")]
        if found:
            numbers = [(shown_pointer(at), context.marks.number(at, rows=rows)) for at in found]
            yield folded(
                f"On {about}",
                table(f"Further numbers on {about}", ("in the document", "#"), numbers),
            )
