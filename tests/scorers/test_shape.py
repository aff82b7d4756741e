# ruff: noqa: RUF001  # odd characters are what is tested
from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Score

Grade = Callable[..., Score]


@pytest.mark.parametrize(
    ("unit", "text", "count"),
    [
        ("words", "", 0),
        ("words", "one two  three\nfour", 4),
        ("words", "well-known isn't 3.5", 3),
        ("words", "- one\n* two — three", 3),
        ("words", "naïve café", 2),
        ("characters", "", 0),
        ("characters", "  abc\n", 3),
        ("characters", "a b", 3),
        ("sentences", "", 0),
        ("sentences", "\n \n", 0),
        ("sentences", "no full stop", 1),
        ("sentences", "One. Two! Three? Four… Five", 5),
        ("sentences", "Dr. Smith met J. Doe, e.g. Saturday.", 1),
        ("sentences", "He said “Stop!” Then he left.", 2),
        ("sentences", "“Stop!” he said.", 1),
        ("sentences", "Version 3.5 is out. Good.", 2),
        ("sentences", "Really?! Yes...", 2),
        ("sentences", "A line\nthat goes on. And on.", 2),
        ("sentences", "- first\n- second\n1. Third item\n\nA close", 4),
        ("sentences", "良い。とても良い！", 2),
    ],
)
def test_length_counts(grade: Grade, unit: str, text: str, count: int) -> None:
    score = grade("length", text, unit=unit)
    assert score == Score(float(count), None, f"{count} {unit}")


@pytest.mark.parametrize(
    ("bounds", "passed"),
    [
        ({"min": 3}, True),
        ({"min": 4}, False),
        ({"max": 3}, True),
        ({"max": 2}, False),
        ({"min": 3, "max": 3}, True),
        ({"min": 0, "max": 0}, False),
    ],
)
def test_length_judges(grade: Grade, bounds: dict[str, int], passed: bool) -> None:
    score = grade("length", "one two three", **bounds)
    assert score == Score(float(passed), passed, "3 words")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"min": 3, "max": 2}, "scorer 'length': 'min' 3 is above 'max' 2"),
        ({"min": -1}, "parameter 'min': input should be greater than or equal to 0, not -1"),
        ({"min": "3"}, "parameter 'min': input should be a valid integer, not '3'"),
        ({"unit": "lines"}, "parameter 'unit': input should be 'words', 'sentences' or 'char"),
    ],
)
def test_length_refuses(grade: Grade, params: dict[str, Any], message: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        grade("length", "x", **params)
    assert message in str(caught.value)


LIST = "- one\n- two\n  more of two\n  - two a\n\n- three"


@pytest.mark.parametrize(
    ("text", "bullets", "reason"),
    [
        (LIST, True, None),
        ("  * one\n  * two", True, None),
        ("  - one\n- two", True, None),
        ("1. one\n2) two", True, None),
        ("• one", True, None),
        ("Here:\n- one", True, "1 lines outside of the list"),
        ("- one\ntwo", True, "1 lines outside of the list"),
        ("-one", True, "1 lines outside of the list"),
        ("**bold**", True, "1 lines outside of the list"),
        ("", True, "0 items in the list"),
        (LIST, {"min": 3, "max": 3}, None),
        (LIST, {"min": 4}, "3 items in the list"),
        (LIST, {"max": 2}, "3 items in the list"),
        ("plain text - with a dash", False, None),
        ("3.5 is a number", False, None),
        ("text\n- one", False, "1 items of a list"),
    ],
)
def test_format_bullets(
    grade: Grade, text: str, bullets: bool | dict[str, int], reason: str | None
) -> None:
    score = grade("format", text, bullets=bullets)
    assert score == Score(float(reason is None), reason is None, reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("one", None), ("\n one two \n", None), ("one\ntwo", "2 lines"), ("", "0 lines")],
)
def test_format_one_line(grade: Grade, text: str, reason: str | None) -> None:
    score = grade("format", text, one_line=True)
    assert score == Score(float(reason is None), reason is None, reason)


def test_format_tells_of_every_problem(grade: Grade) -> None:
    score = grade("format", "a\nb", bullets=True, one_line=True)
    assert score.reason == "2 lines outside of the list; 2 lines"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "language", "reason"),
    [
        ("The weather is lovely today, so we walked to the sea.", "en", None),
        ("Das Wetter ist heute schön, also gingen wir ans Meer.", "de", None),
        ("Das Wetter ist heute schön.", "en", "written in de"),
        ("12345", "en", "written in no known language"),
        ("", "en", "written in no known language"),
    ],
)
def test_format_language(grade: Grade, text: str, language: str, reason: str | None) -> None:
    assert grade("format", text, language=language).reason == reason


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "scorer 'format': one of 'bullets', 'one_line' and 'language' must be given"),
        ({"bullets": "three"}, "must be bool | Bounds | None, not 'three'"),
        ({"bullets": {"min": 3, "max": 2}}, "parameter 'bullets': 'min' 3 is above 'max' 2"),
        ({"bullets": {"min": 3, "mx": 4}}, "parameter 'bullets': mx: extra inputs are not"),
        ({"language": "english"}, "unknown language 'english'"),
    ],
)
def test_format_refuses(grade: Grade, params: dict[str, Any], message: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        grade("format", "x", **params)
    assert message in str(caught.value)


WITHOUT_LINGUA = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "lingua":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
from promptlab.core.errors import PromptlabError
from promptlab.scorers.binding import bind

bind([{"format": {"one_line": True}}])
try:
    bind([{"format": {"language": "en"}}])
except PromptlabError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_missing_language_detector_is_reported_when_the_suite_is_read() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LINGUA], capture_output=True, text=True, check=True
    )
    assert "parameter 'language': the language of a text needs the package" in done.stdout
    assert 'pip install "lingua-language-detector>=' in done.stdout
