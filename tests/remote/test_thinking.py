"""`thinking` in the words of each server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from promptlab.backends.anthropic import Anthropic
from promptlab.backends.anthropic import Options as AnthropicOptions
from promptlab.backends.gemini import Gemini
from promptlab.backends.gemini import Options as GeminiOptions
from promptlab.backends.ollama import Ollama
from promptlab.backends.ollama import Options as OllamaOptions
from promptlab.backends.openai import OpenAI, Options
from promptlab.core.errors import BackendError
from promptlab.core.types import Completion, Message, Outcome, Request, Sampling
from promptlab.remote.backend import RemoteBackend

REQUEST = Request("k", (Message("user", "Wet?"),), Sampling(temperature=1, max_tokens=9_000))


def chat(host: str | None = None, **options: Any) -> OpenAI:
    url = None if host is None else f"https://{host}/v1"
    return OpenAI("m", Options(base_url=url, **options))


def claude(**options: Any) -> Anthropic:
    return Anthropic("m", AnthropicOptions(**options))


def gemini(**options: Any) -> Gemini:
    return Gemini("m", GeminiOptions(**options))


def ollama(**options: Any) -> Ollama:
    return Ollama("m", OllamaOptions(**options))


def template(on: bool) -> dict[str, Any]:
    return {"chat_template_kwargs": {"enable_thinking": on, "thinking": on}}


def config(budget: int, shown: bool) -> dict[str, Any]:
    return {"thinkingBudget": budget, "includeThoughts": shown}


@pytest.mark.parametrize(
    ("backend", "keys"),
    [
        (chat(thinking="on"), {"reasoning_effort": "medium"}),
        (chat(thinking="off"), {"reasoning_effort": "none"}),
        (chat("my.openai.azure.com", thinking="off"), {"reasoning_effort": "none"}),
        (chat(api="responses", thinking="off"), {"reasoning": {"effort": "none"}}),
        (chat("openrouter.ai", thinking="off"), {"reasoning": {"enabled": False}}),
        (chat("openrouter.ai", thinking=2048), {"reasoning": {"max_tokens": 2048}}),
        (chat("dashscope.aliyuncs.com", thinking="off"), {"enable_thinking": False}),
        (
            chat("dashscope.aliyuncs.com", thinking=64),
            {"enable_thinking": True, "thinking_budget": 64},
        ),
        (chat("api.deepseek.com", thinking="on"), {"thinking": {"type": "enabled"}}),
        (chat("my-box:8000", thinking="on"), template(True)),
        (chat("my-box:8000", thinking="off"), template(False)),
        (claude(thinking="on"), {"thinking": {"type": "adaptive"}}),
        (claude(thinking="off"), {"thinking": {"type": "disabled"}}),
        (claude(thinking=2048), {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        (ollama(thinking="on"), {"think": True}),
        (ollama(thinking=False), {"think": False}),
    ],
)
def test_each_server_is_told_in_its_own_words(backend: RemoteBackend, keys: dict[str, Any]) -> None:
    backend.shortfalls(REQUEST.sampling, None)
    body = backend.body(REQUEST)
    assert {key: body.get(key) for key in keys} == keys


@pytest.mark.parametrize(
    ("thinking", "keys"),
    [("on", config(-1, True)), ("off", config(0, False)), (64, config(64, True))],
)
def test_gemini_is_told_in_tokens(thinking: Any, keys: dict[str, Any]) -> None:
    body = gemini(thinking=thinking).body(REQUEST)
    assert body["generationConfig"]["thinkingConfig"] == keys


@pytest.mark.parametrize(
    "backend",
    [
        chat(thinking=64),
        chat("my-box", thinking=64),
        chat("api.deepseek.com", thinking=64),
        chat(api="responses", thinking=64),
        claude(thinking=64),
        claude(thinking=9_000),
    ],
)
def test_a_number_of_tokens_is_refused_where_there_is_no_word_for_it(
    backend: RemoteBackend,
) -> None:
    with pytest.raises(BackendError, match="thinking: "):
        backend.shortfalls(REQUEST.sampling, None)


@pytest.mark.parametrize(
    ("options", "given"),
    [
        (OllamaOptions, {"thinking": 64}),
        (OllamaOptions, {"thinking": "on", "think": True}),
        (Options, {"thinking": "on", "reasoning_effort": "low"}),
        (GeminiOptions, {"thinking": "on", "thinking_budget": 5}),
        (GeminiOptions, {"thinking": "much"}),
        (AnthropicOptions, {"thinking": "much"}),
    ],
)
def test_it_is_said_in_one_way(options: type[Any], given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        options(**given)


def test_a_model_that_thinks_all_the_same_is_told() -> None:
    said = Completion(Outcome.OK, "yes", thoughts="Hm.")
    off = chat("my-box", thinking="off")._checked(said)
    assert "the model thought, although thinking is off" in off.warnings[0]
    for options in ({}, {"thinking": "on"}):
        assert chat("my-box", **options)._checked(said).warnings == ()
    silent = replace(said, thoughts="")
    assert chat("my-box", thinking="off")._checked(silent).warnings == ()


def test_the_words_that_anthropic_had_before_mean_the_same() -> None:
    assert claude(thinking="on").identity() == claude(thinking="adaptive").identity()
    assert claude(thinking="off").identity() == claude(thinking="disabled").identity()
    assert claude().identity() != claude(thinking="off").identity()
