"""Gates as data."""

from __future__ import annotations

import json

import pytest

from promptlab.analysis.judged import Judged
from promptlab.core.codes import Code
from promptlab.core.types import TemplateSource
from promptlab.experiments.gates import Beats, Bound, Gate, NoWorse
from promptlab.report.documents.gates import gates_json
from promptlab.report.views.gates import gate_view

from .conclusions import build_comparison, build_reason
from .conftest import build_plan

TEXT = TemplateSource("mood", "v1", "text", {}, "b2:0")
BOUND = Bound("exact >= 0.8", "exact", ">=", 0.8)
NO_WORSE = NoWorse("no-worse mood@v1 by 0.1", "exact", TEXT, 0.1)


def test_an_arm_that_misses_a_bound_comes_with_its_mean() -> None:
    _, second, third = build_plan(arms=3).arms
    gate = gate_view(Judged(BOUND, means=((second, 0.5), (third, None))))
    assert not gate.holds
    assert [(each.arm, each.backend, each.mean) for each in gate.findings] == [
        ("sentiment@v2 on smollm2", "smollm2", 0.5),
        ("sentiment@v3 on smollm2", "smollm2", None),
    ]
    assert gate.lines == (
        "exact >= 0.8: sentiment@v2 on smollm2 has 0.5",
        "exact >= 0.8: sentiment@v3 on smollm2 has no score",
    )


def test_an_arm_with_too_many_trials_without_a_score_fails_a_bound() -> None:
    arm = build_plan(arms=1).arms[0]
    gate = gate_view(Judged(BOUND, unscored=((arm, 0.03),)))
    assert not gate.holds
    assert gate.lines == (
        "exact >= 0.8: 3.0 % of the trials of sentiment@v1 on smollm2 have no score",
    )


def test_a_comparison_against_a_gate_keeps_its_numbers_and_reasons() -> None:
    few = build_reason(Code.TOO_FEW_CASES, "3 cases are too few: at least 15")
    comparisons = (
        build_comparison(verdict="worse", delta=-0.1, ci=(-0.2, -0.05)),
        build_comparison(verdict="refused", reasons=(few,)),
    )
    worse, refused = gate_view(Judged(NO_WORSE, comparisons=comparisons)).findings
    assert (worse.text, worse.verdict, worse.delta, worse.ci) == (
        "mood@v2 on small is worse, -10.0 points, interval -20.0 to -5.0",
        "worse",
        -0.1,
        (-0.2, -0.05),
    )
    assert refused.text == f"mood@v2 on small has no verdict: {few.text}"
    assert refused.reasons == (few,)


@pytest.mark.parametrize(
    ("gate", "kind"),
    [
        (BOUND, "bound"),
        (Beats("exact: mood@v2 > mood@v1", "exact", TEXT, TEXT), "better"),
        (NO_WORSE, "no-worse"),
    ],
)
def test_the_document_says_of_every_gate_whether_it_holds(gate: Gate, kind: str) -> None:
    failed = gate_view(Judged(gate, problem="no backend ran both"))
    document = gates_json([failed, gate_view(Judged(gate))])
    assert [(entry["kind"], entry["holds"]) for entry in document] == [(kind, False), (kind, True)]
    assert json.loads(json.dumps(document)) == document
    assert failed.lines == (f"{gate.text}: no backend ran both",)


def test_each_kind_of_gate_shows_the_interval_that_decides_it() -> None:
    open_ = build_comparison(
        verdict="undecided", delta=0.1, ci=(0.01, 0.2), ci_simultaneous=(-0.05, 0.25)
    )
    beats = Beats("mood@v2 > mood@v1", "exact", TEXT, TEXT)
    for gate, interval in ((beats, "-5.0 to +25.0"), (NO_WORSE, "+1.0 to +20.0")):
        [finding] = gate_view(Judged(gate, comparisons=(open_,))).findings
        assert finding.text.endswith(f"is undecided, +10.0 points, interval {interval}")
        assert (finding.ci, finding.ci_simultaneous) == ((0.01, 0.2), (-0.05, 0.25))
