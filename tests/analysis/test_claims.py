"""No sentence is wider than its randomness: what was drawn, and what is named."""

from __future__ import annotations

import pytest

from promptlab.analysis.claims import Claim, of_practice
from promptlab.core.decision import Verdict


def test_versions_are_named_and_need_no_scope() -> None:
    claim = Claim()
    assert claim.to_json() == {"cases": "random", "wordings": "named", "models": "named"}
    assert claim.verdict("better") == "better"


@pytest.mark.parametrize(
    ("with_it", "without", "text"),
    [
        (1, 1, "better (this wording)"),
        (1, 9, "better (this wording)"),
        (9, 2, "better (these wordings)"),
        (2, 2, "better (these wordings)"),
        (3, 3, "better"),
        (8, 4, "better"),
    ],
)
def test_a_practice_is_as_wide_as_its_wordings(with_it: int, without: int, text: str) -> None:
    claim = of_practice(with_it, without)
    assert claim.verdict("better") == text
    assert (claim.wordings == "random") == (claim.scope is None)


@pytest.mark.parametrize("verdict", ["undecided", "refused"])
def test_what_is_no_verdict_needs_no_scope(verdict: Verdict) -> None:
    assert of_practice(1, 1).verdict(verdict) == verdict


def test_models_are_drawn_where_they_are_asked_for_in_general() -> None:
    assert of_practice(3, 3, models="random").to_json()["models"] == "random"
