"""Whether an output holds anything to grade, what was found in it, and what would be right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from promptlab.core.types import Json, Score
from promptlab.scorers.running import score_of

from .conftest import Grade

COLOURS = {"labels": ["red", "blue"]}


@pytest.mark.parametrize(
    ("name", "output", "expect", "params", "told"),
    [
        ("label", "It is Red.", "red", COLOURS, (True, "red", "red")),
        ("label", "blue", "red", COLOURS, (True, "blue", "red")),
        ("label", "The colour of the sky", "red", COLOURS, (False, None, "red")),
        ("label", "red and blue", "red", COLOURS, (False, None, "red")),
        ("label", "not red", "red", COLOURS, (False, None, "red")),
        ("label", "", "red", COLOURS, (False, None, "red")),
        ("numeric", "so 1,200", 1200, {}, (True, "1200", "1200")),
        ("numeric", "0.50", "1/2", {}, (True, "1/2", "1/2")),
        ("numeric", "many", 3, {}, (False, None, "3")),
        ("numeric", "12:30", 3, {}, (False, None, "3")),
        ("numeric", "1 or 2", 3, {"which": "only"}, (False, None, "3")),
        ("json_schema", "[1", None, {"schema": {}}, (False, None, None)),
        ("json_schema", "[1]", None, {"schema": {"type": "object"}}, (True, None, None)),
        ("regex", "#b", "a", {"pattern": "#(.)", "group": 1, "target": "a"}, (True, "b", "a")),
        ("regex", "b", "a", {"pattern": "#(.)", "group": 1, "target": "a"}, (False, None, "a")),
        ("regex", "b", None, {"pattern": "a"}, (None, None, None)),
        ("exact_match", " no ", "yes", {}, (None, "no", "yes")),
        ("exact_match", "no", ["yes", "sure"], {}, (None, "no", None)),
        ("exact_match", "word " * 20, "yes", {}, (None, None, "yes")),
        ("exact_match", "", "yes", {}, (None, None, "yes")),
        ("contains", "no", None, {"any": "yes"}, (None, None, None)),
    ],
)
def test_what_a_scorer_tells_beside_the_score(
    grade: Grade,
    name: str,
    output: str,
    expect: Json,
    params: dict[str, Any],
    told: tuple[bool | None, str | None, str | None],
) -> None:
    score = grade(name, output, expect, **params)
    assert (score.gradable, score.found, score.expected) == told
    assert score.gradable is not False or score.value == 0


def test_long_numbers_are_told_apart(grade: Grade) -> None:
    long, same, other = (
        grade("numeric", number, 3) for number in ("7" * 60, f"{'7' * 60}.0", "8" * 60)
    )
    assert long.gradable
    assert long.found == same.found != other.found


def test_what_cannot_be_told_is_not_gradable_either(grade: Grade) -> None:
    score = grade("length", "這是一句話", min=2, max=3)
    assert (score.value, score.gradable) == (None, False)


@pytest.mark.parametrize(
    ("given", "gradable"),
    [(False, False), (True, True), (None, None), (np.False_, False), (1, True)],
)
def test_a_scorer_of_ones_own_can_tell_too(given: Any, gradable: bool | None) -> None:
    assert score_of(Score(0.0, False, gradable=given)).gradable is gradable


def test_a_scorer_that_finds_no_text_fails() -> None:
    score = score_of(Score(1.0, found=3))  # type: ignore[arg-type]
    assert score.value is None
    assert "is not a text" in str(score.error)
