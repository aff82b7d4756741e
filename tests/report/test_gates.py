"""Gates as data."""

from __future__ import annotations

import json

import pytest

from promptlab.core.codes import Code
from promptlab.core.types import TemplateSource
from promptlab.experiments.gates import Beats, Bound, Gate, NoWorse
from promptlab.report.documents.gates import gates_json
from promptlab.report.views.gates import Finding, finding_of, gate_view, judge_bound

from .conclusions import build_comparison, build_reason
from .conftest import build_outcomes, build_scores, build_view

TEXT = TemplateSource("mood", "v1", "text", {}, "b2:0")


def test_a_bound_is_judged_arm_by_arm() -> None:
    outcomes = [build_outcomes(arm, ok=100) for arm in range(3)]
    scores = [build_scores(0, "exact_match", 0.9), build_scores(1, "exact_match", 0.5)]
    gate = judge_bound(Bound("exact_match >= 0.8", "exact_match", ">=", 0.8),
                       build_view(outcomes, scores))  # fmt: skip
    assert not gate.holds
    assert [(each.arm, each.backend, each.mean) for each in gate.findings] == [
        ("sentiment@v2 on smollm2", "smollm2", 0.5),
        ("sentiment@v3 on smollm2", "smollm2", None),
    ]
    assert gate.lines == (
        "exact_match >= 0.8: sentiment@v2 on smollm2 has 0.5",
        "exact_match >= 0.8: sentiment@v3 on smollm2 has no score",
    )


def test_a_gate_without_findings_holds() -> None:
    outcomes, scores = [build_outcomes(0, ok=100)], [build_scores(0, "exact_match", 0.9)]
    gate = judge_bound(Bound("exact_match >= 0.8", "exact_match", ">=", 0.8),
                       build_view(outcomes, scores))  # fmt: skip
    assert (gate.holds, gate.lines) == (True, ())


def test_a_comparison_against_a_gate_keeps_its_numbers_and_reasons() -> None:
    few = build_reason(Code.TOO_FEW_CASES, "3 cases are too few: at least 15")
    worse = finding_of(build_comparison(verdict="worse", delta=-0.1, ci=(-0.2, -0.05)))
    refused = finding_of(build_comparison(verdict="refused", reasons=(few,)))
    assert (worse.text, worse.verdict, worse.delta, worse.ci) == (
        "mood@v2 on small is worse, -10.0 points, interval -20.0 to -5.0",
        "worse",
        -0.1,
        (-0.2, -0.05),
    )
    assert refused.text == f"mood@v2 on small is refused: {few.text}"
    assert refused.reasons == (few,)


@pytest.mark.parametrize(
    ("gate", "kind"),
    [
        (Bound("a >= 1", "a", ">=", 1.0), "bound"),
        (Beats("a: x@v2 > x@v1", "a", TEXT, TEXT), "better"),
        (NoWorse("no-worse x@v1 by 0.1", "a", TEXT, 0.1), "no-worse"),
    ],
)
def test_the_document_says_of_every_gate_whether_it_holds(gate: Gate, kind: str) -> None:
    failed = gate_view(gate, [Finding("no backend ran both")])
    document = gates_json([failed, gate_view(gate, [])])
    assert [(entry["kind"], entry["holds"]) for entry in document] == [(kind, False), (kind, True)]
    assert json.loads(json.dumps(document)) == document
    assert failed.lines == (f"{gate.text}: no backend ran both",)
