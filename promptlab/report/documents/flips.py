"""The hunks between two versions in the document of `diff --json`, each with its flips."""

from __future__ import annotations

from promptlab.analysis.hunk_flips import Flipped
from promptlab.report.views.flips import FlipsView, HunkView, PassageView


def flips_json(view: FlipsView) -> dict[str, object]:
    """Return the hunks, what is said of them all, and the command that tells them apart."""
    return {
        "hunks": [_hunk_json(hunk) for hunk in view.hunks],
        "hunk_notes": [*view.notes],
        "separate": view.separate,
    }


def _hunk_json(hunk: HunkView) -> dict[str, object]:
    return {
        "hunk": hunk.number,
        "lines": [_passage_json(passage) for passage in hunk.passages],
        "text": hunk.text,
        "silent": hunk.silent,
        "won": [*hunk.won],
        "lost": [*hunk.lost],
        "measured": [_measured_json(flips) for flips in hunk.flips] or None,
        "sentence": hunk.sentence,
    }


def _passage_json(passage: PassageView) -> dict[str, object]:
    return {
        "file": None if passage.key is not None else passage.file,
        "key": passage.key,
        "first": passage.first,
        "last": passage.last,
    }


def _measured_json(flips: Flipped) -> dict[str, object]:
    return {
        "a": flips.a,
        "b": flips.b,
        "backend": flips.backend,
        "scorer": flips.scorer,
        "runs": [*flips.runs],
        "cases": flips.cases,
        "won": [*flips.won],
        "lost": [*flips.lost],
    }
