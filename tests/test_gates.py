from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.errors import PromptlabError
from promptlab.gates import Gate, parse_gate

SCORERS = ("exact_match", "my-scorer.2")


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
def test_a_gate_is_read(text: str, gate: tuple[str, str, float]) -> None:
    found = parse_gate(text, SCORERS, "suites/s.yaml:3: gates.0")
    assert (found.scorer, found.sign, found.bound) == gate
    assert found.text == text


@pytest.mark.parametrize(
    "text",
    ["", "exact_match", "exact_match >= ", "exact_match = 1", "exact_match >= much",
     "exact_match >= 1.2.3", "0.8 <= exact_match", "exact_match >= 80 %", "exact_match >= nan"],
)  # fmt: skip
def test_what_is_no_gate_is_told_with_its_place(text: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        parse_gate(text, SCORERS, "suites/s.yaml:3: gates.0")
    assert caught.value.message == f"cannot read the gate {text!r}"
    assert caught.value.where == "suites/s.yaml:3: gates.0"
    assert "exact_match >= 0.8" in (caught.value.hint or "")


def test_an_unknown_scorer_is_told() -> None:
    with pytest.raises(PromptlabError, match="unknown scorer 'exact' in a gate") as caught:
        parse_gate("exact >= 0.8", SCORERS, "--gate")
    assert "exact_match" in (caught.value.hint or "")


def test_what_could_not_be_measured_keeps_no_bound() -> None:
    assert not parse_gate("exact_match >= 0", SCORERS, "--gate").holds(None)
    assert not parse_gate("exact_match <= 1", SCORERS, "--gate").holds(None)


@given(mean=st.floats(-10, 10), bound=st.floats(-10, 10))
def test_opposite_gates_never_agree(mean: float, bound: float) -> None:
    def holds(sign: str) -> bool:
        return Gate("", "s", sign, bound).holds(mean)

    assert holds(">=") is not holds("<")
    assert holds("<=") is not holds(">")
    assert (holds(">=") and holds("<=")) is (mean == bound)
