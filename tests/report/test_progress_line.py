from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from promptlab.report.terminal.progress_line import Detail, ProgressLine, shortened
from promptlab.report.terminal.screen import Screen

DETAILS = [
    Detail("2.5/s", 4),
    Detail("3 s left", 2),
    Detail("ok 7", 5),
    Detail("error 1", 3),
    Detail("0.000027 USD", 6),
]


def shown(line: ProgressLine, width: int) -> str:
    stream = io.StringIO()
    Screen(stream, width, color_system=None).print(line)
    return stream.getvalue().rstrip("\n")


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (20, "support 8/12 2.5/s"),
        (24, "support 8/12 3 s left"),
        (31, "support 8/12 3 s left, error 1"),
        (41, "support 8/12 2.5/s, 3 s left, error 1"),
        (60, "support 8/12 2.5/s, 3 s left, ok 7, error 1, 0.000027 USD"),
    ],
)
def test_what_matters_most_is_whole(width: int, line: str) -> None:
    assert shown(ProgressLine("support", 8, 12, DETAILS), width) == line


def test_a_bar_has_ten_columns_or_there_is_none() -> None:
    line = ProgressLine("support", 12, 12, DETAILS)
    bars = [shown(line, width).count("━") for width in range(60, 140)]
    assert bars[0] == 0
    assert bars[-1] == 40
    assert all(bar == 0 or bar >= 10 for bar in bars)


def test_a_name_too_long_leaves_its_place_to_the_count() -> None:
    assert shown(ProgressLine("a" * 50, 8, 12, DETAILS), 40).startswith("8/12 2.5/s, 3 s left")


def test_what_is_waited_for_is_shortened_to_fit() -> None:
    waits = Detail("mini: retrying in 20 s: HTTP 503 from a server far away", 1, elastic=True)
    line = shown(ProgressLine("support", 8, 12, [waits, *DETAILS]), 60)
    assert line == "support 8/12 mini: retrying in 20 s: HTTP 503 from a ..."


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("all of it", 9, "all of it"),
        ("one two three", 12, "one two ..."),
        ("one two three", 11, "one two ..."),
        ("one two three", 10, "one ..."),
        ("onetwothree", 8, "onet ..."),
    ],
)
def test_a_text_is_ended_after_a_word(text: str, width: int, short: str) -> None:
    assert shortened(text, width) == short


@given(st.text(max_size=30), st.integers(12, 200), st.lists(st.text(max_size=20), max_size=6))
def test_it_is_one_line_at_any_width(label: str, width: int, texts: list[str]) -> None:
    details = [Detail(text.replace("\n", " "), place) for place, text in enumerate(texts)]
    line = shown(ProgressLine(label.replace("\n", " ").replace("\t", " "), 3, 10, details), width)
    assert "\n" not in line
    assert "3/10" in line
    assert cell_len(line) <= width
