"""An answer on a terminal while it comes."""

from __future__ import annotations

import pytest

from promptlab.core import masking
from promptlab.report.terminal.live import LiveText


def shown(pieces: list[str], answer: str) -> tuple[str, str]:
    """Return what is shown before the answer is whole, and in the end."""
    out: list[str] = []
    text = LiveText(out.append)
    for piece in pieces:
        text.hear(piece)
    before = "".join(out)
    text.end(answer)
    return before, "".join(out)


def test_whole_words_are_shown_as_they_come() -> None:
    answer = "It is a fine day"
    assert shown([*answer], answer) == ("It is a fine ", f"{answer}\n")
    assert shown([], answer) == ("", f"{answer}\n")


def test_text_without_blanks_is_shown_by_its_signs() -> None:
    assert shown([*"今日はいい天気です"], "今日はいい天気です")[0] == "今日はいい天気です"


@pytest.mark.parametrize(
    "said", ["<think>\nA b c d.\n</think>\n\nIt is 4 now", "<think>A b</think>It is 4 now"]
)
def test_thoughts_are_not_shown(said: str) -> None:
    before, after = shown([*said], "It is 4 now")
    assert "A b" not in after
    assert before.strip() in ("It is 4", "")
    assert after.strip() == "It is 4 now"


def test_an_answer_that_is_another_in_the_end_is_shown_whole() -> None:
    _, after = shown(["It is ", "not so "], "In the end it is")
    assert after == "It is not so \n\nIn the end it is\n"


def test_a_key_in_two_pieces_is_not_shown() -> None:
    masking.remember("sk-proj-0123456789abcdef")
    try:
        for cut in range(1, 24):
            key = "sk-proj-0123456789abcdef"
            pieces = ["the key is ", key[:cut], key[cut:], " so"]
            _, after = shown(pieces, "".join(pieces))
            assert "0123456789" not in after
            assert key[:cut] not in after or cut < 4
    finally:
        masking.forget()


def test_nothing_is_shown_of_a_call_that_is_made_again() -> None:
    text = LiveText(lambda _: None)
    assert not text.begin()
    text.hear("half an ")
    assert text.begin()
    assert not text.begin()
