# ruff: noqa: RUF001  # odd characters are what is tested
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Case, Json, Outcome, Score
from promptlab.scorers.builtin.text import exact_match
from promptlab.scorers.sample import Sample

Grade = Callable[..., Score]


def sample(output: str) -> Sample:
    return Sample(output, Case("c", {}, None, (), None, "b2:0"), Outcome.OK)


@pytest.mark.parametrize(
    ("output", "expect", "params", "passed"),
    [
        ("yes", "yes", {}, True),
        (" yes\n", "yes", {}, True),
        ("yes", " yes ", {}, True),
        ("Yes", "yes", {}, False),
        ("Yes", "yes", {"ignore_case": True}, True),
        ("STRASSE", "straße", {"ignore_case": True}, True),
        ("yes.", "yes", {}, False),
        ("“Yes, sir!”", "yes sir", {"ignore_case": True, "ignore_punctuation": True}, True),
        ("a  b\nc", "a b c", {}, False),
        ("a  b\nc", "a b c", {"ignore_space": True}, True),
        ("ab", "a b", {"ignore_space": True}, False),
        ("b", ["a", "b"], {}, True),
        ("c", ["a", "b"], {}, False),
        ("5", 5, {}, True),
        ("5.0", 5, {}, False),
        ("0.5", 0.5, {}, True),
        ("caf\u00e9", "cafe\u0301", {}, True),
        ("", "", {}, True),
        ("", "a", {}, False),
        ("a", [], {}, False),
    ],
)
def test_exact_match(
    grade: Grade, output: str, expect: Json, params: dict[str, Any], passed: bool
) -> None:
    assert grade("exact_match", output, expect, **params).passed is passed


@given(st.text(), st.text(alphabet=" \t\n"))
def test_exact_match_finds_any_text_within_white_space(text: str, space: str) -> None:
    assert exact_match(sample(space + text + space), target=text).passed


@given(st.text(), st.text())
def test_exact_match_is_symmetric(one: str, other: str) -> None:
    found, mirrored = (
        exact_match(sample(said), target=wanted) for said, wanted in ((one, other), (other, one))
    )
    assert found.passed is mirrored.passed


@given(st.text(alphabet="ab ,.", min_size=1), st.booleans(), st.booleans())
def test_ignoring_more_never_loses_a_match(text: str, space: bool, punctuation: bool) -> None:
    assert exact_match(
        sample(text.upper()),
        target=text,
        ignore_case=True,
        ignore_space=space,
        ignore_punctuation=punctuation,
    )


@pytest.mark.parametrize(
    ("output", "params", "passed", "reason"),
    [
        ("a red fox", {"any": ["red", "blue"]}, True, None),
        ("a fox", {"any": ["red", "blue"]}, False, "has none of 'red', 'blue'"),
        ("a fox", {"any": []}, False, "has none of "),
        ("a red fox", {"all": ["red", "fox"]}, True, None),
        ("a red fox", {"all": ["red", "dog", 7]}, False, "lacks 'dog', '7'"),
        ("a red fox", {"all": "fox"}, True, None),
        ("a red fox", {"not": "dog"}, True, None),
        ("a red fox", {"not": ["dog", "fox"]}, False, "has 'fox'"),
        ("A RED FOX", {"all": "red fox"}, False, "lacks 'red fox'"),
        ("A RED FOX", {"all": "red fox", "ignore_case": True}, True, None),
        ("a fox", {"any": "fox", "all": "a", "not": "dog"}, True, None),
        ("a fox", {"any": "fox", "all": "a", "not": "fox"}, False, "has 'fox'"),
        ("42", {"any": 42}, True, None),
    ],
)
def test_contains(
    grade: Grade, output: str, params: dict[str, Any], passed: bool, reason: str | None
) -> None:
    score = grade("contains", output, **params)
    assert (score.value, score.passed, score.reason) == (float(passed), passed, reason)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "scorer 'contains': one of 'any', 'all' and 'not' must be given"),
        ({"ignore_case": True}, "one of 'any', 'all' and 'not'"),
        ({"any": ["a", ""]}, "an empty text is in every output"),
        ({"not_": "a"}, "unknown parameter 'not_' (did you mean 'not'?)"),
    ],
)
def test_contains_refuses(grade: Grade, params: dict[str, Any], message: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        grade("contains", "x", **params)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("output", "params", "passed", "reason"),
    [
        ("order 66", {"pattern": r"\d+"}, True, "matched '66'"),
        ("order", {"pattern": r"\d+"}, False, "no match"),
        (" 66\n", {"pattern": r"\d+", "full": True}, True, "matched '66'"),
        ("66 a", {"pattern": r"\d+", "full": True}, False, "no match"),
        ("Answer: B", {"pattern": r"Answer: (\w)", "group": 1, "target": "B"}, True, "found 'B'"),
        ("Answer: B", {"pattern": r"Answer: (\w)", "group": 1, "target": "A"}, False, "found 'B'"),
        ("x=1", {"pattern": r"x=(?P<x>\d)", "group": "x", "target": [1, 2]}, True, "found '1'"),
        ("b", {"pattern": "(a)?b", "group": 1, "target": "a"}, False, "found ''"),
        ("YES", {"pattern": "(?i)yes"}, True, "matched 'YES'"),
        ("", {"pattern": "^$"}, True, "matched ''"),
    ],
)
def test_regex(
    grade: Grade, output: str, params: dict[str, Any], passed: bool, reason: str
) -> None:
    score = grade("regex", output, **params)
    assert (score.value, score.passed, score.reason) == (float(passed), passed, reason)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "scorer 'regex' needs the parameter 'pattern'"),
        ({"pattern": "("}, "parameter 'pattern': '(' is not a regular expression: missing )"),
        ({"pattern": "a{9999999999999999999}"}, "is not a regular expression"),
        ({"pattern": "a", "group": 1}, "the pattern has no group 1"),
        ({"pattern": "(?P<x>a)", "group": "y"}, "the pattern has no group 'y'"),
        ({"pattern": "a", "timeout": 0}, "parameter 'timeout': input should be greater than 0"),
    ],
)
def test_regex_refuses(grade: Grade, params: dict[str, Any], message: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        grade("regex", "x", **params)
    assert message in str(caught.value)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(a|b|ab)*c"])
def test_no_pattern_hangs_a_run(grade: Grade, pattern: str) -> None:
    start = time.perf_counter()
    score = grade("regex", "a" * 80 + "!", pattern=pattern, timeout=0.2)
    assert time.perf_counter() - start < 10
    assert score.passed is not True


def test_a_pattern_over_its_time_is_a_failed_score(grade: Grade) -> None:
    score = grade("regex", "a" * 80 + "!", pattern="(a|aa)+$", timeout=0.05)
    assert score == Score(None, error="TimeoutError: the pattern took longer than 0.05 s")


POLAR = ["positive", "negative", "neutral"]


@pytest.mark.parametrize(
    ("output", "label"),
    [
        # the whole answer is the label
        ("positive", "positive"),
        ("  **Positive**.\n", "positive"),
        ("- positive", "positive"),
        ("## Positive", "positive"),
        ("“POSITIVE!”", "positive"),
        # one label in a wordy answer
        ("The review sounds positive to me.", "positive"),
        ("I'd say it's positive, very positive.", "positive"),
        ("(positive)", "positive"),
        ("positive: the author liked it", "positive"),
        # a word that only holds a label
        ("It shows positivity.", None),
        ("The mood is non-positive.", None),
        ("positive-ish", None),
        ("That is electro-negative.", None),
        # two labels decide nothing
        ("positive or negative", None),
        ("positive\nnegative\nneutral", None),
        ("Answer: positive or negative", None),
        # a marker decides
        ("Some parts are negative.\nAnswer: positive", "positive"),
        (
            "It could be negative or neutral. Label: positive. The negative parts are few.",
            "positive",
        ),
        (
            "**Answer:** **negative**, though some would say positive?\nSentiment: negative",
            "negative",
        ),
        ("Not negative at all.\nFinal answer is: positive", "positive"),
        ("The sentiment is positive. Negative points: none.", "positive"),
        ("negative, positive... Answer:\npositive", "positive"),
        ("Answer: negative\nOn second thought.\nAnswer: positive", "positive"),
        (
            "Answer: positive\nLabel: see above. It's not neutral, negative was an option",
            "positive",
        ),
        # a last or a first line that is nothing but a label
        ("Not good, negative tone, positive end.\n\nneutral", "neutral"),
        ("Positive\n\nThe author lists negative points but praises the plot.", "positive"),
        (
            "Draft: negative, then positive.\nnegative\nOn reflection it is kind.\npositive",
            "positive",
        ),
        ("positive\npositive", "positive"),
        ("Pick one, positive or negative:\npositive\nnegative", None),
        # a negation is passed over, never turned round
        ("not positive", None),
        ("It is not positive but negative.", "negative"),
        ("This isn't really positive.", None),
        ("It isn’t a positive review", None),
        ("neither positive nor negative", None),
        ("Neutral: neither positive nor negative", "neutral"),
        ("negative rather than positive", "negative"),
        ("Answer: not positive", None),
        ("not bad, positive", "positive"),
        ("not only bad but positive", "positive"),
        # nothing to find
        ("", None),
        ("***", None),
        ("I cannot tell.", None),
    ],
)
def test_label_finds_the_one_label(grade: Grade, output: str, label: str | None) -> None:
    for target in POLAR:
        score = grade("label", output, target, labels=POLAR)
        assert score.passed is (target == label), score.reason


@pytest.mark.parametrize(
    ("output", "labels", "params", "label"),
    [
        ("It is very good", ["good", "very good"], {}, "very good"),
        ("It is not very good", ["good", "very good"], {}, None),
        ("C++ is meant", ["C", "C++", "C#"], {}, "C++"),
        ("I use C# here", ["C", "C++", "C#"], {}, "C#"),
        ("C#", ["C", "C++", "C#"], {}, "C#"),
        ("A good case for B", ["A", "B"], {"ignore_case": False}, None),
        ("A good case.\nAnswer: B", ["A", "B"], {}, "B"),
        ("a good case for B", ["A", "B"], {"ignore_case": False}, "B"),
        ("B) because", ["A", "B"], {}, "B"),
        ("I rate it 4 of many", [1, 2, 3, 4, 5], {}, 4),
        ("n/a", ["N/A", "yes"], {}, "N/A"),
        ("Bewertung: süß", ["SÜSS", "sauer"], {}, "SÜSS"),
    ],
)
def test_label_with_other_labels(
    grade: Grade, output: str, labels: list[Any], params: dict[str, Any], label: object
) -> None:
    for target in labels:
        score = grade("label", output, target, labels=labels, **params)
        assert score.passed is (target == label), score.reason


def test_label_says_what_it_found(grade: Grade) -> None:
    assert grade("label", "negative", "positive", labels=POLAR).reason == "found 'negative'"
    assert grade("label", "hm", "positive", labels=POLAR).reason == "found no label"
    both = grade("label", "positive or negative", "positive", labels=POLAR)
    assert both.reason == "found 'negative', 'positive'"


@pytest.mark.parametrize(
    ("params", "expect", "message"),
    [
        ({}, "a", "scorer 'label' needs the parameter 'labels'"),
        ({"labels": ["a"]}, "a", "at least 2 items"),
        ({"labels": ["a", "A"]}, "a", "two of the labels 'a', 'A' read the same"),
        ({"labels": ["a", "?"]}, "a", "a label must be more than punctuation"),
        ({"labels": ["a", "b"]}, "c", "case 'c1': the target 'c' is not one of the labels"),
        ({"labels": ["a", "b"], "ignore_case": False}, "A", "is not one of the labels"),
        ({"labels": [True, False]}, "yes", "in quotes"),
    ],
)
def test_label_refuses(grade: Grade, params: dict[str, Any], expect: str, message: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        grade("label", "a", expect, **params)
    assert message in str(caught.value)


@given(st.text(alphabet="xyz .,\n"), st.sampled_from(POLAR))
def test_label_is_found_wherever_it_stands(grade: Grade, filler: str, label: str) -> None:
    score = grade("label", f"{filler} {label} {filler}", label, labels=POLAR)
    assert score.passed
