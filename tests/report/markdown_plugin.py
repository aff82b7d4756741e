"""A renderer that is not ours: a comparison as Markdown, made from its view alone."""

from __future__ import annotations

from promptlab.report.views.comparison import ComparisonTable, ComparisonView


def markdown(view: ComparisonView) -> str:
    """Return tables, notes, what is open and the conclusion."""
    blocks = ["\n".join(_table(table)) for table in view.tables]
    blocks += [f"- {note.line}" for note in view.notes]
    blocks += [f"- {question.line}" for question in view.open]
    if (best := view.conclusion) is not None:
        blocks.append(f"**{best.b} is {best.verdict} than {best.a}**: {best.delta}, {best.p}")
    return "\n\n".join(blocks) + "\n"


def _table(table: ComparisonTable) -> list[str]:
    lines = [f"### {table.title}", "", f"| | {table.unit} | interval | p | won:lost | verdict |"]
    lines.append("| --- | ---: | --- | ---: | ---: | --- |")
    for row in table.rows:
        figures = row.figures
        cells = (figures.delta, figures.interval, figures.p, figures.won_lost, figures.verdict)
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return lines
