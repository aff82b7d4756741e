from __future__ import annotations

import json

from promptlab.analysis.pair import PairResults
from promptlab.core.flips import Flip
from promptlab.core.types import Message
from promptlab.report.documents.contrast import comparison_json
from promptlab.report.documents.diff import diff_json
from promptlab.report.views.diff import diff_view
from promptlab.templates.diff import CaseDiff, FileDiff, KeyDiff, Names, PromptSize, VersionDiff
from promptlab.templates.diff import diff_conversations as compare
from promptlab.templates.text_diff import diff_texts

from .test_diff_measured import measured

FOUND = VersionDiff(
    a="mood@v1",
    b="mood@v2",
    digest_a="b2:0",
    digest_b="b2:1",
    files=(FileDiff("templates/mood/v1.j2", None, diff_texts("a b\nc", "a x\nc", context=0)),),
    front_matter=(KeyDiff("sampling", {"stop": ["."]}, None),),
    practices=Names(("role",), ("clear",)),
    variables=Names((), ("name",)),
)


def test_the_document_of_a_diff() -> None:
    size = PromptSize(3.5, 5.0, "tokens", "echo", "mood", 2, 2)
    case = CaseDiff("mood", "r01", compare((Message("user", "a"),), ()))
    document = diff_json(diff_view(FOUND, size, case))
    assert json.loads(json.dumps(document)) == document
    lines = [
        {"op": "-", "text": "a b", "marks": [[2, 3]]},
        {"op": "+", "text": "a x", "marks": [[2, 3]]},
    ]
    hunk = {"start_a": 1, "length_a": 1, "start_b": 1, "length_b": 1, "lines": lines}
    gone = {
        "start_a": 1,
        "length_a": 1,
        "start_b": 0,
        "length_b": 0,
        "lines": [{"op": "-", "text": "a", "marks": []}],
    }
    assert document == {
        "a": "mood@v1",
        "b": "mood@v2",
        "digest_a": "b2:0",
        "digest_b": "b2:1",
        "same": False,
        "files": [{"path_a": "templates/mood/v1.j2", "path_b": None, "hunks": [hunk]}],
        "front_matter": [{"key": "sampling", "a": {"stop": ["."]}, "b": None}],
        "practices": {"added": ["clear"], "dropped": ["role"]},
        "variables": {"added": ["name"], "dropped": []},
        "tokens": {
            "a": 3.5,
            "b": 5.0,
            "delta": 1.5,
            "unit": "tokens",
            "counted_by": "echo",
            "suite": "mood",
            "cases": 2,
        },
        "case": {
            "suite": "mood",
            "case": "r01",
            "messages": [{"role_a": "user", "role_b": None, "hunks": [gone]}],
        },
    }


def test_a_line_shows_that_its_newline_is_missing() -> None:
    [hunk] = diff_texts("a\n", "a")
    file = FileDiff("x", "y", (hunk,))
    versions = VersionDiff("a", "b", "0", "1", (file,), (), *[Names((), ())] * 2)
    document = diff_json(diff_view(versions, None, None))
    assert json.loads(json.dumps(document))["files"][0]["hunks"][0]["lines"] == [
        {"op": "-", "text": "a", "marks": []},
        {"op": "+", "text": "a", "marks": [], "newline": False},
    ]
    assert (document["tokens"], document["case"]) == (None, None)


def test_what_was_measured_is_in_the_document() -> None:
    flips = [Flip("x1", 1.0, 0.0, "yes", None, "smollm2")]
    document = diff_json(
        diff_view(FOUND, None, None, PairResults([measured(), measured(ci=None)], flips))
    )
    first, second = json.loads(json.dumps(document))["measured"]
    assert first == {
        **comparison_json(measured(), None),
        "a": "mood@v1",
        "b": "mood@v3",
        "scorer": "label",
        "delta": 0.569,
        "verdict": "better",
    }
    assert second["ci"] is None
    assert document["flips"] == [
        {
            "case": "x1",
            "backend": "smollm2",
            "score_a": 1.0,
            "score_b": 0.0,
            "output_a": "yes",
            "output_b": None,
        }
    ]
