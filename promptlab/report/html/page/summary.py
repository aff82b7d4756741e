"""The beginning of a report: what it comes to, what to do next, what flipped, the contents."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.report.html.page.context import Context
from promptlab.report.html.page.markup import NOTHING, Html, joined, tag, text
from promptlab.report.html.page.shell import themes
from promptlab.report.html.page.tables import section, ticked
from promptlab.report.views.conclusion import clearest
from promptlab.report.wording import counted

_FLIPS = 8  # that are named at the beginning


def masthead(context: Context) -> Html:
    """Return the title of a report, what it is of, and the switch between themes."""
    view = context.view
    runs = "; ".join(
        f"run {each.run.run_id} of {each.run.suite}, {each.run.status}, "
        f"{each.run.created_at[:16].replace('T', ' ')}"
        for each in view.runs
    )
    return tag(
        "header",
        tag("p", "promptlab report", class_="kicker"),
        tag("h1", view.title),
        tag("p", runs, class_="byline"),
        themes(),
    )


def contents(parts: Sequence[tuple[str, str]]) -> Html:
    """Return links to the parts of the page."""
    links = [tag("li", tag("a", title, href=f"#{id_}")) for id_, title in parts]
    return tag("nav", tag("ol", *links), aria_label="Contents")


def conclusion(context: Context) -> Html:
    """Return the conclusion, the sentences that the terminal prints, and what to do next."""
    view, found = context.view, context.view.comparison
    rest: list[Html] = []
    if view.incomparable is not None:
        rest.append(tag("p", f"{view.incomparable[:1].upper()}{view.incomparable[1:]}."))
    if found is not None:
        rest += [tag("p", f"Note: {note.text}", class_="note") for note in found.evidence]
        if found.next is not None:
            rest.append(tag("p", *_next(found.next.line()), class_="next"))
    return section(
        "conclusion",
        "Conclusion",
        tag("p", _headline(context), class_="headline"),
        *rest,
        _flipped(context),
    )


def _headline(context: Context) -> Html:
    """Return the sentence of the conclusion, its numbers as those of the comparison it is about."""
    sentence, found = context.view.headline, context.view.comparison
    best = None if found is None else clearest([row.comparison for row in found.rows])
    if found is None or best is None:
        return text(sentence)
    [place] = [at for at, row in enumerate(found.rows) if row.comparison is best]
    figures, at = found.rows[place].figures, f"/compare/comparisons/{place}"
    low, _, high = figures.interval.partition(" to ")
    parts, rest = [], sentence
    for word, name in (
        (figures.delta, "delta"),
        (low, "ci_simultaneous/0"),
        (high, "ci_simultaneous/1"),
        (f"{len(best.won):,}", "wins"),
        (f"{len(best.lost)}", "losses"),
    ):
        before, _, after = rest.partition(word)
        if after and context.marks.value(f"{at}/{name.partition('/')[0]}") is not None:
            parts += [text(before), context.marks.number(f"{at}/{name}", word, f"#pair-{place}")]
            rest = after
    return joined([*parts, rest])


def _next(line: str) -> list[Html]:
    command, _, purpose = line.removeprefix("Next: ").partition("\n")
    if not purpose:
        return [joined(["Next: ", *ticked(command)])]
    return [joined(["Next: ", tag("code", command), f" {purpose}"])]


def _flipped(context: Context) -> Html:
    """Return the cases on which arms differ, each a link to both outputs and the text's change."""
    view = context.view
    rows = [row for row in view.matrix.rows if row.flips]
    if not rows:
        return NOTHING
    named = joined((tag("a", row.case_id, href=f"#case-{row.part}") for row in rows[:_FLIPS]), ", ")
    more = len(rows) > _FLIPS
    all_of = tag("a", "all of them by arm", href="#cases")
    return tag(
        "p",
        context.marks.number("/matrix/n_flips", counted(view.matrix.flips, "case"), rows="#cases"),
        " scored differently between arms: ",
        named,
        joined([" … ", all_of]) if more else joined([" (", all_of, ")"]),
        ".",
        class_="flips",
    )
