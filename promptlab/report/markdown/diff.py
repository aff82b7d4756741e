"""How two versions differ, for a pull request: what was measured, then each hunk with its flips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from promptlab.core.markup import code, fenced, prose
from promptlab.report.markdown.text import bullets, folded, joined, passage, strong
from promptlab.report.views.diff import DiffView
from promptlab.report.views.flips import FlipsView, HunkView
from promptlab.report.views.measured import FlipGroup, FlipView, flip_groups
from promptlab.report.wording import verdict_word
from promptlab.templates.diff import FileDiff
from promptlab.templates.text_diff import Line

_CASES = 10  # of each kind with their answers
_NAMED = 200  # of each kind by their names


def diff_markdown(view: DiffView) -> str:
    """Return how two versions differ in text and in results; that of one case is for a terminal."""
    version = view.version
    if version.same:
        return strong(f"{version.a} and {version.b} are the same text")
    measured = [
        f"{each.text}: {verdict_word(each.comparison.verdict)}"
        + (f" ({each.reason})" if each.reason else "")
        for each in view.measured
    ]
    rows = [f"{row.key}: {_cell(row.a)} -> {_cell(row.b)}" for row in view.rows]
    notes = [note.line for note in view.notes]
    notes += [question.line for question in view.open]
    notes += [f"Note: {note.text}" for note in view.evidence]
    size = [] if view.size is None else [f"{view.size.a} -> {view.size.b}. {view.size.note}"]
    return joined(
        [
            strong(f"{version.b} against {version.a}"),
            bullets([*measured, *rows, *size, *notes]),
            *(_file(file) for file in version.files),
            _hunks(view.hunks) if view.hunks is not None else "",
            *_flips(view),
        ]
    )


def _cell(cell: Sequence[tuple[str, str]]) -> str:
    return " ".join(f"{sign}{word}" for sign, word in cell) or "-"


def _file(file: FileDiff) -> str:
    lines = [f"--- {file.path_a or '/dev/null'}", f"+++ {file.path_b or '/dev/null'}"]
    for hunk in file.hunks:
        lines += [hunk.head, *_written(hunk.lines)]
    text = fenced("\n".join(lines), "diff")
    return f"{text}\n"


def _written(lines: Sequence[Line]) -> list[str]:
    return [f"{line.op}{line.text}" for line in lines]


def _hunks(view: FlipsView) -> str:
    """Return each hunk with the cases that flipped where it alone changed."""
    if not view.is_measured:
        return ""
    separate = f"To tell them apart: {code(view.separate)}\n" if view.separate else ""
    parts = [_hunk(hunk) for hunk in view.hunks] if view.are_several else []
    return joined([*parts, bullets(view.notes), separate])


def _hunk(hunk: HunkView) -> str:
    cases = [
        f"- {how}: {', '.join(code(case) for case in ids[:_NAMED])}"
        + (f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else "")
        for how, ids in (("won", hunk.won), ("lost", hunk.lost))
        if ids
    ]
    return "\n".join(
        [
            f"**{prose(hunk.title)}**",
            "",
            fenced(hunk.text, "diff"),
            "",
            f"{prose(hunk.sentence)}",
            *cases,
            "",
        ]
    )


def _flips(view: DiffView) -> Iterator[str]:
    for group in flip_groups(view.flips, view.version.b):
        yield folded(group.title, _group(group))


def _group(group: FlipGroup) -> str:
    rest = [flip.flip.case_id for flip in group.flips[_CASES:]]
    named = ", ".join(code(case) for case in rest[:_NAMED])
    more = f" and {len(rest) - _NAMED:,} more" if len(rest) > _NAMED else ""
    return joined([*map(_flip, group.flips[:_CASES]), f"{named}{more}\n" if rest else ""])


def _flip(view: FlipView) -> str:
    flip = view.flip
    on = f" on {code(flip.backend)}" if flip.backend else ""
    outputs = [
        f"- {name}: {'no answer' if text is None else passage(text)}"
        for name, text in (("before", flip.output_a), ("after", flip.output_b))
    ]
    return "\n".join([f"{code(flip.case_id)}{on}: {prose(view.scores or '-')}", "", *outputs, ""])
