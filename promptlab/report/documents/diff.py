"""The document of `diff --json`."""

from __future__ import annotations

from promptlab.core.flips import Flip
from promptlab.report.documents.contrast import comparison_json
from promptlab.report.documents.flips import flips_json
from promptlab.report.documents.reasons import reasons_json
from promptlab.report.views.diff import DiffView
from promptlab.templates.diff import CaseDiff, FileDiff, MessageDiff, Names, PromptSize
from promptlab.templates.text_diff import Hunk, Line


def diff_json(view: DiffView) -> dict[str, object]:
    """Return the document that `diff --json` writes, without what was not measured."""
    version = view.version
    document: dict[str, object] = {
        "a": version.a,
        "b": version.b,
        "digest_a": version.digest_a,
        "digest_b": version.digest_b,
        "same": version.same,
        "files": [_file_json(file) for file in version.files],
        "front_matter": [{"key": row.key, "a": row.a, "b": row.b} for row in version.front_matter],
        "practices": _names_json(version.practices),
        "variables": _names_json(version.variables),
        "tokens": None if view.size is None else _size_json(view.size.size),
        "case": None if view.case is None else _case_json(view.case.case),
    }
    if view.measured:
        document["measured"] = [
            comparison_json(each.comparison, each.open) for each in view.measured
        ]
        document["flips"] = [_flip_json(each.flip) for each in view.flips]
        document["notes"] = reasons_json(view.evidence)
    if view.hunks is not None:
        document |= flips_json(view.hunks)
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
    document: dict[str, object] = {
        "op": line.op,
        "text": line.text,
        "marks": [[*mark] for mark in line.marks],
    }
    return document if line.newline else {**document, "newline": False}


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


def _flip_json(flip: Flip) -> dict[str, object]:
    return {
        "case": flip.case_id,
        "backend": flip.backend,
        "score_a": flip.score_a,
        "score_b": flip.score_b,
        "output_a": flip.output_a,
        "output_b": flip.output_b,
    }
