"""What a version changed of its parent, as JSON."""

from __future__ import annotations

from promptlab.report.views.report import Step
from promptlab.templates.diff import FileDiff
from promptlab.templates.text_diff import Hunk


def step_json(step: Step) -> dict[str, object]:
    """Return a step from one version to the next: hunks, front matter, cases won and lost."""
    version = step.diff.version
    return {
        "a": version.a,
        "b": version.b,
        "digest_a": version.digest_a,
        "digest_b": version.digest_b,
        "files": [_file_json(file) for file in version.files],
        "front_matter": [{"key": row.key, "a": row.a, "b": row.b} for row in version.front_matter],
        "won": list(step.won),
        "lost": list(step.lost),
    }


def _file_json(file: FileDiff) -> dict[str, object]:
    hunks = [_hunk_json(hunk) for hunk in file.hunks]
    return {"path_a": file.path_a, "path_b": file.path_b, "hunks": hunks}


def _hunk_json(hunk: Hunk) -> dict[str, object]:
    return {
        "start_a": hunk.start_a,
        "length_a": hunk.length_a,
        "start_b": hunk.start_b,
        "length_b": hunk.length_b,
        "lines": [{"op": line.op, "text": line.text} for line in hunk.lines],
    }
