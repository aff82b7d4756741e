from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from promptlab.core.types import Completion, Message, Outcome, Request, Sampling
from promptlab.local_model.batching.engine import Engine
from promptlab.local_model.loading.loaded import LocalModel
from promptlab.local_model.text.chat import Chat

OPTIONS = (" yes", " no", " perhaps not")


def asking(text: str, *continuations: str, key: str | None = None) -> Request:
    user = (Message("user", text),)
    return Request(key or text, user, Sampling(max_tokens=4), continuations=continuations)


@pytest.fixture
def model(tiny_model: Any, tiny_tokenizer: Any) -> LocalModel:
    chat = Chat(tiny_tokenizer)
    return LocalModel("tiny", chat, Engine(tiny_model, chat.decode), {})


def answers(model: LocalModel, requests: Sequence[Request]) -> dict[str, Completion]:
    completions: dict[str, Completion] = {}

    def emit(request: Request, completion: Completion) -> None:
        assert request.key not in completions
        completions[request.key] = completion

    model.answer(requests, emit, threading.Event())
    return completions


def by_hand(model: Any, tokenizer: Any, text: str, option: str) -> float:
    chat = [{"role": "user", "content": text}]
    prompt = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    before = len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
    ids = tokenizer(prompt + option, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        chances = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    return sum(float(chances[at - 1, ids[at]]) for at in range(before, len(ids)))


def test_one_completion_tells_of_all_continuations_in_order(
    model: LocalModel, tiny_model: Any, tiny_tokenizer: Any
) -> None:
    completions = answers(model, [asking(text, *OPTIONS) for text in ("is it", "was it")])
    for text, said in completions.items():
        expected = [by_hand(tiny_model, tiny_tokenizer, text, option) for option in OPTIONS]
        assert [each.logprob for each in said.likelihoods] == pytest.approx(expected, abs=1e-4)
        assert [each.tokens for each in said.likelihoods] == list(map(len, OPTIONS))
        assert said.text == OPTIONS[expected.index(max(expected))]
        assert (said.outcome, said.error, said.model) == (Outcome.OK, None, "tiny")
        prompt = len(Chat(tiny_tokenizer).encode([Message("user", text)]))
        assert said.usage.input_tokens == prompt + sum(map(len, OPTIONS))
        assert said.usage.output_tokens == 0
        assert said.latency_s is not None


def test_the_first_of_equals_is_the_answer(model: LocalModel) -> None:
    (said,) = answers(model, [asking("is it", " b", " a", " a", " b")]).values()
    first, second, third, fourth = (each.logprob for each in said.likelihoods)
    assert (first, second) == pytest.approx((fourth, third), abs=1e-5)
    (alike,) = answers(model, [asking("is it", " a", " a")]).values()
    assert alike.text == " a"


def test_others_speak_beside_it(model: LocalModel) -> None:
    alone = answers(model, [asking("say it")])["say it"]
    mixed = answers(model, [asking("is it", *OPTIONS), asking("say it"), asking("was it", " x")])
    assert mixed["say it"].text == alone.text
    assert mixed["say it"].likelihoods == ()
    assert [len(mixed[key].likelihoods) for key in ("is it", "was it")] == [3, 1]


def test_an_error_of_one_continuation_is_the_error_of_all(model: LocalModel) -> None:
    completions = answers(
        model,
        [
            asking("too long", " yes", " n" * 60),
            asking("empty", " yes", ""),
            asking("fine", " yes", " no"),
        ],
    )
    assert "the model's context is 128" in (completions["too long"].error or "")
    assert completions["empty"].error == "the continuation '' has no tokens"
    for key in ("too long", "empty"):
        said = completions[key]
        assert (said.outcome, said.text, said.likelihoods) == (Outcome.ERROR, "", ())
    assert completions["fine"].outcome is Outcome.OK
