"""The effects of practices for a pull request: a table, what it rests on, and notes."""

from __future__ import annotations

from promptlab.core.markup import code, figure
from promptlab.report.markdown.text import bullets, joined, strong, table
from promptlab.report.views.practices import PracticesView


def practices_markdown(view: PracticesView) -> str:
    """Return all effects that say something, and below them what the terminal says."""
    levels = view.levels
    head = [
        *("practice", view.unit, "interval"),
        *(["level"] if levels is not None else []),
        *(view.p_heading, "tokens", "verdict"),
    ]
    rows = [
        [
            code(f"{row.practice} {row.place}" if row.place else row.practice),
            *map(figure, (f.delta, f.interval)),
            *([figure(levels[place])] if levels is not None else []),
            *map(figure, (f.p, f.tokens, f.said)),
        ]
        for place, row in enumerate(view.shown)
        for f in [row.figures]
    ]
    notes = [note.line for note in view.notes]
    notes += [f"models in general: {reason.text}" for reason in view.silence]
    notes += [each.line for each in view.heterogeneity]
    notes += [each.line for each in view.open]
    notes += [f"Note: {note.text}" for note in view.evidence]
    runs = ", ".join(code(run) for run in view.run_ids)
    return joined(
        [
            strong(view.title),
            table(head, rows),
            bullets([*(each.line for each in view.definitions), *view.not_apart]),
            bullets(notes),
            f"Run {runs}, scorer {code(view.scorer)}\n",
        ]
    )
