from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from promptlab.backends.echo import Echo, Options
from promptlab.core.types import Completion, Message, Outcome, Request, Sampling


def ask(*messages: Message, options: dict[str, Any] | None = None, **sampling: Any) -> Completion:
    echo = Echo(None, Options(**(options or {})))

    async def first() -> Completion:
        answers = [
            c async for _, c in echo.generate([Request("k", messages, Sampling(**sampling))])
        ]
        return answers[0]

    return asyncio.run(first())


def user(text: str) -> Message:
    return Message("user", text)


def test_it_says_the_last_user_message() -> None:
    said = ask(Message("system", "Be brief."), user("one"), Message("assistant", "a"), user("b c"))
    assert (said.outcome, said.text, said.finish_reason) == (Outcome.OK, "b c", "stop")
    assert (said.usage.input_tokens, said.usage.output_tokens) == (6, 2)
    assert said.latency_s == 0


def test_it_says_a_fixed_reply() -> None:
    assert ask(user("what?"), options={"reply": "positive"}).text == "positive"


def test_nothing_to_say_is_empty() -> None:
    assert ask(Message("system", "x")).outcome is Outcome.EMPTY
    assert ask(user("  \n")).outcome is Outcome.EMPTY


def test_a_stop_string_is_cut_off() -> None:
    said = ask(user("a b\nc END d"), stop=("END", "", "\n"))
    assert (said.text, said.outcome, said.usage.output_tokens) == ("a b", Outcome.OK, 2)


@given(words=st.lists(st.sampled_from(["a", "bb", "\n", " "])), limit=st.integers(1, 6))
def test_the_limit_counts_words(words: list[str], limit: int) -> None:
    text = " ".join(words)
    said = ask(user(text), max_tokens=limit)
    assert said.text.split() == text.split()[:limit]
    assert text.startswith(said.text)
    assert (said.outcome is Outcome.TRUNCATED) == (len(text.split()) > limit)


def test_it_fails_where_it_is_reported_to() -> None:
    said = ask(user("a bad day"), options={"fail": "bad"})
    assert said.outcome is Outcome.ERROR
    assert said.error == "told to fail on 'bad'"
    assert said.usage.output_tokens is None
    assert ask(user("a good day"), options={"fail": "bad"}).outcome is Outcome.OK


def test_a_delay_makes_it_a_remote_backend_with_the_same_identity() -> None:
    slow, fast = Echo("m", Options(delay_s=0.5)), Echo("m", Options())
    assert slow.identity() == fast.identity()
    assert (slow.capacity.batch, fast.capacity.calls) == (1, 1)
    assert ask(user("x"), options={"delay_s": 0.02}).latency_s == 0.02


def test_the_event_loop_gets_its_turn() -> None:
    requests = [Request(str(i), (user("x"),), Sampling()) for i in range(5000)]

    async def turns() -> int:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        async for _ in Echo(None, Options()).generate(requests):
            pass
        counting.cancel()
        return turns

    assert asyncio.run(turns()) >= 10
