"""Foreign text in Markdown is shown as it is, and obeyed by nobody."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from promptlab.core.markup import code, cut, fenced, figure, prose
from promptlab.core.visible import visible
from tests.exporters.trials import HOSTILE

PAGE = MarkdownIt("commonmark", {"html": True}).enable("table")


def rendered(markdown: str) -> str:
    return str(PAGE.render(markdown))


def outside_of_code(page: str) -> str:
    return re.sub(r"<(code|pre)\b.*?</\1>", "", page, flags=re.DOTALL)


def tags(page: str) -> set[str]:
    return set(re.findall(r"<([a-z]+)", outside_of_code(page)))


def shown(page: str) -> str:
    """Return what a reader sees, with line breaks."""
    text = re.sub(r"<br ?/?>", "\n", page)
    return unescape(re.sub(r"</?(p|code|td|tr|tbody|table|thead|th)\b[^>]*>", "", text))


@pytest.mark.parametrize("text", HOSTILE)
def test_code_is_the_text_in_a_table_too(text: str) -> None:
    page = rendered(f"| a | b |\n| --- | --- |\n| {code(text)} | after |\n")
    assert tags(page) <= {"table", "thead", "tbody", "tr", "th", "td", "br", "p"}
    assert page.count("<td>") == 2
    seen = shown(page.partition("<td>")[2].partition("</td>")[0])
    assert seen == visible(text.replace("\r\n", "\n"))
    for mark in ("@", "#12", "://", "www."):
        assert mark not in outside_of_code(page)


@given(st.text(alphabet=" `|\\<>&*_[]()!@#~ab\n", max_size=40))
def test_whatever_the_text_no_markup_comes_of_it(text: str) -> None:
    page = rendered(f"| a | b |\n| --- | --- |\n| {code(text)} | after |\n")
    assert tags(page) <= {"table", "thead", "tbody", "tr", "th", "td", "br"}
    assert page.count("<td>") == 2
    assert outside_of_code(page).count("after") == 1
    block = rendered(f"before\n\n{fenced(text)}\n\nafter\n")
    assert tags(block) <= {"p"}
    assert unescape(block.partition("<code")[2].partition(">")[2].partition("</code>")[0]) == (
        f"{text}\n"
    )


@given(st.text(alphabet=" `|\\<>&*_[]()!@#~ab.:/w\n", max_size=40))
def test_a_sentence_has_no_markup_of_the_names_in_it(text: str) -> None:
    page = rendered(f"It says: {prose(text)} end.\n")
    assert tags(page) <= {"p", "br"}
    for mark in ("@", "#", "*", "_", "[", "&lt;b"):
        assert mark not in outside_of_code(page)


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (
            "v2 is better than v1: +4.1 points, 95 % interval +0.8 to +7.4, p = 0.020.",
            "v2 is better than v1: +4.1 points, 95 % interval +0.8 to +7.4, p = 0.020.",
        ),
        ("sentiment@v2 (see #12).", "`sentiment@v2` (see `#12`)."),
        ("p < 0.001; a -> b", "p &lt; 0.001; a -&gt; b"),
        ("run `promptlab plan x` now", "run `promptlab plan x` now"),
        ("x_y, --strict and www.a.example", "`x_y`, `--strict` and `www.a.example`"),
        ("it's 31 % more tokens", "it's 31 % more tokens"),
    ],
)
def test_a_sentence_stays_readable(line: str, written: str) -> None:
    assert prose(line) == written


def test_figures_and_cuts() -> None:
    assert figure("<0.001") == "&lt;0.001"
    assert figure("a|b") == "a&#124;b"
    assert cut("abcdef", 4) == ("abcd", 2)
    assert cut("abcd", 4) == ("abcd", 0)
