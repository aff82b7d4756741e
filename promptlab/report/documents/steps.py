"""What a version changed of its parent, as JSON."""

from __future__ import annotations

from promptlab.report.documents.flips import flips_json
from promptlab.report.views.report import Step


def step_json(step: Step) -> dict[str, object]:
    """Return a step from one version to the next: its hunks with their flips, front matter, cases.

    `hunks`, `hunk_notes` and `separate` are those of `diff --json`.
    """
    version = step.diff.version
    return {
        "a": version.a,
        "b": version.b,
        "digest_a": version.digest_a,
        "digest_b": version.digest_b,
        "front_matter": [{"key": row.key, "a": row.a, "b": row.b} for row in version.front_matter],
        "won": list(step.won),
        "lost": list(step.lost),
        **flips_json(step.hunks),
    }
