from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
import torch

from promptlab.core.types import Sampling
from promptlab.local_model.batching.answers import Answer, Prompt
from promptlab.local_model.batching.batch import Batch, Limits
from promptlab.local_model.batching.engine import Engine
from promptlab.local_model.batching.fitness import fitness
from promptlab.local_model.batching.held import Job
from promptlab.local_model.batching.kept import Kept
from promptlab.local_model.batching.rows import Row
from promptlab.local_model.batching.trie import Thrift
from promptlab.local_model.forward_pass.forward import Forward
from promptlab.local_model.forward_pass.kv import Geometry
from tests.local_model.architectures import (
    PACKED,
    PADDED,
    alone,
    build,
    cramped,
    kinds,
    prompts,
    spell,
)

SAID = 8
LIMITS = {
    "all at once": (Limits(64, 512, 2**40), Thrift(4, 64)),
    "little at once": (Limits(3, 7, 2**40), Thrift(2, 10_000)),
    "nothing copied": (Limits(5, 16, 2**40), Thrift(1, 1)),
    "no memory": (Limits(8, 32, 1), Thrift(4, 64)),
}


def answers(
    engine: Engine, asked: Sequence[Sequence[int]], *, followed: bool = False, **sampling: Any
) -> list[Answer]:
    by_index: dict[int, Answer] = {}

    def emit(index: int, answer: Answer) -> None:
        assert index not in by_index
        by_index[index] = answer

    how = Sampling(**{"max_tokens": SAID, **sampling})
    given = [Prompt(ids, how, followed=followed) for ids in asked]
    engine.generate(given, emit, threading.Event())
    return [by_index[index] for index in range(len(asked))]


def texts(engine: Engine, asked: Sequence[Sequence[int]], **how: Any) -> list[str]:
    return [answer.text for answer in answers(engine, asked, **how)]


def said_alone(model: Any, asked: Sequence[list[int]]) -> list[str]:
    """Return what transformers says to each, without the end token and padding."""
    rows = [alone(model, ids, SAID) for ids in asked]
    return [spell(row[: row.index(1)] if 1 in row else row) for row in rows]


@cache
def first_said(name: str) -> list[str]:
    """Return what such a model says to the prompts."""
    return said_alone(build({**PACKED, **PADDED}[name]), prompts())


def geometry(model: Any) -> Geometry:
    shape = fitness(model)
    assert isinstance(shape, Geometry)
    return shape


@pytest.mark.parametrize("name", kinds(PACKED))
@pytest.mark.slow
def test_greedy_is_what_transformers_says_alone(name: str) -> None:
    expected = first_said(name)
    engine = Engine(build(PACKED[name]), spell)
    assert engine.note is None
    assert texts(engine, prompts()) == expected
    assert len(set(expected)) > 5  # so that they tell something
    assert engine.stats.read_tokens < sum(map(len, prompts())) / 2


@pytest.mark.parametrize("name", kinds(PADDED))
def test_other_models_get_padded_batches_and_it_says_so(name: str) -> None:
    expected = first_said(name)
    engine = Engine(build(PADDED[name]), spell)
    assert engine.note
    assert texts(engine, prompts()) == expected
    assert engine.stats.shared == 0


def test_settings_that_change_scores_are_left_to_transformers() -> None:
    model = build(PACKED["llama"])
    model.generation_config.no_repeat_ngram_size = 2
    assert Engine(model, spell).note == "its settings change scores"


@pytest.mark.slow
def test_a_penalty_of_repetition_is_the_models_own() -> None:
    model = build(PACKED["llama"])
    plain = first_said("llama")
    model.generation_config.repetition_penalty = 1.3
    expected = said_alone(model, prompts())
    assert expected != plain
    assert texts(Engine(model, spell), prompts()) == expected


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        pytest.param(
            *(name, limits),
            marks=[] if name == "llama" or place == at else [pytest.mark.slow],
        )
        for at, name in enumerate(["llama", "gemma2", "mistral", "gpt2", "gpt-oss"])
        for place, limits in enumerate(LIMITS, start=1)
    ],
)
def test_logits_are_those_of_each_prompt_alone(name: str, limits: str) -> None:
    model = build(PACKED[name])
    asked = prompts()
    next_ids = [[7 + row, 60 - row, 3, 90] for row in range(len(asked))]
    jobs = [
        Job(index, ids, Row(Sampling(max_tokens=4), frozenset(), spell))
        for index, ids in enumerate(asked)
    ]
    shape = geometry(model)
    most, thrift = LIMITS[limits]
    batch, forward = Batch(jobs, shape, most, Kept(0), thrift), Forward(model, shape)
    packed: list[list[torch.Tensor]] = [[] for _ in asked]
    with torch.inference_mode():
        while work := batch.next():
            logits = forward(work.step)
            batch.commit(work)
            for live, row in zip(work.generating, logits, strict=False):
                index = live.job.index
                packed[index].append(row)
                live.job.row.push(next_ids[index][len(packed[index]) - 1])
            for live in work.generating:
                if live.job.row.finish:
                    batch.finish(live)
        for ids, said, rows in zip(asked, next_ids, packed, strict=True):
            whole = model(torch.tensor([[*ids, *said[:-1]]])).logits[0, -4:]
            assert (torch.stack(rows) - whole).abs().max() < 1e-3


def test_tokens_are_counted_as_they_are() -> None:
    model = build(PACKED["llama"])
    engine = Engine(model, spell)
    asked = prompts()
    replies = answers(engine, asked)
    assert engine.stats.prompt_tokens == sum(map(len, asked))
    assert engine.stats.output_tokens == sum(answer.tokens for answer in replies)
    assert engine.stats.seconds > 0
    assert engine.stats.shared == 1 - engine.stats.read_tokens / engine.stats.prompt_tokens


def test_a_long_shared_beginning_is_read_once_even_over_several_calls() -> None:
    engine = Engine(build(PACKED["llama"]), spell)
    common = [2 + token % 100 for token in range(400)]
    asked = [[*common, 2 + row % 110, 3 + row // 110] for row in range(200)]
    for begin in range(0, 200, 50):
        answers(engine, asked[begin : begin + 50], max_tokens=2)
    assert engine.stats.read_tokens <= 1.05 * (400 + 2 * 200)


@pytest.mark.slow
def test_a_second_turn_recalls_the_first() -> None:
    model = build(PACKED["qwen2"])
    engine = Engine(model, spell)
    first = prompts()
    rows = [alone(model, ids, SAID) for ids in first]
    turns = [[*ids, *row, 9, 8, 7] for ids, row in zip(first, rows, strict=True) if 1 not in row]
    assert len(turns) > 10
    assert texts(engine, first, followed=True) == first_said("qwen2")
    before = engine.stats.read_tokens
    assert texts(engine, turns) == said_alone(model, turns)
    read = engine.stats.read_tokens - before
    # The newest token of an answer was never read; the new message has three.
    assert read <= 4 * len(turns)
    assert engine.stats.recalled_tokens > 0


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_prompts() -> None:
    shape = geometry(build(PACKED["llama"]))
    common = [2 + token % 100 for token in range(300)]
    once = Sampling(max_tokens=1)

    def most_bytes(count: int) -> int:
        jobs = [
            Job(row, [*common, row % 110, row // 110, 5], Row(once, frozenset(), spell))
            for row in range(count)
        ]
        limits = Limits(16, 64, 400 * shape.token_bytes)
        batch, most = Batch(jobs, shape, limits, Kept(0), Thrift(4, 64)), 0
        while work := batch.next():
            batch.commit(work)
            most = max(most, batch.bytes)
            for live in work.generating:
                live.job.row.push(3)
                batch.finish(live)
        assert not batch.unanswered
        assert batch.bytes == 0
        return most

    few, many = most_bytes(50), most_bytes(1000)
    assert many <= 1.02 * few <= 400 * shape.token_bytes


@pytest.mark.parametrize("rows", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 5))])
@pytest.mark.slow
def test_sampling_does_not_depend_on_the_batch(rows: int) -> None:
    model = build(PACKED["llama"])
    asked = prompts()
    drawn = {"temperature": 1.0, "seed": 5}
    whole = texts(Engine(model, spell), asked, **drawn)
    assert texts(Engine(model, spell, rows), asked, **drawn) == whole
    assert texts(Engine(model, spell), asked[::-1], **drawn) == whole[::-1]


@pytest.mark.slow
def test_lack_of_memory_makes_steps_smaller() -> None:
    expected = texts(Engine(build(PACKED["llama"]), spell), prompts())
    engine = Engine(cramped(20), spell)
    assert engine.note is None
    assert texts(engine, prompts()) == expected


@pytest.mark.slow
def test_lack_of_memory_in_the_middle_of_answers_loses_nothing() -> None:
    model = cramped(1000)
    engine = Engine(model, spell)
    spoken: list[int] = []

    def shrink(_: object, given: Any, kwargs: dict[str, Any]) -> None:
        spoken.append(kwargs["input_ids"].shape[1])
        if len(spoken) == 4:
            model.tokens = 18

    model.register_forward_pre_hook(shrink, with_kwargs=True)
    expected = texts(Engine(build(PACKED["llama"]), spell), prompts(), temperature=1.0, seed=3)
    assert texts(engine, prompts(), temperature=1.0, seed=3) == expected
    assert max(spoken[:4]) > 18


def test_no_memory_for_the_smallest_step_is_an_error_of_its_prompt() -> None:
    model = cramped(1000)
    engine = Engine(model, spell)
    model.tokens = 0
    replies = answers(engine, prompts()[:4])
    assert all("out of memory" in (answer.error or "") for answer in replies)


def test_a_failure_is_an_error_of_the_prompts_in_that_step() -> None:
    model = cramped(1000)
    engine = Engine(model, spell, 1)
    model.tokens, model.error = 30, IndexError("index out of range in self")
    short, long = [5, 6, 7], [5] * 40
    replies = answers(engine, [short, long])
    assert replies[1].error == "IndexError: index out of range in self"
    assert replies[0].error is None


def test_cancelling_leaves_before_the_next_layer() -> None:
    model = build(PACKED["llama"])
    engine = Engine(model, spell)
    cancelled = threading.Event()
    reached: list[str] = []
    model.model.layers[0].register_forward_hook(lambda *_: cancelled.set())
    model.model.layers[1].register_forward_hook(lambda *_: reached.append("second layer"))
    asked = [Prompt([5, 6, 7], Sampling(max_tokens=9))]
    engine.generate(asked, lambda *_: reached.append("answer"), cancelled)
    assert reached == []


def test_the_models_own_attention_is_left_in_place() -> None:
    model = build(PACKED["llama"])
    before = model.config._attn_implementation
    answers(Engine(model, spell), prompts()[:2])
    assert model.config._attn_implementation == before


def test_a_prompt_of_no_tokens_is_an_error() -> None:
    (answer,) = answers(Engine(build(PACKED["llama"]), spell), [[]])
    assert answer.error == "the prompt has no tokens"
