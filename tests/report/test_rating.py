"""What a rater sees: the case and the outputs, in words that no terminal obeys."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from rich.text import Text

from promptlab.core.ratings import NO_OPINION, Kind, Opinion
from promptlab.core.types import Case, Json, Outcome
from promptlab.core.visible import is_visible
from promptlab.report.terminal import rating as shown
from promptlab.report.views.rating import Progress, RatingView, rating_view

HOSTILE = "\x1b[2J\x1b]0;owned\x07 [bold]b[/bold] \u202eleft\u202c\r\x9b31m :smile: \u2066x"


def view(
    *texts: str,
    kind: Kind = "pairs",
    variables: Mapping[str, Json] | None = None,
    opinion: Opinion = NO_OPINION,
) -> RatingView:
    case = Case("c1", variables or {"q": "Why?"}, "because", (), None, "b2:c1")
    answers = [(text, Outcome.OK) for text in texts]
    return rating_view(kind, Progress(3, 10, 2), case, answers, opinion)


def marked(text: Text) -> list[str]:
    """Return the passages that are underlined."""
    return [
        text.plain[span.start : span.end]
        for span in text.spans
        if not isinstance(span.style, str) and span.style.underline
    ]


def test_the_words_in_which_two_outputs_differ_are_marked() -> None:
    seen = view("We will send a new lamp today.", "We will send a used lamp tomorrow.")
    left, right = (shown.output_text(each, marked=True) for each in seen.outputs)
    assert (marked(left), marked(right)) == (["new", "today"], ["used", "tomorrow"])
    assert marked(shown.output_text(seen.outputs[0], marked=False)) == []
    assert [each.title for each in seen.outputs] == ["Left", "Right"]


def test_outputs_that_have_little_in_common_are_not_marked() -> None:
    seen = view("Thank you for your order.", "refunded")
    assert [each.marks for each in seen.outputs] == [(), ()]
    assert seen.remark is None


@pytest.mark.parametrize(
    ("texts", "remark"),
    [
        (("same", "same"), "Both say the same, letter by letter."),
        (("a " * 15_000, "b " * 15_000), "Too long to mark the words in which they differ."),
    ],
)
def test_a_remark_says_why_nothing_is_marked(texts: tuple[str, str], remark: str) -> None:
    seen = view(*texts)
    assert seen.remark == remark
    assert [each.marks for each in seen.outputs] == [(), ()]
    assert remark in shown.opinion_text(seen, None).plain


def test_a_single_output_is_compared_with_nothing() -> None:
    seen = view("yes", kind="outputs")
    assert (seen.noun, seen.remark, [each.title for each in seen.outputs]) == (
        *("output", None),
        ["Output"],
    )


def test_outputs_that_are_the_same_are_told_to_be_rated_once() -> None:
    case = Case("c1", {}, None, (), None, "b2:c1")
    answers = [("yes", Outcome.OK)]
    seen = rating_view("outputs", Progress(1, 4, 0, alike=2), case, answers, NO_OPINION)
    assert shown.opinion_text(seen, None).plain == (
        " The same output was given 3 times: rate it once."
    )


@pytest.mark.parametrize(
    ("outcome", "text", "told"),
    [
        (Outcome.TRUNCATED, "It is", "It is\n\n(cut off at the token limit)"),
        (Outcome.EMPTY, "", "(an empty answer)"),
        (Outcome.REFUSED, "No.", "No.\n\n(the model refused, or a filter did)"),
        (Outcome.OK, "Yes.", "Yes."),
    ],
)
def test_how_an_output_ended_is_told(outcome: Outcome, text: str, told: str) -> None:
    case = Case("c1", {}, None, (), None, "b2:c1")
    seen = rating_view("outputs", Progress(1, 1, 0), case, [(text, outcome)], NO_OPINION)
    assert shown.output_text(seen.outputs[0], marked=True).plain == told


def test_of_a_huge_output_the_beginning_is_shown_and_that_is_told() -> None:
    seen = view("line\n" * 30_000, f"{'word ' * 20_000}end").outputs
    assert (seen[0].text.count("\n"), len(seen[1].text)) == (1_999, 50_000)
    assert seen[0].remark == (
        "the beginning of 150,000 characters and 30,001 lines:"
        " `promptlab show --full` has all of it"
    )
    blank = view("  \n", "x").outputs[0]
    assert (blank.text, blank.remark) == ("  \n", "an empty answer")


def test_nothing_that_a_terminal_obeys_gets_through() -> None:
    seen = view(
        HOSTILE,
        f"{HOSTILE} other",
        variables={"q": HOSTILE, HOSTILE: [HOSTILE]},
        opinion=Opinion("left", HOSTILE, (HOSTILE,)),
    )
    texts = [
        shown.case_text(seen),
        *(shown.output_text(each, marked=True) for each in seen.outputs),
        shown.opinion_text(seen, HOSTILE),
        shown.progress_text(seen, HOSTILE, 200),
    ]
    for text in texts:
        assert is_visible(text.plain)
        assert "^[" in text.plain
        assert "[bold]b[/bold]" in text.plain  # no markup
        assert ":smile:" in text.plain


def test_the_case_says_what_was_asked_and_what_is_expected() -> None:
    seen = view("a", "b", variables={"question": "Why?", "facts": ["x", 1], "text": "one\ntwo"})
    assert shown.case_text(seen).plain == (
        'question  Why?\nfacts     ["x", 1]\ntext\none\ntwo\nexpected  because'
    )
    bare = Case("c1", {}, None, (), None, "b2:c1")
    none = rating_view("outputs", Progress(1, 1, 0), bare, [("x", Outcome.OK)], NO_OPINION)
    assert shown.case_text(none).plain == "This case has no variables."


@pytest.mark.parametrize("width", [80, 120, 45, 20, 5])
def test_the_line_on_top_fits(width: int) -> None:
    text = shown.progress_text(view("a", "b"), "a rater with quite a long name", width)
    assert text.cell_len <= max(width, len(" pair 3 of 10") + 2)
    if width >= 80:
        assert text.plain.startswith(" pair 3 of 10  ━")
        assert text.plain.endswith("2 rated, a rater with quite a long name ")


def test_what_was_said_is_shown_each_in_its_own_style() -> None:
    seen = view("a", "b", opinion=Opinion("right", "too long", ("vague", "odd")))
    text = shown.opinion_text(seen, None)
    assert text.plain == " right is better  [vague, odd]  too long"
    assert shown.opinion_text(view("a", "b"), None).plain == " No verdict yet."
    keys = shown.keys_text([("p", "pass"), ("q", "quit")])
    assert keys.plain == " p pass  q quit"
    assert [keys.plain[span.start : span.end] for span in keys.spans] == ["p", "q"]
