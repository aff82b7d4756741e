"""Thoughts and answers in what models say, by the marks of their families."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.thoughts import Said, opens_thoughts, split_thoughts

PAIRS = [
    ("<think>", "</think>"),
    ("<Thinking>", "</Thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<seed:think>", "</seed:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ('<think budget="9">', "</think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel>thought", "<channel|>"),
    ("<unused94>thought", "<unused95>"),
]


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
@pytest.mark.parametrize("layout", ["{o}\nWet, so no.\n{c}\n\nyes", "{o} Wet, so no. {c} yes"])
def test_the_marks_of_every_family_are_known(opening: str, closing: str, layout: str) -> None:
    text = layout.format(o=opening, c=closing)
    assert split_thoughts(text) == Said("Wet, so no.", "yes")


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
def test_the_opening_mark_may_stand_in_the_prompt(opening: str, closing: str) -> None:
    assert opens_thoughts(f"Is it dry?{opening}\n")
    assert not opens_thoughts(f"Is it dry?{closing}\n")
    assert split_thoughts(f"Wet, so no.\n{closing}\n\nyes") == Said("Wet, so no.", "yes")
    assert split_thoughts(f"Wet, so no.{closing}yes") == Said("Wet, so no.", "yes")


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
def test_thoughts_that_are_cut_off_are_no_answer(opening: str, closing: str) -> None:
    said = split_thoughts(f"{opening}\nIs it yes? I think the answer: yes")
    assert said == Said("Is it yes? I think the answer: yes", "", finished=False)
    assert split_thoughts(f"{opening}") == Said("", "", finished=False)


def test_what_follows_an_opening_mark_of_the_prompt_is_thoughts_until_they_are_closed() -> None:
    assert split_thoughts("Wet, so", opened=True) == Said("Wet, so", "", finished=False)
    assert split_thoughts("Wet.\n</think>\nyes", opened=True) == Said("Wet.", "yes")
    assert split_thoughts("<think>\nWet.\n</think>\nyes", opened=True) == Said("Wet.", "yes")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "<|channel|>analysis<|message|>Wet.<|end|>"
            "<|start|>assistant<|channel|>final<|message|>yes<|return|>",
            Said("Wet.", "yes"),
        ),
        (
            "<|channel|>analysis<|message|>Wet.<|end|><|start|>assistant<|channel|>commentary"
            "<|message|>A moment.<|end|><|start|>assistant<|channel|>final <|constrain|>json"
            "<|message|>{}",
            Said("Wet.\n\nA moment.", "{}"),
        ),
        ("Wet.<|end|><|start|>assistant<|channel|>final<|message|>yes", Said("Wet.", "yes")),
        ("<|channel|>final<|message|>yes", Said("", "yes")),
        ("<|channel|>analysis<|message|>Wet, so", Said("Wet, so", "", finished=False)),
        ("<|channel|>analysis", Said("", "", finished=False)),
        ("analysisWe see it is wet.assistantfinalyes", Said("We see it is wet.", "yes")),
        ("analysisWe see", Said("We see", "", finished=False)),
    ],
)
def test_the_channels_of_gpt_oss(text: str, said: Said) -> None:
    assert split_thoughts(text) == said


@pytest.mark.parametrize(
    ("text", "thoughts", "answer"),
    [
        ("<think>one</think>\n<think>two</think>\nyes", "one\n\ntwo", "yes"),
        (
            "<think>one</think>\nSo far:\n<think>\ntwo\n</think>\nyes",
            "one\n\ntwo",
            "So far:\n\nyes",
        ),
        ("Let me see.\n<think>\nWet.\n</think>\nyes", "Wet.", "Let me see.\n\nyes"),
        ("one\n</think>\n\ntwo\n</think>\n\nyes", "one\n\ntwo", "yes"),
        ("<think>\n\n</think>\n\nyes", "", "yes"),
        ("</think>\n\nyes", "", "yes"),
        ("<think>Wet.</think>", "Wet.", ""),
        ('<think>I say "yes"</think>"yes"', 'I say "yes"', '"yes"'),
        ("<think>The mark `</think>` ends it.</think>yes", "The mark `</think>` ends it.", "yes"),
        ("<think>a</think>Use `<think>` so.", "a", "Use `<think>` so."),
        ("<think>a</think><answer>yes</answer>", "a", "<answer>yes</answer>"),
        (
            "<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>yes<|END_RESPONSE|>",
            "a",
            "yes",
        ),
        ("Here is my thought process:\nWet.\n\nHere is my response:\nyes", "Wet.", "yes"),
    ],
)
def test_where_the_answer_begins(text: str, thoughts: str, answer: str) -> None:
    assert split_thoughts(text) == Said(thoughts, answer)


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        " yes\n",
        "\n<think> and </think> are tags",
        "Write <think> first and </think> last, then yes",
        "`<think>` opens thoughts. yes",
        "Models put `<think>...</think>` before it.",
        "<think> is a tag that opens thoughts. yes",
        "<think>...</think> is how some models begin.",
        "The tag </think> ends them",
        "The closing tag is </think>",
        "End with </think>. Then say yes",
        "Say '</think>' and stop",
        "```\n<think>\nWet.\n</think>\n```\nis the format",
        "Wrap it in <think>\nyour thoughts\n</think>\nand go on",
        "The tags:\n<think>",
        "- </think>: the end",
        "gpt-oss writes `<|channel|>analysis<|message|>` first",
        "analysis of the text: yes",
        "[Thinking] aloud: yes",
        "<thinker>Rodin</thinker>",
        "Here is my thought process: wet, so yes",
    ],
)
def test_an_answer_that_only_speaks_of_a_mark_stays_whole(text: str) -> None:
    assert split_thoughts(text) == Said("", text)


@given(st.lists(st.sampled_from([*sum(PAIRS, ()), "yes", "\n", " ", "`", ".", "```\n"])))
def test_nothing_that_was_said_is_lost(parts: list[str]) -> None:
    said = split_thoughts("".join(parts))
    both = said.thoughts + said.answer
    assert both.count("yes") == parts.count("yes")


def test_a_long_text_of_marks_is_read_once() -> None:
    text = "<think> x </think> " * 2_000
    assert len(split_thoughts(text).thoughts) == 2_000 * len("x") + 1_999 * len("\n\n")


@pytest.mark.slow
def test_hostile_texts_take_no_longer_than_their_length() -> None:
    for text in (
        "<think>x</think>" + " " * 200_000 + ".",
        "<think " + "a" * 200_000,
        "<think" + " " * 200_000,
        "<|channel|>" * 20_000,
        "</think>" * 20_000,
        "<" * 200_000,
    ):
        split_thoughts(text)  # anything that is not linear takes minutes
