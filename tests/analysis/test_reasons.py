"""The codes of reasons, and what each is about as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from promptlab.core.codes import Code
from promptlab.core.decision import Limits, Rule
from promptlab.core.measured import MeasuredRun
from promptlab.core.types import Json, Sampling, ScorerSpec, Sequential

from .measured_runs import (
    ABSENT,
    CLEAR,
    Cell,
    binary_scores,
    concluded,
    measured_arm,
    measured_run,
    run_info,
    versions,
    with_groups,
)

Runs = Callable[[], MeasuredRun | Sequence[MeasuredRun]]
LENIENT = Rule(limits=Limits(max_missing=0.1))


def holes(hole: Cell, *counts: int) -> MeasuredRun:
    """Return a run of 100 cases whose arms have the given numbers of holes at the end."""
    scores = [
        [hole if at >= 100 - count else score for at, score in enumerate(row)]
        for count, row in zip(counts, binary_scores(40, 5, 55), strict=True)
    ]
    return measured_run(scores)


def judged() -> MeasuredRun:
    return replace(measured_run(CLEAR), scorer=ScorerSpec("kind", "llm", "1", {}, judge=True))


def twins() -> MeasuredRun:
    arms = [measured_arm(version, digest="sha256:same") for version in ("v1", "v2")]
    return measured_run(CLEAR, arms=arms, answers=lambda arm, case, repeat: case + 1)


REFUSED: list[tuple[Runs, Rule, Code, dict[str, Json]]] = [
    (twins, Rule(), Code.SAME_ANSWERS, {}),
    (
        lambda: replace(measured_run(CLEAR), info=run_info(80, trials=90)),
        Rule(),
        Code.RUN_UNFINISHED,
        {"run": "r1", "stored": 80, "trials": 90},
    ),
    (
        lambda: replace(measured_run(CLEAR), looks=(20, 10)),
        Rule(),
        Code.LOOKED_BEFORE,
        {"after": [10, 20]},
    ),
    (
        lambda: [
            replace(measured_run(CLEAR), sequential=Sequential(0.05, ((0, 1),))),
            measured_run(CLEAR, number=2),
        ],
        Rule(),
        Code.STOPPED_FOR_ANOTHER,
        {"run": "r1"},
    ),
    (
        lambda: holes(ABSENT, 0, 3),
        Rule(),
        Code.DIFFERENT_CASES,
        {"arms": ["t@v1"], "cases": ["c97", "c98", "c99"]},
    ),
    (lambda: holes(None, 0, 3), Rule(), Code.FAILED_TRIALS, {"shares": [0.0, 0.03], "most": 0.02}),
    (
        lambda: holes(None, 1, 4),
        LENIENT,
        Code.FAILED_UNEVENLY,
        {"shares": [0.01, 0.04], "most_apart": 0.02},
    ),
    (judged, Rule(), Code.JUDGE_UNCHECKED, {"judge": "kind"}),
    (
        lambda: measured_run(binary_scores(14, 0)),
        Rule(),
        Code.TOO_FEW_CASES,
        {"cases": 14, "least": 15},
    ),
    (
        lambda: with_groups(measured_run(CLEAR), [f"g{at % 4}" for at in range(40)]),
        Rule(),
        Code.TOO_FEW_GROUPS,
        {"groups": 4, "least": 5},
    ),
    (
        lambda: with_groups(measured_run(CLEAR), ["big"] * 24 + [f"g{at}" for at in range(16)]),
        Rule(),
        Code.ONE_LARGE_GROUP,
        {"share": 0.6, "most": 0.5},
    ),
    (
        lambda: measured_run(binary_scores(5, 0, 35)),
        Rule(),
        Code.TOO_FEW_DIFFER,
        {"differing": 5, "cases": 40, "least": 6},
    ),
]


@pytest.mark.parametrize(
    ("run", "rule", "code", "about"), REFUSED, ids=[code for _, _, code, _ in REFUSED]
)
def test_a_refusal_has_as_data_what_it_is_about(
    run: Runs, rule: Rule, code: Code, about: dict[str, Json]
) -> None:
    comparison = concluded(run(), rule)
    assert (comparison.verdict, [(why.code, why.about) for why in comparison.reasons]) == (
        "refused",
        [(code, about)],
    )
    assert code.weight == "refused"


WARNED: list[tuple[Runs, Code, dict[str, Json]]] = [
    (
        lambda: measured_run(
            CLEAR, arms=[measured_arm("v1"), measured_arm("v2", sampling=Sampling(seed=3))]
        ),
        Code.SAMPLING_DIFFERS,
        {"setting": "seed", "a": ["none"], "b": ["3"]},
    ),
    (
        lambda: measured_run(CLEAR, arms=[
            replace(arm, models=frozenset({f"m-{at}"})) for at, arm in enumerate(versions(2))
        ]),
        Code.MODEL_DIFFERS,
        {"backend": "small", "a": ["m-0"], "b": ["m-1"]},
    ),
    (
        lambda: measured_run(CLEAR, arms=[
            replace(arm, fingerprints=frozenset({f"fp{at}"})) for at, arm in enumerate(versions(2))
        ]),
        Code.SERVER_DIFFERS,
        {"backend": "small", "a": ["fp0"], "b": ["fp1"]},
    ),
    (
        lambda: measured_run(CLEAR, arms=[
            replace(arm, warnings=frozenset({"seed"})) for arm in versions(2)
        ]),
        Code.NOT_HONOURED,
        {"what": "seed"},
    ),
    (
        lambda: holes(ABSENT, 0, 1),
        Code.LONE_CASES,
        {"arms": ["t@v1"], "backends": ["small"], "cases": ["c99"]},
    ),
    (lambda: replace(measured_run(CLEAR), split="dev"), Code.DEVELOPMENT_CASES, {}),
    (
        lambda: measured_run(CLEAR, cut_off=lambda arm, case: arm == 1 and case < 4),
        Code.ANSWERS_CUT_OFF,
        {"arms": ["t@v2"], "backends": ["small"], "share": 0.1},
    ),
    (lambda: measured_run(binary_scores(18, 2)), Code.EXPLORATORY, {"cases": 20}),
]  # fmt: skip


@pytest.mark.parametrize(("run", "code", "about"), WARNED, ids=[code for _, code, _ in WARNED])
def test_a_warning_has_as_data_what_it_is_about(
    run: Runs, code: Code, about: dict[str, Json]
) -> None:
    [reason] = concluded(run()).warnings
    assert (reason.code, reason.about) == (code, about)
    assert code.weight == "note"


def test_failed_trials_are_counted_and_the_difference_without_them_is_a_number() -> None:
    [reason] = concluded(holes(None, 1, 1)).warnings
    assert reason.code is Code.FAILURES_AS_ZERO
    assert reason.about == {"failed": 2, "delta_without": pytest.approx(35 / 99)}
