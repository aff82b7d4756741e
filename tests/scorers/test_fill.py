from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Case, Json
from promptlab.scorers.fill import blank

CASE = Case(
    "c7",
    {
        "word": "red",
        "words": ["a", "b"],
        "n": 3,
        "nested": {"k": [1]},
        "empty": None,
        "tags": "mine",
    },
    {"answer": 42, "items": ["x"]},
    ("t1", "t2"),
    "g",
    "b2:0",
)


def filled(value: object, case: Case = CASE) -> object:
    fill = blank(value)
    assert fill is not None
    return fill(case)


@pytest.mark.parametrize(
    "value", ["plain", "{ x }", "{% if %}", 1, None, True, ["a", 1], {"a": "b"}]
)
def test_plain_values_are_no_blanks(value: object) -> None:
    assert blank(value) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ word }}", "red"),
        ("{{word}}", "red"),
        ("{{- word -}}", "red"),
        ("{{ words }}", ["a", "b"]),
        ("{{ n }}", 3),
        ("{{ n + 1 }}", 4),
        ("{{ -n }}", -3),
        ("{{ empty }}", None),
        ("{{ expect.answer }}", 42),
        ("{{ expect['items'] }}", ["x"]),
        ("{{ nested.k[0] }}", 1),
        ("{{ words | join('}}') }}", "a}}b"),
        ("{{ case_id }}", "c7"),
        ("{{ tags }}", ["t1", "t2"]),
        ("{{ group }}", "g"),
        ("{{ 'lit' }}", "lit"),
        ("the {{ word }} one\n", "the red one\n"),
        (
            "is {{ n == 3 }}: {{ words }}, {{ expect }}",
            'is true: ["a", "b"], {"answer": 42, "items": ["x"]}',
        ),
        ("{{ ('<' ~ word)|e ~ '<' }}.", "&lt;red<."),
        ("{{ word }}{{ n }}", "red3"),
        ("{{ n }} ", "3 "),
        ("{{ word }}{# {{ n }} #}", "red"),
        ("{% for w in words %}{{ w }}{% endfor %}", "ab"),
    ],
)
def test_fills_in_from_the_case(text: str, value: object) -> None:
    assert filled(text) == value


def test_fills_in_deep_inside() -> None:
    value = ["{{ word }}", 1, {"k": ["{{ words }}", "plain"], "n": 2}]
    assert filled(value) == ["red", 1, {"k": [["a", "b"], "plain"], "n": 2}]


@given(st.text())
def test_what_a_case_holds_is_never_read_as_a_template(text: str) -> None:
    case = Case("c", {"v": text}, text, (), None, "b2:0")
    assert filled("{{ v }}", case) == filled("{{ expect }}", case) == text
    assert filled("<{{ v }}>", case) == f"<{text}>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ wrod }}", "'wrod' is undefined"),
        ("{{ wrod + 1 }}", "'wrod' is undefined"),
        ("a {{ wrod }}", "'wrod' is undefined"),
        ("{{ nested.none }}", "has no attribute 'none'"),
        ("{{ n / 0 }}", "division by zero"),
        ("{{ n + word }}", "unsupported operand"),
        ("{{ word.__class__.__mro__ }}", "unsafe"),
        ("{{ words.append(1) }}", "unsafe|not safely callable"),
    ],
)
def test_a_case_that_does_not_fit(text: str, message: str) -> None:
    with pytest.raises(PromptlabError, match=message) as caught:
        filled(text)
    assert caught.value.hint == (
        "known here: word, words, n, nested, empty, tags, expect, case_id, group"
    )


@pytest.mark.parametrize(
    "text", ["{{", "{{ a b }}", "{{ a | nofilter }}", "{{ a }", "{{ [1] | random }}"]
)
def test_bad_templates_are_refused(text: str) -> None:
    with pytest.raises(PromptlabError, match="is not a valid template"):
        blank([text])


@pytest.mark.parametrize(
    "value", ["{{ expect }}", "is {{ expect }}", ["{{ expect | upper }}"], {"a": ["{{ expect }}"]}]
)
def test_a_case_without_expect(value: Json) -> None:
    case = Case("c", {"v": 1}, None, (), None, "b2:0")
    with pytest.raises(PromptlabError, match="the case has no `expect`") as caught:
        filled(value, case)
    assert caught.value.hint == "give the case an `expect` or set the parameter"
    assert filled("{{ v }}", case) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("one of {{ empty }}", "gives null"),
        ("{{ 'x' * 10 ** 10 }}", "a text of 10,000,000,000 characters"),
        ("{{ 'x' * 10 ** 10 }}.", "a text of 10,000,000,000 characters"),
        ("{{ words|map('upper') }}.", "a series"),
        ("{{ [words, words]|sum }}", "unsupported operand"),
    ],
)
def test_an_expression_is_bounded_and_writes_no_python(text: str, reason: str) -> None:
    with pytest.raises(PromptlabError, match=reason):
        filled(text)


@pytest.mark.slow
def test_an_expression_that_is_too_deep_is_refused() -> None:
    with pytest.raises(PromptlabError, match="nested too deeply"):
        blank("{{ word" + "|upper" * 9_000 + " }}")
