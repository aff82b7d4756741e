from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM

from promptlab.core.types import Sampling
from promptlab.local_model.batching.answers import Answer, Prompt
from promptlab.local_model.batching.engine import Engine


class Runner:
    """The tiny model behind an engine, with texts as prompts."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model = model
        self.tokenizer = tokenizer

    def ask(
        self,
        texts: Sequence[str],
        samplings: Sequence[Sampling],
        *,
        batch_size: int = 16,
        max_length: int | None = None,
    ) -> list[Answer]:
        engine = Engine(self.model, self.decode, batch_size, max_length)
        prompts = [
            Prompt(self.tokenizer(text)["input_ids"], sampling)
            for text, sampling in zip(texts, samplings, strict=True)
        ]
        answers: dict[int, Answer] = {}

        def emit(index: int, answer: Answer) -> None:
            assert index not in answers
            answers[index] = answer

        engine.generate(prompts, emit, threading.Event())
        return [answers[index] for index in range(len(texts))]

    def decode(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))


TEXTS = [
    "the quick brown fox", "a", "jumps over it", "lazy dogs sleep", "hello there", "one more",
]  # fmt: skip


@pytest.fixture
def runner(tiny_model: Any, tiny_tokenizer: Any) -> Runner:
    return Runner(tiny_model, tiny_tokenizer)


def all_alike(count: int, **sampling: Any) -> list[Sampling]:
    return [Sampling(**sampling)] * count


@pytest.mark.slow
def test_greedy_in_a_batch_is_what_transformers_says_alone(runner: Runner) -> None:
    answers = runner.ask(TEXTS, all_alike(6, max_tokens=12))
    for text, answer in zip(TEXTS, answers, strict=True):
        ids = runner.tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            said = runner.model.generate(
                **{k: ids[k] for k in ("input_ids", "attention_mask")},
                max_new_tokens=12,
                do_sample=False,
            )
        assert answer.text == runner.decode(said[0, ids["input_ids"].shape[1] :].tolist())
        assert (answer.tokens, answer.finish) == (12, "length")


def test_each_row_has_its_own_limit(runner: Runner) -> None:
    limits = [1, 20, 3, 7, 2, 11]
    answers = runner.ask(TEXTS, [Sampling(max_tokens=n) for n in limits])
    assert [answer.tokens for answer in answers] == limits
    assert [len(answer.text) for answer in answers] == limits


@pytest.mark.slow
def test_a_stop_string_ends_its_row_and_is_cut(runner: Runner) -> None:
    whole = runner.ask(TEXTS, all_alike(6, max_tokens=20))
    stop = whole[0].text[5:8]
    at = whole[0].text.index(stop)
    samplings = [Sampling(max_tokens=20, stop=("", "#", stop)), *all_alike(5, max_tokens=20)]
    answers = runner.ask(TEXTS, samplings)
    assert answers[0].text == whole[0].text[:at]
    assert (answers[0].tokens, answers[0].finish) == (at + 3, "stop")
    assert [a.text for a in answers[1:]] == [a.text for a in whole[1:]]


def test_the_end_token_is_counted_and_not_shown(runner: Runner) -> None:
    first = runner.ask(TEXTS[:1], all_alike(1, max_tokens=9))[0].text
    runner.model.generation_config.eos_token_id = runner.tokenizer(first[4])["input_ids"][0]
    answer = runner.ask(TEXTS[:1], all_alike(1, max_tokens=9))[0]
    at = first.index(first[4])
    assert (answer.text, answer.tokens, answer.finish) == (first[:at], at + 1, "stop")


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_sampling_does_not_depend_on_the_batch(runner: Runner, batch_size: int) -> None:
    samplings = [Sampling(temperature=1.0, max_tokens=16, seed=seed) for seed in range(6)]
    whole = runner.ask(TEXTS, samplings, batch_size=6)
    assert runner.ask(TEXTS, samplings, batch_size=batch_size) != []
    again = runner.ask(TEXTS, samplings, batch_size=batch_size)
    assert [a.text for a in again] == [a.text for a in whole]


def test_another_seed_draws_another_answer(runner: Runner) -> None:
    samplings = [Sampling(temperature=1.0, max_tokens=16, seed=seed) for seed in range(6)]
    answers = runner.ask([TEXTS[0]] * 6, samplings)
    assert len({answer.text for answer in answers}) == 6


@pytest.mark.slow
def test_draws_follow_the_models_own_chances(runner: Runner) -> None:
    ids = runner.tokenizer(TEXTS[0], return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        chances = (runner.model(ids).logits[0, -1] / 3.0).softmax(-1)
    count = 2000
    samplings = [Sampling(temperature=3.0, max_tokens=1, seed=seed) for seed in range(count)]
    drawn = runner.ask([TEXTS[0]] * count, samplings, batch_size=500)
    for letter in "aeiou ":
        p = float(chances[runner.tokenizer(letter)["input_ids"][0]])
        share = sum(answer.text == letter for answer in drawn) / count
        assert abs(share - p) < 5 * (p * (1 - p) / count) ** 0.5


def test_a_small_nucleus_is_greedy(runner: Runner) -> None:
    greedy = runner.ask(TEXTS, all_alike(6, max_tokens=10))
    narrow = runner.ask(TEXTS, all_alike(6, max_tokens=10, temperature=1.0, top_p=1e-9, seed=3))
    assert [a.text for a in narrow] == [a.text for a in greedy]


@pytest.mark.slow
def test_sampling_settings_of_the_model_do_not_count(runner: Runner) -> None:
    plain = runner.ask(TEXTS, all_alike(6, max_tokens=10))
    config = runner.model.generation_config
    config.do_sample, config.temperature, config.top_k, config.max_length = True, 9.0, 1, 20
    assert runner.ask(TEXTS, all_alike(6, max_tokens=10))[1].text == plain[1].text


@pytest.mark.slow
def test_too_long_a_prompt_is_an_error_with_both_numbers(runner: Runner) -> None:
    short, long = runner.ask(["abc", "a" * 100], all_alike(2, max_tokens=29))
    assert short.error is None
    assert long.error is not None
    assert all(number in long.error for number in ("100", "29", "128"))
    assert runner.ask(["a" * 99], all_alike(1, max_tokens=29))[0].error is None
    assert runner.ask(["abcdef"], all_alike(1, max_tokens=5), max_length=10)[0].error is not None


class Cramped(LlamaForCausalLM):  # type: ignore[misc]
    """A model on a machine whose memory holds two rows."""

    rows = 2
    error: Exception = torch.OutOfMemoryError("CUDA out of memory")

    def forward(self, input_ids: Any = None, **kwargs: Any) -> Any:
        if input_ids.shape[0] > self.rows:
            raise self.error
        return super().forward(input_ids=input_ids, **kwargs)


@pytest.mark.slow
@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ],
    ids=["gpu", "cpu", "python"],
)
def test_lack_of_memory_halves_the_batch(
    runner: Runner, tiny_tokenizer: Any, error: Exception
) -> None:
    whole = runner.ask(TEXTS, all_alike(6, max_tokens=8))
    cramped = Cramped(runner.model.config).eval()
    cramped.load_state_dict(runner.model.state_dict())
    cramped.error = error
    answers = Runner(cramped, tiny_tokenizer).ask(TEXTS, all_alike(6, max_tokens=8))
    assert [answer.text for answer in answers] == [answer.text for answer in whole]


def test_no_memory_for_one_row_is_an_error_of_that_row(runner: Runner, tiny_tokenizer: Any) -> None:
    cramped = Cramped(runner.model.config).eval()
    cramped.rows = 0
    answers = Runner(cramped, tiny_tokenizer).ask(TEXTS, all_alike(6, max_tokens=8))
    assert all("out of memory" in (answer.error or "") for answer in answers)


def test_a_failing_model_is_an_error_of_its_rows(runner: Runner, tiny_tokenizer: Any) -> None:
    broken = Cramped(runner.model.config).eval()
    broken.rows, broken.error = 0, IndexError("index out of range in self")
    answers = Runner(broken, tiny_tokenizer).ask(TEXTS, all_alike(6, max_tokens=8))
    assert {answer.error for answer in answers} == {"IndexError: index out of range in self"}


def test_cancelling_leaves_in_the_middle(runner: Runner) -> None:
    engine = Engine(runner.model, runner.decode, batch_size=1)
    cancelled = threading.Event()
    prompts = [
        Prompt(runner.tokenizer(text)["input_ids"], Sampling(max_tokens=9)) for text in TEXTS
    ]
    answers: list[int] = []

    def emit(index: int, answer: Answer) -> None:
        answers.append(index)
        if len(answers) == 2:
            cancelled.set()

    started = time.perf_counter()
    engine.generate(prompts, emit, cancelled)
    assert answers == [0, 3]  # the longest two
    assert time.perf_counter() - started < 2


def test_cancelling_leaves_within_one_forward_pass(runner: Runner) -> None:
    engine = Engine(runner.model, runner.decode, batch_size=8)
    cancelled = threading.Event()
    layers: list[int] = []
    first, second = runner.model.model.layers
    first.register_forward_hook(lambda *_: cancelled.set())
    second.register_forward_hook(lambda *_: layers.append(2))
    prompt = Prompt(runner.tokenizer("abc")["input_ids"], Sampling(max_tokens=9))
    engine.generate([prompt], lambda index, answer: layers.append(index), cancelled)
    assert layers == []
