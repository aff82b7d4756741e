"""The table of cases and arms: what each arm scored on each case, each cell a link to all of it."""

from __future__ import annotations

from promptlab.core.types import Outcome
from promptlab.report.html.page.context import Context
from promptlab.report.html.page.marks import Marks
from promptlab.report.html.page.markup import Child, Html, joined, tag
from promptlab.report.html.page.tables import scrolling, section, ticked
from promptlab.report.views.asked import question_of
from promptlab.report.views.matrix import MatrixCell, MatrixRow
from promptlab.report.wording import UNKNOWN, counted

_SHADES = 4
_ENDED = {
    Outcome.TRUNCATED: "t",
    Outcome.REFUSED: "r",
    Outcome.EMPTY: "e",
    Outcome.ERROR: "!",
}
LEGEND = (
    "✓ passed, ✗ failed, - not measured or not scored; raised letters tell trials that were"
    " t cut off, r refused, e empty, or ! failed. A cell leads to its conversation."
)
_MOST = 90  # characters of a question in a row


def heat_map_section(context: Context) -> Html:
    """Return the table of the cases that are shown, those on which arms differ first."""
    matrix = context.view.matrix
    heads = [
        tag("th", tag("a", name, href=f"#arm-{arm.digest}"), scope="col", id=f"arm-{arm.digest}")
        for arm, name in zip(matrix.arms, context.shorts, strict=True)
    ]
    rows = [_row(context, place, row) for place, row in enumerate(matrix.rows)]
    shown = tag(
        "table",
        tag("caption", f"{matrix.scorer}: {counted(len(matrix.rows), 'case')} by arm"),
        tag(
            "thead",
            tag("tr", tag("th", "case", scope="col"), tag("th", "asked", scope="col"), *heads),
        ),
        tag("tbody", *rows),
        class_="heat",
        id="heat",
    )
    return section(
        "cases",
        "Cases by arm",
        _counts(context),
        tag("p", *ticked(" ".join(context.view.left_out)), class_="note")
        if context.view.left_out
        else None,
        tag("p", LEGEND, class_="legend"),
        _filter(),
        scrolling(shown, "Cases by arm"),
    )


def _counts(context: Context) -> Html:
    number = context.marks.number
    kinds = (
        ("flipped", "scored differently between arms"),
        ("failed", "of the others with a failure"),
        ("rest", "the rest"),
    )
    parts = [
        joined(
            [
                number(f"/matrix/kinds/{kind}/shown", "{:,}".format),
                " of ",
                number(f"/matrix/kinds/{kind}/cases", "{:,}".format),
                f" {said}",
            ]
        )
        for kind, said in kinds
    ]
    return tag(
        "p",
        number("/matrix/shown", "{:,}".format),
        " of ",
        number("/matrix/n_cases", "{:,}".format),
        " cases are shown: ",
        joined(parts, ", "),
        ".",
    )


def _filter() -> Html:
    """Return what narrows the table down; hidden where no script can do so."""
    kinds = (("all", "all cases"), ("flips", "that flip"), ("fails", "with a failure"))
    options = [tag("option", said, value=kind) for kind, said in kinds]
    return tag(
        "form",
        tag("label", "Find ", tag("input", type="search", id="find", autocomplete="off")),
        tag("label", "Show ", tag("select", *options, id="kind")),
        tag("output", id="found", aria_live="polite"),
        class_="filter",
        id="filter",
        hidden=True,
    )


def _row(context: Context, place: int, row: MatrixRow) -> Html:
    asked = question_of(row.vars)
    head = tag("th", tag("a", row.case_id, href=f"#case-{row.part}"), scope="row")
    cells = [
        _cell(context, f"/matrix/cases/{place}/cells/{at}", row, at, cell)
        for at, cell in enumerate(row.cells)
    ]
    return tag(
        "tr",
        head,
        tag("td", shortened(asked, _MOST), class_="asked"),
        *cells,
        data_flips=row.flips,
        data_fails=fails(row),
        data_case=row.part,
        data_tags=" ".join(row.tags) or None,
    )


def fails(row: MatrixRow) -> bool:
    """Return whether any arm failed on a case, in its answer or in its score."""
    return any(
        (cell.score is not None and cell.score <= 0) or cell.outcomes.get(Outcome.ERROR)
        for cell in row.cells
    )


def _cell(context: Context, at: str, row: MatrixRow, arm: int, cell: MatrixCell) -> Html:
    matrix = context.view.matrix
    return scored_cell(context.marks, at, cell, f"#{matrix.link(row, matrix.arms[arm])}")


def scored_cell(marks: Marks, at: str, cell: MatrixCell, to: str) -> Html:
    """Return a cell of the table: what it scored and how its trials ended, as a link to them."""
    marked = "".join(sign for outcome, sign in _ENDED.items() if cell.outcomes.get(outcome))
    word = score_word(cell)
    if cell.score is not None:
        word = marks.number(f"{at}/score", score_word(cell))
    content: Child = joined([word, tag("sup", marked) if marked else None])
    if cell.trials:
        content = tag("a", content, href=to)
    return tag("td", content, class_=_shade(cell))


def score_word(cell: MatrixCell) -> str | Html:
    """Return what a cell scored: a sign for a verdict, else the number."""
    if cell.score is None:
        return UNKNOWN
    if cell.passed is not None:
        return "✓" if cell.passed else "✗"
    return f"{cell.score:.3g}"


def _shade(cell: MatrixCell) -> str | None:
    """Return the class of a cell by its score, from 0 to 4 where scores are shares."""
    if cell.score is None or not 0 <= cell.score <= 1:
        return None
    return f"s{round(cell.score * _SHADES)}"


def shortened(text: str, most: int) -> str:
    """Return a text in one line of at most so many characters."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
