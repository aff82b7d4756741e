"""Results as a Markdown table, piece by piece: for reading, not for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from promptlab.core.markup import code, cut, prose
from promptlab.core.results import Result
from promptlab.core.types import Outcome
from promptlab.exporters.runs.cells import Said
from promptlab.exporters.runs.layout import Layout, Trial, as_text

_MOST = 300  # characters of a cell


def markdown_lines(layout: Layout, trials: Iterable[Trial], said: Said) -> Iterator[str]:
    """Yield a table of all trials, in which no text is more than text."""
    heads = ["case", "arm", "repeat", "question", "expected", "output", *layout.scorers]
    yield f"Run {code(layout.run_id)} of {prose(layout.suite)}\n\n"
    yield _row([prose(head) or code(head) for head in heads])
    yield _row(["---"] * len(heads))
    was_cut = 0
    for trial in trials:
        first = trial[0]
        asked = "\n".join(f"{name}: {as_text(value)}" for name, value in first.vars.items())
        texts = [asked, as_text(first.expect) or "", layout.output(trial)]
        shown = [cut(text, _MOST) for text in texts]
        was_cut += any(more for _, more in shown)
        scores = {row.scorer: row for row in trial}
        yield _row(
            [
                code(first.case_id),
                code(first.arm),
                str(first.repeat),
                *(_cell(text, more) for text, more in shown),
                *(_score(scores.get(label)) for label in layout.scorers),
            ]
        )
    if was_cut:
        yield f"\nTexts are cut after {_MOST} characters; the other formats have all of them.\n"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _cell(text: str, more: int) -> str:
    return code(text) + (f" ... {more:,} more characters" if more else "")


def _score(row: Result | None) -> str:
    if row is None or not row.was_graded:
        return ""
    if row.score is None:
        return "error" if row.outcome is not Outcome.ERROR else "no answer"
    return f"{row.score:.4g}{' (failed)' if row.passed is False else ''}"
