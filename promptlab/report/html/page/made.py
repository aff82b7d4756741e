"""What was concluded before, how it was made, how to make it again, and every other number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from promptlab.report.html.page.context import CELLS, Context
from promptlab.report.html.page.marks import shown_pointer
from promptlab.report.html.page.markup import Child, Html, joined, tag
from promptlab.report.html.page.tables import folded, section, table
from promptlab.report.views.ledger import FamilyTable, LedgerView
from promptlab.report.views.made import MadeRun, command
from promptlab.report.wording import difference, p_value

_PARTS = (
    ("compare", "the comparisons", "#differences", 3),
    ("practices", "the practices", "#practices", 3),
    ("run", "the runs", CELLS, 4),
    ("history", "the history", CELLS, 4),
    ("rounds", "the rounds", CELLS, 4),
    ("matrix", "the cases", CELLS, 3),
    ("hunks", "the texts", "#text", 2),
    ("ledger", "the ledger", "#ledger", 4),
    ("made", "how it was made", "#made", 3),
)
"""Parts of the document, what they are about, the address of the rows behind their numbers, and how
many steps of a pointer lead to one of the things that they are about."""

_OWN_ROWS = {"/compare/comparisons": "#pair", "/practices/practices": "#practice"}
"""Lists of which each member has rows of its own, by its number."""


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
    for part, about, rows, depth in _PARTS:
        groups: defaultdict[str, list[str]] = defaultdict(list)
        for at in context.marks.left(f"/{part}"):
            steps = at.split("/")
            groups["/".join(steps[: min(depth, len(steps) - 2) + 1])].append(at)
        shown = [_group(context, group, found, rows) for group, found in groups.items()]
        if shown:
            yield folded(f"On {about}", tag("dl", *shown, class_="figures"))


def _group(context: Context, group: str, found: Sequence[str], rows: str) -> Html:
    """Return the numbers of one thing: a link to the rows behind them, each with its name."""
    of, _, number = group.rpartition("/")
    if of in _OWN_ROWS:
        rows = f"{_OWN_ROWS[of]}-{number}"
    numbers = [
        joined([shown_pointer(at[len(group) + 1 :]), " ", context.marks.number(at)]) for at in found
    ]
    return joined(
        [
            tag("dt", tag("a", shown_pointer(group), href=rows)),
            tag("dd", joined(numbers, ", ")),
        ]
    )
