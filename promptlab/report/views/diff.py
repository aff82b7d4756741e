"""A diff of two versions as plain data: what its measured part is made of, and its document.

No table, no colour, no SQL.
"""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.analysis.compare import Comparison
from promptlab.templates.diff import (
    CaseDiff,
    FileDiff,
    Flip,
    MessageDiff,
    Names,
    PromptSize,
    VersionDiff,
)
from promptlab.templates.text_diff import Hunk, Line


def diff_json(
    found: VersionDiff,
    size: PromptSize | None,
    case: CaseDiff | None,
    comparisons: Sequence[Comparison] = (),
    flips: Sequence[Flip] = (),
) -> dict[str, object]:
    """Return the document that `diff --json` writes; what was not measured is not in it."""
    document: dict[str, object] = {
        "a": found.a,
        "b": found.b,
        "digest_a": found.digest_a,
        "digest_b": found.digest_b,
        "same": found.same,
        "files": [_file_json(file) for file in found.files],
        "front_matter": [{"key": row.key, "a": row.a, "b": row.b} for row in found.front_matter],
        "practices": _names_json(found.practices),
        "variables": _names_json(found.variables),
        "tokens": None if size is None else _size_json(size),
        "case": None if case is None else _case_json(case),
    }
    if comparisons:
        document["measured"] = [_comparison_json(entry) for entry in comparisons]
        document["flips"] = [_flip_json(flip) for flip in flips]
    return document


def _file_json(file: FileDiff) -> dict[str, object]:
    return {
        "path_a": file.path_a,
        "path_b": file.path_b,
        "hunks": [_hunk_json(hunk) for hunk in file.hunks],
    }


def _hunk_json(hunk: Hunk) -> dict[str, object]:
    return {
        "start_a": hunk.start_a,
        "length_a": hunk.length_a,
        "start_b": hunk.start_b,
        "length_b": hunk.length_b,
        "lines": [_line_json(line) for line in hunk.lines],
    }


def _line_json(line: Line) -> dict[str, object]:
    told: dict[str, object] = {
        "op": line.op,
        "text": line.text,
        "marks": [[*mark] for mark in line.marks],
    }
    return told if line.newline else {**told, "newline": False}


def _names_json(names: Names) -> dict[str, object]:
    return {"added": [*names.added], "dropped": [*names.dropped]}


def _size_json(size: PromptSize) -> dict[str, object]:
    return {
        "a": size.a,
        "b": size.b,
        "delta": size.delta,
        "unit": size.unit,
        "counted_by": size.counted_by,
        "suite": size.suite,
        "cases": size.cases,
    }


def _case_json(case: CaseDiff) -> dict[str, object]:
    return {
        "suite": case.suite,
        "case": case.case_id,
        "messages": [_message_json(message) for message in case.messages],
    }


def _message_json(message: MessageDiff) -> dict[str, object]:
    return {
        "role_a": message.role_a,
        "role_b": message.role_b,
        "hunks": [_hunk_json(hunk) for hunk in message.hunks],
    }


def _comparison_json(found: Comparison) -> dict[str, object]:
    return {
        "a": found.a,
        "b": found.b,
        "backend": found.backend,
        "scorer": found.scorer,
        "n": found.n,
        "mean_a": found.mean_a,
        "mean_b": found.mean_b,
        "delta": found.delta,
        "ci": None if found.ci is None else [*found.ci],
        "p_adjusted": found.p_adjusted,
        "verdict": found.verdict,
        "reason": found.reason,
        "wins": len(found.won),
        "losses": len(found.lost),
        "ties": found.ties,
    }


def _flip_json(flip: Flip) -> dict[str, object]:
    return {
        "case": flip.case_id,
        "backend": flip.backend,
        "score_a": flip.score_a,
        "score_b": flip.score_b,
        "output_a": flip.output_a,
        "output_b": flip.output_b,
    }
