"""What a chat template does to messages beside writing them down."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from promptlab.core.errors import BackendError
from promptlab.core.types import Message, Role
from promptlab.local_model.text.chat import Chat, ChatError
from promptlab.local_model.text.chat_template import Wishes, find_template, loss_of
from tests.local_model.conftest import make_tokenizer

EACH = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
SYSTEM = [Message("system", "Be brief."), Message("user", "Label: good")]
SHOT = [Message("user", "Label: bad"), Message("assistant", "negative"), Message("user", "Go on")]
NO_SYSTEM = EACH.replace("in messages", "in messages if m.role != 'system'")
LAST = "{{ messages[-1].content }}"
FIRST = "{{ messages[0].content }}"
SHORTENED = EACH.replace("m.content", "m.content[:4]")
LOUD = EACH.replace("m.content", "m.content | upper")
MERGED = (
    "{% set s = messages[0].content if messages[0].role == 'system' else '' %}"
    "{% for m in messages if m.role != 'system' %}"
    "[{{ s if loop.first }}{{ m.content }}]{% endfor %}"
)
SYSTEM_LAST = (
    "{% for m in messages if m.role != 'system' %}[{{ m.content }}]{% endfor %}"
    "{% for m in messages if m.role == 'system' %}[{{ m.content }}]{% endfor %}"
)


def lost(template: str, messages: list[Message]) -> tuple[str, ...]:
    return Chat(make_tokenizer(template)).loss(messages).left_out


@pytest.mark.parametrize(
    ("template", "messages", "expected"),
    [
        (EACH, SYSTEM, ()),
        (EACH, SHOT, ()),
        (EACH.replace("m.content", "m.content | trim"), SYSTEM, ()),
        (MERGED, SYSTEM, ()),
        (NO_SYSTEM, SYSTEM, ("system",)),
        (NO_SYSTEM, SHOT, ()),
        (LAST, SYSTEM, ("system",)),
        (LAST, SHOT, ("user", "assistant")),
        (FIRST, SHOT, ("assistant", "user")),
        (LOUD, SYSTEM, ("system", "user")),
        ("no messages at all", SHOT, ("user", "assistant", "user")),
    ],
)
def test_roles_that_are_left_out_are_seen(
    template: str, messages: list[Message], expected: tuple[str, ...]
) -> None:
    assert lost(template, messages) == expected


def test_another_order_is_seen() -> None:
    chat = Chat(make_tokenizer(SYSTEM_LAST))
    assert chat.loss(SYSTEM).moved
    assert not chat.loss(SHOT).moved
    assert chat.encode(SYSTEM)  # all of it is there


@pytest.mark.parametrize("template", [NO_SYSTEM, LAST, SHORTENED, LOUD])
def test_a_prompt_without_the_text_of_its_messages_is_refused(template: str) -> None:
    with pytest.raises(ChatError, match="leaves out or changes text of a message"):
        Chat(make_tokenizer(template)).encode(SYSTEM)
    accepted = Chat(make_tokenizer(template), Wishes(accept=("lost_text",)))
    assert accepted.encode(SYSTEM)


def test_a_text_that_is_cut_by_its_content_is_refused_alone() -> None:
    chat = Chat(make_tokenizer(EACH.replace("m.content", "m.content.split('##')[-1]")))
    assert chat.encode([Message("user", "all of it")])
    with pytest.raises(ChatError):
        chat.encode([Message("user", "half ## of it")])


def test_white_space_at_the_ends_and_repeated_texts_are_no_loss() -> None:
    roles: list[Role] = ["user", "assistant", "user"]
    assert loss_of("a|b|a", roles, [" a\n", "b", "a "]).left_out == ()
    assert loss_of("a|b", roles, ["a", "b", "a"]).moved


CLOCK = EACH + "Today is {{ strftime_now('%d %b %Y, %H:%M:%S.%f') }}."


def prompt(template: str | dict[str, str], wishes: Wishes = Wishes()) -> str:  # noqa: B008
    found = find_template(make_tokenizer(template), wishes)
    assert found is not None
    return found.render(SYSTEM, [message.text for message in SYSTEM])


def test_the_clock_of_a_template_stands_still() -> None:
    assert "Today is 26 Jul 2024, 00:00:00.000000." in prompt(CLOCK)
    day = datetime.date(2026, 11, 30)
    assert "Today is 30 Nov 2026, 00:00:00.000000." in prompt(CLOCK, Wishes(date=day))


def test_a_named_template_is_the_users_choice() -> None:
    named = {"rag": "R" + EACH, "tool_use": "T" + EACH}
    with pytest.raises(BackendError, match="named rag, tool_use, none 'default'") as caught:
        Chat(make_tokenizer(named))
    assert caught.value.hint == 'choose one: chat_template = "rag"'
    assert prompt(named, Wishes(name="tool_use")).startswith("T")
    assert prompt({**named, "default": "D" + EACH}).startswith("D")
    with pytest.raises(BackendError, match="none 'chat'"):
        prompt(named, Wishes(name="chat"))
    with pytest.raises(BackendError, match="no named chat templates"):
        prompt(EACH, Wishes(name="rag"))


@pytest.mark.parametrize(
    "template",
    [
        "{{ 1 // 0 }}",
        "{{ messages[9].content.strip() }}",
        "{{ messages[0] + 1 }}",
        "{{ raise_exception('no') }}",
        "{% for m in messages %}",
        "{{ strftime_now(7) }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ messages.append(1) }}",
        "{{ nothing() }}",
    ],
)
def test_whatever_a_template_raises_is_an_error_of_its_prompt(template: str) -> None:
    with pytest.raises(ChatError, match=r"refuses these messages \(system, user\): ."):
        Chat(make_tokenizer(template)).encode(SYSTEM)


THINKS = (
    EACH + "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
)


def test_thinking_is_told_to_the_template() -> None:
    assert prompt(THINKS) == prompt(THINKS, Wishes(thinking="on"))
    assert prompt(THINKS, Wishes(thinking="off")) == prompt(THINKS) + "<think></think>"
    budget = EACH + "{{ thinking_budget }}"
    assert prompt(budget, Wishes(thinking=300)).endswith("300")


ONLY_SPEAKS_OF_IT = "thinking" + EACH + "{{ messages[0].thinking }}{{ 'enable_thinking' }}"


@pytest.mark.parametrize(
    ("template", "thinking"),
    [(EACH, "on"), (EACH, "off"), (EACH, 9), (THINKS, 9), (ONLY_SPEAKS_OF_IT, "on"), ("{%", "on")],
)
def test_what_a_template_does_not_know_is_refused(template: str, thinking: Any) -> None:
    with pytest.raises(BackendError, match=r"cannot be told (whether|how much) to think"):
        prompt(template, Wishes(thinking=thinking))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (EACH, ["<|im_end|>"]),
        (EACH.replace("<|im_end|>", "<|x|>"), ["<|x|>", "<|im_end|>"]),
        (EACH.replace("<|im_end|>", "<end>"), ["<|im_end|>", "<end>"]),
        (EACH.replace("<|im_end|>", " over"), ["<|im_end|>"]),
        ("{{ raise_exception('no assistant') }}", ["<|im_end|>"]),
        (None, ["<|im_end|>"]),
    ],
)
def test_the_template_says_what_ends_a_turn(template: str | None, expected: list[str]) -> None:
    tokenizer = make_tokenizer(template, ["<end>", "over"])
    assert Chat(tokenizer).ends == set(tokenizer.convert_tokens_to_ids(expected))
