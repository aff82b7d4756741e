"""No sentence is wider than its randomness: what was drawn, and what is named."""

from __future__ import annotations

import pytest

from promptlab.analysis.claims import Claim, of_practice


def test_versions_are_named_and_need_no_scope() -> None:
    claim = Claim()
    assert claim.to_json() == {"cases": "random", "wordings": "named", "models": "named"}
    assert claim.said("better") == "better"


@pytest.mark.parametrize(
    ("texts", "drawn", "text"),
    [
        (1, False, "better (this wording)"),
        (2, False, "better (these wordings)"),
        (9, False, "better (these wordings)"),
        (3, True, "better"),
    ],
)
def test_a_practice_is_as_wide_as_its_wordings(texts: int, drawn: bool, text: str) -> None:
    claim = of_practice(texts, drawn=drawn)
    assert claim.said("better") == text
    assert (claim.wordings == "random") == (claim.scope is None)


@pytest.mark.parametrize("verdict", ["undecided", "refused", "no verdict"])
def test_what_is_no_verdict_needs_no_scope(verdict: str) -> None:
    assert of_practice(1, drawn=False).said(verdict) == verdict
