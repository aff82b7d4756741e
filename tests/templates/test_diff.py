from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.digest import template_digest
from promptlab.core.types import Image, Message, TemplateSource
from promptlab.templates.diff import (
    MessageDiff,
    Names,
    PromptSize,
    VersionDiff,
    diff_conversations,
    diff_versions,
    mean_size,
    spread,
    text_size,
    whole_text,
)
from promptlab.templates.template import Template

V1 = """\
---
description: Asks.
sampling: {max_tokens: 8}
---
Say hello to {{ name }}.
"""
V2 = """\
---
description: Asks more.
parent: v1
practices: [clear]
output: {format: label, labels: [yes, no]}
---
{% practice "clear" %}Be brief.
{% endpractice %}
Say hello to {{ title }} {{ name }}.
"""


def make(source: str, version: str = "v1", **includes: str) -> Template:
    files = {f"_s/{name}.j2": text for name, text in includes.items()}
    digest = template_digest(source, files)
    return Template(TemplateSource("greet", version, source, files, digest))


def compared(a: str, b: str) -> VersionDiff:
    return diff_versions(make(a), make(b, "v2"))


def outline(messages: Sequence[MessageDiff]) -> list[tuple[str | None, str | None, str]]:
    """Return, for each message, its roles and the signs of its lines."""
    return [
        (
            message.role_a,
            message.role_b,
            "".join(line.op for h in message.hunks for line in h.lines),
        )
        for message in messages
    ]


def user(text: str) -> Message:
    return Message("user", text)


def test_the_texts_are_compared_below_the_front_matter() -> None:
    [file] = compared(V1, V2).files
    assert (file.path_a, file.path_b) == ("templates/greet/v1.j2", "templates/greet/v2.j2")
    [hunk] = file.hunks
    assert hunk.head == "@@ -5 +7,3 @@"  # by the lines of the files
    assert [line.op for line in hunk.lines] == ["-", "+", "+", "+"]


@pytest.mark.parametrize("front", ["", "---\n---\n", "---\r\n\r\nnotes: x\r\n\r\n---  \r\n"])
@pytest.mark.parametrize("body", ["a", "\n\na\n", "---\na\n"])
def test_line_numbers_are_those_of_the_file(front: str, body: str) -> None:
    if not front and body.startswith("---"):
        front = "---\n---\n"
    [file] = compared(front + body, front + body + "b\n").files
    last = file.hunks[0].lines[-1]
    assert file.hunks[0].start_b + file.hunks[0].length_b - 1 == (front + body).count("\n") + 1
    assert last.text.endswith("b")


def test_front_matter_that_differs_by_key() -> None:
    rows = {row.key: (row.a, row.b) for row in compared(V1, V2).front_matter}
    assert rows == {
        "description": ("Asks.", "Asks more."),
        "parent": (None, "v1"),
        "practices": (None, ["clear"]),
        "sampling": ({"max_tokens": 8}, None),
        "output": (None, {"format": "label", "labels": ["yes", "no"]}),
    }
    assert [*rows] == ["description", "parent", "practices", "sampling", "output"]


def test_a_key_set_to_its_default_is_not_a_difference() -> None:
    diff = compared("---\noutput: {format: text}\nnotes: ''\n---\nHi\n", "Hi\n")
    assert (diff.files, diff.front_matter, diff.same) == ((), (), False)


def test_practices_that_only_the_body_marks_count() -> None:
    diff = compared(
        "---\npractices: [role]\n---\nHi\n", "{% practice 'clear' %}Hi{% endpractice %}"
    )
    assert (diff.practices.added, diff.practices.dropped) == (("clear",), ("role",))
    assert [row.key for row in diff.front_matter] == ["practices"]


def test_variables_added_and_dropped() -> None:
    diff = compared("{{ name }} {{ gift }}", "{{ name }} {{ title }}").variables
    assert diff == Names(("gift", "name"), ("name", "title"))
    assert (diff.added, diff.dropped) == (("title",), ("gift",))


def test_equal_texts_are_the_same_whatever_their_names() -> None:
    diff = compared(V1, V1)
    assert (diff.same, diff.files, diff.front_matter) == (True, (), ())
    assert (diff.a, diff.b) == ("greet@v1", "greet@v2")


def test_included_files_have_diffs_of_their_own() -> None:
    rules = "Be kind.\nBe brief.\nNever swear.\n"
    a = make("{% include '_s/both.j2' %}{% include '_s/gone.j2' %}{% include '_s/old.j2' %}",
             both="Hi\n", gone="Something else entirely\n", old=rules)  # fmt: skip
    b = make("{% include '_s/both.j2' %}{% include '_s/new.j2' %}", "v2",
             both="Hello\n", new=rules + "Never shout.\n")  # fmt: skip
    main, both, gone, renamed = diff_versions(a, b).files
    assert main.path_b == "templates/greet/v2.j2"
    assert (both.path_a, both.path_b) == ("templates/_s/both.j2", "templates/_s/both.j2")
    assert (gone.path_a, gone.path_b) == ("templates/_s/gone.j2", None)
    assert [line.op for line in gone.hunks[0].lines] == ["-"]
    assert (renamed.path_a, renamed.path_b) == ("templates/_s/old.j2", "templates/_s/new.j2")
    assert [line.op for line in renamed.hunks[0].lines] == [" ", " ", " ", "+"]


def test_the_whole_text_is_the_body_with_its_includes() -> None:
    assert whole_text(make(V1)) == "Say hello to {{ name }}.\n"
    assert whole_text(make("{% include '_s/x.j2' %}", x="Hi")) == "{% include '_s/x.j2' %}Hi"


# Conversations


def test_messages_of_one_role_that_are_alike_are_compared() -> None:
    a = (user("Classify the review: it rusts."),)
    b = (
        Message("system", "You label reviews."),
        user("A quite different example."),
        Message("assistant", "negative"),
        user("Classify this review: it rusts."),
    )
    assert outline(diff_conversations(a, b)) == [
        (None, "system", "+"),
        (None, "user", "+"),
        (None, "assistant", "+"),
        ("user", "user", "-+"),
    ]


def test_equal_messages_have_no_hunks_but_a_length() -> None:
    [same, gone] = diff_conversations(
        (user("one\ntwo"), Message("assistant", "x\ny\nz")), (user("one\ntwo"),)
    )
    assert (same.role_a, same.role_b, same.length, same.hunks) == ("user", "user", 2, ())
    assert (gone.role_a, gone.role_b, gone.length) == ("assistant", None, 3)


def test_messages_that_share_no_word_are_compared_where_their_roles_agree() -> None:
    assert outline(diff_conversations((user("a"),), (user("b"),))) == [("user", "user", "-+")]


def test_images_stand_on_lines_of_their_own() -> None:
    image = Image("cat.png", "image/png", "b2:0")
    [message] = diff_conversations((user("What is it?"),), (user_with(image, "What is it?"),))
    assert [(line.op, line.text) for line in message.hunks[0].lines] == [
        ("+", "[image cat.png]"),
        (" ", "What is it?"),
    ]


def user_with(*parts: str | Image) -> Message:
    return Message("user", parts)


CONVERSATIONS = st.lists(
    st.builds(
        Message, st.sampled_from(["user", "assistant"]), st.sampled_from(["a", "b\nc", "", "b"])
    ),
    max_size=6,
).map(tuple)


@given(CONVERSATIONS, CONVERSATIONS)
def test_every_message_is_shown_once_and_in_order(
    a: tuple[Message, ...], b: tuple[Message, ...]
) -> None:
    entries = diff_conversations(a, b)
    assert [entry.role_a for entry in entries if entry.role_a] == [message.role for message in a]
    assert [entry.role_b for entry in entries if entry.role_b] == [message.role for message in b]
    assert (a == b) == all(entry.role_a and entry.role_b and not entry.hunks for entry in entries)


# Sizes


def test_a_prompt_is_as_long_as_all_its_calls() -> None:
    prompts: list[list[tuple[Message, ...]]]
    prompts = [[(user("ab"),), (user("ab"), Message("assistant", "c"))], [(user("abcd"),)]]
    assert mean_size(prompts, text_size) == (2 + 3 + 4) / 2


def test_one_unknown_size_makes_the_mean_unknown() -> None:
    prompts = [[(user("ab"),)], [(user("c"),)]]
    assert mean_size(prompts, lambda messages: None if messages[0].text == "c" else 2) is None
    assert mean_size([], text_size) is None


def test_the_difference_of_sizes() -> None:
    assert PromptSize(37.5, 71.0, "tokens", "smollm2").delta == 33.5


@given(st.integers(0, 500), st.integers(1, 30))
def test_spread_chooses_evenly(size: int, most: int) -> None:
    chosen = spread(range(size), most)
    assert len(chosen) == min(size, most)
    assert chosen == sorted(set(chosen))
    gaps = {after - before for before, after in pairwise(chosen)}
    assert not gaps or max(gaps) - min(gaps) <= 1
