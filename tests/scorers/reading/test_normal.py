# ruff: noqa: RUF001  # odd characters are what is tested
from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.types import Score
from promptlab.scorers.reading.normal import folded, names_invisible, normal, normal_json
from promptlab.scorers.reading.punctuation import without_punctuation

Grade = Callable[..., Score]

INVISIBLE = {
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "Arabic letter mark": "\u061c",
    "selector of a variant": "\ufe0f",
    "filler of Hangul": "\u3164",
    "tag": "\U000e0041",
    "annotation": "\ufff9",
}

# A scorer that reads text, with an answer that passes.
READERS: dict[str, tuple[str, dict[str, Any]]] = {
    "exact_match": ("Café au lait", {"target": "Café au lait"}),
    "contains": ("Un café, merci", {"all": ["café", "merci"], "not": "thé"}),
    "regex": ("Un café, merci", {"pattern": "^Un café", "target": "Un café"}),
    "label": ("Un café, merci", {"labels": ["café", "thé"], "target": "café"}),
    "json_schema": ('{"café": "crème"}', {"schema": {"properties": {"café": {"const": "crème"}}}}),
    "numeric": ("Un café à 2,50", {"target": 2.5, "decimal": ","}),
    "length": ("Un café à emporter", {"unit": "characters", "min": 18, "max": 18}),
    "format": ("- café\n- thé", {"bullets": {"min": 2, "max": 2}}),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("char", INVISIBLE.values(), ids=INVISIBLE.keys())
def test_no_scorer_sees_what_is_invisible(grade: Grade, name: str, char: str) -> None:
    output, params = READERS[name]
    places = [0, 3, len(output) - 2, len(output)]
    for place in places:
        assert grade(name, output[:place] + char + output[place:], **params).value == 1, place


@pytest.mark.parametrize("name", READERS)
def test_every_scorer_takes_composed_and_decomposed_letters_as_the_same(
    grade: Grade, name: str
) -> None:
    output, params = READERS[name]
    decomposed = unicodedata.normalize("NFD", output)
    assert decomposed != output or name == "length"
    assert grade(name, decomposed, **params).value == 1


@pytest.mark.parametrize("name", ["exact_match", "contains", "label"])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DİYARBAKIR", "diyarbakır"),
        ("Iğdır", "IĞDIR"),
        ("izmir", "İZMİR"),
        ("ΟΔΥΣΣΕΥΣ", "Οδυσσευς"),
        ("GROSS", "groß"),
        ("Ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"),
    ],
)
def test_case_is_ignored_in_any_alphabet(grade: Grade, name: str, one: str, other: str) -> None:
    for output, wanted in ((one, other), (other, one)):
        every: dict[str, dict[str, Any]] = {
            "exact_match": {"target": wanted, "ignore_case": True},
            "contains": {"any": wanted, "ignore_case": True},
            "label": {"labels": [wanted, "ankara"], "target": wanted},
        }
        assert grade(name, output, **every[name]).passed


@given(st.text())
def test_the_normal_form_is_its_own_normal_form(text: str) -> None:
    assert normal(normal(text)) == normal(text)
    assert folded(folded(text)) == folded(text)


@given(st.text())
def test_a_json_value_is_normal_throughout(text: str) -> None:
    assert normal_json({text: [text, 1, None]}) == {normal(text): [normal(text), 1, None]}


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("abc", False),
        (r"caf\u00e9", False),
        (r"\u200b", True),
        (r"\x{200b}|\U0000feff", True),
        (r"\xad", True),
        ("a\u200d", True),
        (r"\p{Cf}+", True),
        (r"\P{DI}", True),
        (r"\p{Lu}", False),
    ],
)
def test_a_pattern_may_name_invisible_characters(pattern: str, named: bool) -> None:
    assert names_invisible(pattern.replace(r"\x{200b}", r"\u200b")) is named


def test_a_pattern_that_names_an_invisible_character_finds_it(grade: Grade) -> None:
    assert grade("regex", "yes\u2060", pattern=r"\u2060").passed
    assert not grade("regex", "yes", pattern=r"\u2060").passed
    assert grade("regex", "ye\u2060s", pattern="yes").passed


def test_a_text_of_invisible_characters_is_refused_as_empty(grade: Grade) -> None:
    with pytest.raises(Exception, match="an empty text is in every output"):
        grade("contains", "x", any="\u200b")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("**Rome**", "Rome"),
        ("`Rome` | <Rome> ~ $Rome$", "Rome Rome Rome"),
        ("→ Rome €", " Rome "),
        ("-12", "-12"),
        ("\N{MINUS SIGN}12", "-12"),
        ("- 12", " 12"),
        ("+12", "+12"),
        ("*12*", "12"),
        ("0.75!", "0.75"),
        (".75", ".75"),
        ("-.75", "-.75"),
        ("7/8", "7/8"),
        ("7:30", "7:30"),
        ("2024-01-02", "2024-01-02"),
        ("10,000", "10000"),
        ("10,00", "10,00"),
        ("10.000,5", "10.000,5"),
        ("2^3", "2^3"),
        ("$9.99", "9.99"),
        ("-$9.99", "-9.99"),
        ("99 %", "99 "),
        ("non-stop", "nonstop"),
        ("a — b", "a b"),
        ("!?", "!?"),
        ("👍", "👍"),
    ],
)
def test_punctuation_goes_and_numbers_stay(text: str, plain: str) -> None:
    assert without_punctuation(text) == plain
