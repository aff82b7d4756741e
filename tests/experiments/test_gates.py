"""Gates: what counts as one, and when a bound holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.errors import PromptlabError
from promptlab.core.types import TemplateSource
from promptlab.experiments.gates import Beats, Bound, Gate, NoWorse, check_scale, parse_gate

SCORERS = ("exact_match", "my-scorer.2")
WHERE = "suites/s.yaml:3: gates.0"
VERSIONS = {
    "mood@v1": "v1", "mood@v2": "v2", "mood@best": "v2", "mood": "v2", "my.mood-2@v1": "v1",
}  # fmt: skip


def resolve(reference: str) -> TemplateSource:
    if reference not in VERSIONS:
        raise PromptlabError(f"no version {reference!r}", hint="make one")
    version = VERSIONS[reference]
    return TemplateSource(reference.partition("@")[0], version, "", {}, f"d-{version}")


def parse(text: str, where: str = WHERE) -> Gate:
    return parse_gate(text, SCORERS, "exact_match", where, resolve)


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("exact_match >= 0.8", ("exact_match", ">=", 0.8)),
        ("exact_match>=.8", ("exact_match", ">=", 0.8)),
        ("  my-scorer.2 < -3 ", ("my-scorer.2", "<", -3.0)),
        ("exact_match > 1e-3", ("exact_match", ">", 0.001)),
        ("exact_match <= 100", ("exact_match", "<=", 100.0)),
    ],
)
def test_a_bound_is_read(text: str, gate: tuple[str, str, float]) -> None:
    assert parse(text) == Bound(text, *gate)


@pytest.mark.parametrize(
    ("text", "scorer", "better", "than"),
    [
        ("exact_match: mood@v2 > mood@v1", "exact_match", "mood@v2", "mood@v1"),
        ("exact_match: mood@v1 < mood@v2", "exact_match", "mood@v2", "mood@v1"),
        ("mood@best > mood@v1", "exact_match", "mood@best", "mood@v1"),
        (" my-scorer.2 :mood@v1>mood@v2 ", "my-scorer.2", "mood@v1", "mood@v2"),
        ("mood@v2 > my.mood-2@v1", "exact_match", "mood@v2", "my.mood-2@v1"),
    ],
)
def test_a_version_that_must_be_better_is_read(
    text: str, scorer: str, better: str, than: str
) -> None:
    assert parse(text) == Beats(text, scorer, resolve(better), resolve(than))


@pytest.mark.parametrize(
    ("text", "scorer", "baseline", "margin"),
    [
        ("no-worse mood@best by 0.02", "exact_match", "mood@best", 0.02),
        ("my-scorer.2: no-worse mood@v1 by .5", "my-scorer.2", "mood@v1", 0.5),
        ("  no-worse   mood   by  1e-2 ", "exact_match", "mood", 0.01),
    ],
)
def test_a_version_that_none_may_be_worse_than_is_read(
    text: str, scorer: str, baseline: str, margin: float
) -> None:
    assert parse(text) == NoWorse(text, scorer, resolve(baseline), margin)


@pytest.mark.parametrize(
    "text",
    ["", "exact_match", "exact_match >= ", "exact_match = 1", "exact_match >= much",
     "exact_match >= 1.2.3", "0.8 <= exact_match", "exact_match >= 80 %", "exact_match >= nan",
     "exact_match: 0.8", "mood@v2 >= mood@v1", "mood@v2 > mood@v1 > mood@v2", "mood@v2 > 0.8",
     "no-worse mood@v1", "no-worse by 0.1", "no-worse mood@v1 by -0.1", "no-worse mood@v1 by much",
     "better mood@v1 by 0.1", "mood@v2 > mood", "exact_match: > mood@v1"],
)  # fmt: skip
def test_what_is_not_a_gate_is_reported_with_its_place(text: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        parse(text)
    assert caught.value.message == f"cannot read the gate {text!r}"
    assert caught.value.where == WHERE
    assert "exact_match >= 0.8" in (caught.value.hint or "")
    assert "no-worse name@v1 by 0.02" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "text", ["exact >= 0.8", "exact: mood@v2 > mood@v1", "exact: no-worse mood@v1 by 0.1"]
)
def test_an_unknown_scorer_is_reported(text: str) -> None:
    with pytest.raises(PromptlabError, match="unknown scorer 'exact' in a gate") as caught:
        parse(text, "--gate")
    assert caught.value.where == "--gate"
    assert "exact_match" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "text", ["mood@v9 > mood@v1", "mood@v1 > mood@v9", "no-worse mood@v9 by 0.1"]
)
def test_an_unknown_version_is_reported_with_the_place_of_the_gate(text: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        parse(text)
    assert caught.value.message == "no version 'mood@v9' in a gate"
    assert (caught.value.where, caught.value.hint) == (WHERE, "make one")


def bound(sign: str, at: float) -> Bound:
    return Bound("", "s", sign, at)


@pytest.mark.parametrize("sign", [">=", "<=", ">", "<"])
def test_what_could_not_be_measured_satisfies_no_bound(sign: str) -> None:
    assert not bound(sign, 0.0).holds(None)


@given(mean=st.floats(-10, 10), at=st.floats(-10, 10))
def test_opposite_gates_never_agree(mean: float, at: float) -> None:
    assert bound(">=", at).holds(mean) is not bound("<", at).holds(mean)
    assert bound("<=", at).holds(mean) is not bound(">", at).holds(mean)
    assert (bound(">=", at).holds(mean) and bound("<=", at).holds(mean)) is (mean == at)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("exact_match >= 80", "can never hold: write 0.8 for 80 %"),
        ("exact_match > 1", "can never hold"),
        ("exact_match <= 100", "always holds: write 1 for 100 %"),
        ("exact_match >= 0", "always holds"),
        ("exact_match < 0", "can never hold"),
        ("no-worse mood@v1 by 2", "always holds: write 0.02 for 2 %"),
    ],
)
def test_per_cent_are_no_shares(text: str, told: str) -> None:
    gate = parse(text)
    with pytest.raises(PromptlabError) as caught:
        check_scale(gate, WHERE)
    what, _, meant = told.partition(": ")
    assert f"the gate {text!r} {what}" in str(caught.value)
    assert meant in str(caught.value)


def test_a_gate_of_a_suite_that_can_never_hold_is_left_to_fail() -> None:
    check_scale(parse("exact_match >= 2"), WHERE, may_fail=True)
    with pytest.raises(PromptlabError, match="always holds"):
        check_scale(parse("exact_match >= 0"), WHERE, may_fail=True)


@pytest.mark.parametrize(
    "text", ["exact_match >= 1", "exact_match > 0", "exact_match <= 0.5", "exact_match < 1"]
)
def test_a_bound_within_the_scale_may_be_meant(text: str) -> None:
    check_scale(parse(text), WHERE)
