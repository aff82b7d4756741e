"""Comparisons for a pull request: the conclusion, tables, notes, and the cases folded away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from promptlab.analysis.flipped_cases import FlippedCase, FlippedCases
from promptlab.core.markup import code, figure, prose
from promptlab.core.types import Json
from promptlab.report.markdown.text import (
    MOST,
    bullets,
    folded,
    joined,
    passage,
    strong,
    table,
)
from promptlab.report.views.asked import value_text
from promptlab.report.views.comparison import ComparisonRow, ComparisonTable, ComparisonView
from promptlab.report.views.taken import HEADINGS, known_cells
from promptlab.report.wording import UNKNOWN, counted, verdict_word

CASES = 10
"""Won and lost cases of one comparison that are shown with their answers."""

_NAMED = 200  # further cases that are named


def comparison_markdown(
    view: ComparisonView, cases: FlippedCases, command: str = "promptlab"
) -> str:
    """Return all comparisons; of `cases`, as many as a comment of GitHub has room for."""
    lines = [note.line for note in view.notes]
    lines += [question.line for question in view.open]
    lines += [f"Note: {note.text}" for note in view.evidence]
    above = joined(
        [
            strong(view.headline),
            *(_table(each) for each in view.tables),
            _taken(view.rows),
            bullets([*view.throughput, *lines]),
            _answers(view),
        ]
    )
    runs = ", ".join(code(run) for run in view.run_ids)
    below = joined(
        [
            f"{prose(view.next.line(command))}\n" if view.next else "",
            f"Run {runs}, scorer {code(view.scorer)}; {code(f'{command} compare')}\n",
        ]
    )
    room = MOST - len(above) - len(below)
    return joined([above, *_within(_folded_cases(view, cases), room), below])


def _table(each: ComparisonTable) -> str:
    levels = each.levels
    head = [
        *("", "n", "a", "b", each.unit, "interval"),
        *(["level"] if levels is not None else []),
        *(each.p_heading, "won:lost", "tokens", "verdict"),
    ]
    rows = [
        [
            code(row.name),
            *map(figure, (f.n, f.mean_a, f.mean_b, f.delta, f.interval)),
            *([figure(levels[place])] if levels is not None else []),
            *map(figure, (f.p, f.won_lost, f.tokens, verdict_word(f.verdict))),
        ]
        for place, row in enumerate(each.rows)
        for f in [row.figures]
    ]
    return joined([f"{prose(each.title)}\n", table(head, rows)])


def _taken(rows: Sequence[ComparisonRow]) -> str:
    """Return what a trial takes, if money or seconds are known; tokens are in the first tables."""
    known = known_cells([row.taken for row in rows])
    if not known:
        return ""
    head = ["b against a", *(HEADINGS[name] for name in known)]
    body = [
        [code(row.pair), *(figure(cells[place]) for cells in known.values())]
        for place, row in enumerate(rows)
    ]
    return joined(["What a trial takes\n", table(head, body)])


def _answers(view: ComparisonView) -> str:
    """Return which answers each arm gives, folded away where there are more than two arms."""
    answers = bullets(view.answers)
    if answers and len(view.rows) > 1:
        return folded("Which answers each arm gives how often", answers)
    return answers


def _folded_cases(view: ComparisonView, cases: FlippedCases) -> Iterator[tuple[str, str]]:
    """Yield the cases that each comparison won and lost: in full, and by their names alone."""
    for row in view.rows:
        comparison = row.comparison
        for how, ids in (("Lost", comparison.lost), ("Won", comparison.won)):
            if not ids:
                continue
            title = f"{how} by {row.pair}: {counted(len(ids), 'case')}"
            shown = [cases.of(comparison, case) for case in ids[:CASES]]
            full = [_case(each) for each in shown if each is not None]
            rest = _named(ids[len(full) :])
            yield folded(title, joined([*full, rest])), folded(title, _named(ids))


def _case(case: FlippedCase) -> str:
    scores = " -> ".join(UNKNOWN if a.score is None else f"{a.score:.4g}" for a in case.answers)
    asked = [f"- {code(name)}: {passage(value_text(value))}" for name, value in case.vars.items()]
    expected = [] if case.expect is None else [f"- expected: {_shown(case.expect)}"]
    answers = [
        f"- {code(answer.arm)}{f' on {code(answer.backend)}' if answer.backend else ''}:"
        f" {'no answer' if answer.output is None else passage(answer.output)}"
        for answer in case.answers
    ]
    return "\n".join(
        [f"{code(case.case_id)}: {figure(scores)}", "", *asked, *expected, *answers, ""]
    )


def _shown(value: Json) -> str:
    return passage(value_text(value))


def _named(ids: Sequence[str]) -> str:
    if not ids:
        return ""
    more = f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
    return f"{', '.join(code(case) for case in ids[:_NAMED])}{more}\n"


def _within(parts: Iterator[tuple[str, str]], room: int) -> Iterator[str]:
    """Yield parts as long as there is room: the long form, or else the short one."""
    left_out = 0
    for full, short in parts:
        fitting = next((part for part in (full, short) if len(part) < room), None)
        if fitting is None:
            left_out += 1
            continue
        room -= len(fitting) + 1
        yield fitting
    if left_out:
        yield f"{counted(left_out, 'more list')} of cases: a comment has no room for them.\n"
