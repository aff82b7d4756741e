# ruff: noqa: RUF001  # odd characters are what is tested
from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.scorers.reading.numbers import DecimalMark, number_spans, one_number, read_numbers


def values(text: str, decimal: DecimalMark = ".") -> list[Fraction | None]:
    return [number.value for number in read_numbers(text, decimal)]


@pytest.mark.parametrize("sign", "-‐‑‒–−﹣－")
def test_any_minus_sign_is_one(sign: str) -> None:
    assert values(f"It is {sign}7 now") == [-7]
    assert values(f"{sign}$7.50") == [Fraction(-15, 2)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("21,300", 21300),
        ("4,321,000.5", Fraction("4321000.5")),
        ("21 300", 21300),
        ("21\u202f300", 21300),
        ("21\u2009300,", 21300),
        ("21'300.25", Fraction("21300.25")),
        ("21’300", 21300),
        ("21_300", 21300),
        ("3,45,678", 345678),
        ("1,23,45,678.9", Fraction("12345678.9")),
        ("7{,}250", 7250),
        (r"7\,250", 7250),
        ("5/8", Fraction(5, 8)),
        ("-5/8", Fraction(-5, 8)),
        ("5 / 8", Fraction(5, 8)),
        ("5∕8", Fraction(5, 8)),
        ("5／8", Fraction(5, 8)),
        ("5️⃣", 5),
        (r"\frac{5}{8}", Fraction(5, 8)),
        (r"\dfrac58", Fraction(5, 8)),
        (r"-\tfrac{5}{8}", Fraction(-5, 8)),
        (r"3\frac{5}{8}", Fraction(29, 8)),
        ("3 5/8", Fraction(29, 8)),
        ("⅝", Fraction(5, 8)),
        ("3⅝", Fraction(29, 8)),
        ("−3 ⅝", Fraction(-29, 8)),
        ("⅟8", Fraction(1, 8)),
        ("¹¹⁄₁₆", Fraction(11, 16)),
        ("2^8", 256),
        ("2**8", 256),
        ("2^{8}", 256),
        ("2^(8)", 256),
        ("2**(8)", 256),
        ("3 x 10^(-2)", Fraction(3, 100)),
        ("x = - 7", -7),
        ("2^-2", Fraction(1, 4)),
        ("2⁸", 256),
        ("10⁻³", Fraction(1, 1000)),
        ("6.02 × 10²³", Fraction(602) * 10**21),
        (r"6.02 \cdot 10^{3}", 6020),
        ("6.5e2", 650),
        ("４２", 42),
        ("４，２００．５", Fraction("4200.5")),
        ("۴۲", 42),
        ("४२.५", Fraction("42.5")),
        ("๔๒", 42),
        ("١٬٢٠٠٫٥", Fraction("1200.5")),
        ("5万", 50000),
        ("2.5億", 250_000_000),
        ("65%", 65),
        ("€ 3,000", 3000),
        ("US$40", 40),
        ("₹2,50,000", 250_000),
        ("45^\\circ", 45),
        (r"\boxed{1{,}024}", 1024),
        ("结果是12个", 12),
        ("คำตอบคือ12", 12),
    ],
)
def test_one_number_is_read_as_a_whole(text: str, value: Fraction | int) -> None:
    assert values(text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        *("0,75", "10,75", "1,23", "12,345,6", "0,500", "1.234,5", "1,234.5.6", "6.1.2"),
        *("7:30", "7:30:15", "2023-11-05", "5/11/2023", "555-0100-200", "10.0.0.1"),
        *(
            "2^(n)",
            "2^(1/2)",
            "10^(x",
            "2^n",
            "2^0.5",
            "2^3^2",
            "(-3)^2",
            "(1/2)³",
            "2π",
            r"2\pi",
            r"3\sqrt{2}",
            "2√3",
        ),
        *("5 ± 1", "0.(6)", r"0.\overline{6}", "7/0", "1/2/3", "3 5/4", "0xFF", "0b11", "1011₂"),
        *("3×4", "3*4", "3+4", "640x480", "12：30", "16∶9"),
        *("1e12345", "7·5", "7'5", "7_5", "3-1/2", "9" * 5000, "9^9999999", "7Ⅳ", "7三"),
    ],
)
def test_what_is_no_plain_number_is_seen_and_not_read(text: str) -> None:
    for context in (text, f"It is {text}.", f"**{text}**"):
        found = values(context)
        assert found, context
        assert found[-1] is None, context


@pytest.mark.parametrize(
    "text",
    [
        "x^2",
        "a_{12}",
        r"\sqrt{49}",
        "√49",
        "y₂",
        "v3",
        "sqrt(49)",
        "π/4",
        "(a+b)/2",
        "n__1",
        "x^(2)",
    ],
)
def test_a_part_of_an_expression_is_no_number(text: str) -> None:
    assert values(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0,75", [Fraction(3, 4)]),
        ("1.234.567,5", [Fraction("1234567.5")]),
        ("1.5", [None]),
        ("12.34.567,5", [Fraction("1234567.5")]),
        ("3,5/2", [Fraction(7, 4)]),
    ],
)
def test_the_decimal_mark_may_be_a_comma(text: str, found: list[Fraction | None]) -> None:
    assert values(text, ",") == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("5 - 3 = 2", [5, 3, 2]),
        ("5 - 3 = - 2", [5, 3, -2]),
        ("items: - 5", [5]),
        ("between 3-5", [3, 5]),
        ("5%-10%", [5, 10]),
        ("1, 2 and 3", [1, 2, 3]),
        ("1，2，3", [1, 2, 3]),
        ("12 × 2 = 24", [12, 2, 24]),
        ("12×2=24", [None, 24]),
        ("5/8 of 64 is 40", [Fraction(5, 8), 64, 40]),
        ("**3** or **4**", [3, 4]),
        ("in 2023 200 came", [2023, 200]),
    ],
)
def test_several_numbers_stay_several(text: str, found: list[Fraction | int]) -> None:
    assert values(text) == found


@given(st.fractions(max_denominator=999).filter(lambda one: one.denominator > 1))
def test_every_fraction_is_read_in_every_notation(number: Fraction) -> None:
    sign = "-" if number < 0 else ""
    above, below = abs(number.numerator), number.denominator
    whole, rest = divmod(above, below)
    texts = [f"{sign}{above}/{below}", rf"{sign}\frac{{{above}}}{{{below}}}"]
    if 0 < whole < 10_000:
        texts += [f"{sign}{whole} {rest}/{below}", rf"{sign}{whole}\frac{{{rest}}}{{{below}}}"]
    for text in texts:
        assert values(f"= {text}") == [number], text


@given(st.text(alphabet="0123456789,.-+eE/^*×√π ½²_'()$%\\frac{}\n٣三x"))
def test_noise_is_read_alike_from_both_ends(text: str) -> None:
    marks: list[DecimalMark] = [".", ","]
    for decimal in marks:
        numbers = read_numbers(text, decimal)
        first, last = one_number(text, "first", decimal), one_number(text, "last", decimal)
        assert (first is None) == (last is None) == (not numbers)
        if first and last:
            assert (first.text, last.text) == (numbers[0].text, numbers[-1].text)


def test_spans_are_those_of_the_text_as_it_stands() -> None:
    text = "约-1.5分, ٤٢ and ½"
    assert [text[start:end] for start, end in number_spans(text)] == ["-1.5", "٤٢"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", ["1 ", "1 111", "1,", "1/", "1^", "^", "-", "$", "\\frac{", "a\u0301", "1 1/", "0.(1"]
)
def test_long_noise_is_read_in_linear_time(piece: str) -> None:
    start = time.perf_counter()
    read_numbers(piece * 40_000)
    assert time.perf_counter() - start < 30
