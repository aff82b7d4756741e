"""Numbers as options: every value is a number within its bounds, or a mistake told in words."""

from __future__ import annotations

import math

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.cli.numbers import Amount, Whole

from .conftest import Promptlab


def mistake(kind: click.ParamType[float], text: str) -> str:
    with pytest.raises(click.BadParameter) as caught:
        kind.convert(text, None, None)
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), (" 007 ", 7), ("+5", 5), ("9" * 18, int("9" * 18))]
)
def test_a_whole_number(text: str, number: int) -> None:
    assert Whole(1).convert(text, None, None) == number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", "'abc' is not a whole number"),
        ("", "'' is not a whole number"),
        ("1.5", "'1.5' is not a whole number"),
        ("1e3", "'1e3' is not a whole number"),
        ("\u0661", "'\u0661' is not a whole number"),
        ("nan", "'nan' is not a whole number"),
        ("0", "0 is too small: at least 1"),
        ("-" + "9" * 5000, f"-{'9' * 24}... is too small: at least 1"),
        ("9" * 5000, f"{'9' * 25}... is too large: at most 9,223,372,036,854,775,807"),
        (str(2**63), f"{2**63} is too large: at most 9,223,372,036,854,775,807"),
    ],
)
def test_no_whole_number_within_bounds(text: str, message: str) -> None:
    assert mistake(Whole(1), text) == message


@pytest.mark.parametrize("text", ["nan", "-nan", "inf", "-Infinity", "1e999", "abc", "", "1,5"])
def test_no_number(text: str) -> None:
    assert "is not a number" in mistake(Amount(min=0), text)


def test_a_number_beyond_its_bound() -> None:
    assert mistake(Amount(min=0), "-1") == "-1.0 is not in the range x>=0."
    assert Amount(min=0).convert("0.5", None, None) == 0.5


@given(st.text() | st.integers().map(str) | st.floats().map(str))
def test_whatever_is_typed_is_a_number_or_a_mistake(text: str) -> None:
    for kind in (Whole(0, 10**6), Amount(min=0)):
        try:
            number = kind.convert(text, None, None)
        except click.BadParameter:
            continue
        assert math.isfinite(number)
        assert number >= 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "greet", "-n", "abc"], "'abc' is not a whole number (see promptlab run --help)"),
        (["run", "greet", "-p"], "KEY=VALUE (see promptlab run --help)"),
        (["run", "greet", "-p", "name"], "KEY=VALUE (see promptlab run --help)"),
        (["show", "--limit"], "--limit takes N (see promptlab show --help)"),
        (
            ["template", "render", "greet@v1", "-p", "name"],
            "KEY=VALUE (see promptlab template render --help)",
        ),
        (["run", "greet", "-b", "openai"], "names no model (write openai:MODEL)"),
        (["run", "greet", "-b", "opanai"], "did you mean 'openai:MODEL'?"),
        (["run", "greet", "--executor", "nonsense"], "(known: local, module:attr)"),
        (["rnu", "greet"], "unknown verb 'rnu' (did you mean 'run'?)"),
        (["show", "-99999999999999999999999999"], "there is no run -99999999999999999"),
        (["show", "--limit", "9" * 26], "is too large"),
    ],
)
def test_a_slip_is_answered_with_what_is_taken(
    ran_project: object, promptlab: Promptlab, words: list[str], message: str
) -> None:
    ran = promptlab(*words)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_show_takes_the_letter_that_run_takes(ran_project: object, promptlab: Promptlab) -> None:
    one, two = (promptlab("show", "--json", *words) for words in (["-n", "1"], ["--limit", "1"]))
    assert one.out == two.out
    assert one.code == 0
