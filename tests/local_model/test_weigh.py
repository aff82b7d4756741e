from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from promptlab.core.types import Likelihood, Sampling
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
from promptlab.local_model.forward_pass.weigh import Target, Weighing, affordable_logits, weigh
from tests.local_model.architectures import (
    PACKED,
    PADDED,
    VOCABULARY,
    alone,
    build,
    cramped,
    kinds,
    prompts,
    spell,
)

GREEDY = Sampling(max_tokens=6)
Pair = tuple[list[int], list[int]]


def pairs() -> list[Pair]:
    """Return prompts, each with some continuations of one token and more."""
    rng = random.Random(2)

    def option(ids: list[int], count: int) -> Pair:
        return ids, [rng.randrange(2, VOCABULARY) for _ in range(count)]

    asked = prompts()
    return [option(ids, count) for ids in (*asked[:5], asked[-1]) for count in (1, 1, 2, 9)]


def plain(model: Any, pair: Pair) -> Likelihood:
    """Return the likelihood as one forward pass over prompt and continuation gives it."""
    ids, continuation = pair
    with torch.inference_mode():
        logits = model(torch.tensor([[*ids, *continuation]])).logits[0, len(ids) - 1 : -1]
    chances = logits.float().log_softmax(-1)
    logprob = sum(float(row[token]) for row, token in zip(chances, continuation, strict=True))
    return Likelihood(logprob, len(continuation), chances.argmax(-1).tolist() == continuation)


def alike(likelihoods: Sequence[Likelihood | None], model: Any, asked: Sequence[Pair]) -> bool:
    expected = [plain(model, pair) for pair in asked]
    return all(
        one is not None
        and abs(one.logprob - other.logprob) < 1e-4
        and (one.tokens, one.greedy) == (other.tokens, other.greedy)
        for one, other in zip(likelihoods, expected, strict=True)
    )


def ask(engine: Engine, asked: Sequence[Prompt]) -> list[Answer]:
    answers: dict[int, Answer] = {}

    def emit(index: int, answer: Answer) -> None:
        assert index not in answers
        answers[index] = answer

    engine.generate(asked, emit, threading.Event())
    return [answers[index] for index in range(len(asked))]


def ask_pairs(engine: Engine, asked: Sequence[Pair]) -> list[Answer]:
    return ask(engine, [Prompt(ids, GREEDY, continuation) for ids, continuation in asked])


def likelihoods(answers: Sequence[Answer]) -> list[Likelihood | None]:
    return [answer.likelihood for answer in answers]


@pytest.fixture(scope="module")
def llama() -> Any:
    return build(PACKED["llama"])


@pytest.mark.slow
@pytest.mark.parametrize("name", kinds([*PACKED, *PADDED]))
def test_likelihoods_are_those_of_one_plain_pass_each(name: str) -> None:
    model = build({**PACKED, **PADDED}[name])
    engine = Engine(model, spell)
    asked = pairs()
    answers = ask_pairs(engine, asked)
    assert alike(likelihoods(answers), model, asked)
    assert {(answer.text, answer.tokens, answer.error) for answer in answers} == {("", 0, None)}
    assert engine.stats.output_tokens == 0
    assert engine.stats.prompt_tokens == sum(len(ids) + len(end) - 1 for ids, end in asked)


@pytest.mark.parametrize("name", ["llama", "bloom"])
def test_greedy_is_what_the_model_would_say(name: str) -> None:
    model = build({**PACKED, **PADDED}[name])
    ids = prompts()[0]
    said = alone(model, ids, 5)
    other = [2 + (token - 1) % 100 for token in said]
    ends = [said, [*said[:-1], other[-1]], [other[0], *said[1:]], said[:1]]
    answers = ask_pairs(Engine(model, spell), [(ids, end) for end in ends])
    assert [each.greedy for each in likelihoods(answers) if each] == [True, False, False, True]


def test_the_prompt_is_read_once_for_all_its_continuations(llama: Any) -> None:
    engine = Engine(llama, spell)
    ids = [2 + token % 100 for token in range(400)]
    asked = [(ids, [7 + option] * count) for option, count in enumerate((1, 1, 3, 8))]
    assert alike(likelihoods(ask_pairs(engine, asked)), llama, asked)
    assert engine.stats.read_tokens == 399 + sum(len(end) for _, end in asked)


def test_what_was_read_before_is_recalled_but_for_what_is_weighed(llama: Any) -> None:
    engine = Engine(llama, spell)
    ids = prompts()[-1]
    ask(engine, [Prompt(ids, GREEDY, followed=True)])
    before = engine.stats.read_tokens
    asked = [(ids, alone(llama, ids, 6)), (ids, [5, 6])]
    assert alike(likelihoods(ask_pairs(engine, asked)), llama, asked)
    assert engine.stats.read_tokens - before == 6 + 2
    assert engine.stats.recalled_tokens > 0


@pytest.mark.slow
def test_some_speak_while_others_are_weighed(llama: Any) -> None:
    asked, pending = prompts(), pairs()
    spoken = [Prompt(ids, GREEDY) for ids in asked]
    expected = [answer.text for answer in ask(Engine(llama, spell), spoken)]
    for rows in (2, 128):
        weighed = [Prompt(ids, GREEDY, end) for ids, end in pending]
        mixed = [each for two in zip(spoken, weighed, strict=False) for each in two]
        answers = ask(Engine(llama, spell, rows), mixed)
        assert [answer.text for answer in answers[::2]] == expected[: len(mixed) // 2]
        assert alike(likelihoods(answers[1::2]), llama, pending[: len(mixed) // 2])


TOKENS = st.integers(2, 4)
FEW = st.lists(
    st.tuples(st.lists(TOKENS, min_size=1, max_size=10), st.lists(TOKENS, min_size=1, max_size=6)),
    min_size=1,
    max_size=8,
)
LIMITS = st.builds(
    Limits, st.integers(1, 5), st.integers(1, 9), st.sampled_from([1, 2**40]), st.integers(1, 4)
)


def in_steps(model: Any, asked: Sequence[Pair], limits: Limits, thrift: Thrift) -> list[Likelihood]:
    shape = fitness(model)
    assert isinstance(shape, Geometry)
    jobs = [
        Job(index, [*ids, *end[:-1]], Row(GREEDY, frozenset(), spell), Weighing(end))
        for index, (ids, end) in enumerate(asked)
    ]
    batch, forward = Batch(jobs, shape, limits, Kept(0), thrift), Forward(model, shape)
    with torch.inference_mode():
        while work := batch.next():
            assert len(work.step.ids) <= limits.tokens
            assert len(work.step.keep) <= limits.weighed
            weigh(forward(work.step), work.targets)
            batch.commit(work)
            for live in work.weighed:
                batch.finish(live)
    assert (batch.bytes, batch.unanswered) == (0, [])
    return [job.weighing.likelihood() for job in jobs if job.weighing]


@settings(max_examples=20)
@given(FEW, LIMITS, st.builds(Thrift, st.integers(1, 3), st.integers(1, 12)))
@pytest.mark.slow
def test_likelihoods_do_not_depend_on_the_steps(
    llama: Any, asked: list[Pair], limits: Limits, thrift: Thrift
) -> None:
    assert alike(in_steps(llama, asked, limits, thrift), llama, asked)


def test_a_step_keeps_no_more_logits_than_it_may(llama: Any) -> None:
    asked = [([2 + token % 100 for token in range(20)], [9] * 90), ([5, 6, 7], [9] * 40)]
    likelihoods = in_steps(llama, asked, Limits(8, 512, 2**40, 7), Thrift(4, 64))
    assert alike(likelihoods, llama, asked)
    assert affordable_logits(llama, 10 * 4 * VOCABULARY) == 10
    assert affordable_logits(llama, 0) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weighing_is_a_log_softmax_however_many_rows(dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    logits = (torch.randn(150, 30) * 9).to(dtype)
    one, two = Weighing(list(range(30)) * 3), Weighing(logits[100:150].argmax(-1).tolist())
    weigh(logits[:110], [Target(one, 0, 90), Target(two, 40, 10), Target(two, 0, 10)])
    weigh(logits[100:], [Target(two, 0, 50)])  # some of them again
    rows = logits.float().log_softmax(-1)
    expected = sum(float(row[token]) for row, token in zip(rows, one.tokens, strict=False))
    assert one.likelihood().logprob == pytest.approx(expected, abs=1e-3)
    assert not one.likelihood().greedy
    best = float(rows[100:].amax(-1).sum())
    assert two.likelihood().logprob == pytest.approx(best, abs=1e-4)
    assert (two.likelihood().tokens, two.likelihood().greedy) == (50, True)


def test_too_long_a_continuation_is_an_error_with_both_numbers(llama: Any) -> None:
    ids = [2 + token % 100 for token in range(500)]
    fits, too_long = ask_pairs(Engine(llama, spell), [(ids, [5] * 13), (ids, [5] * 14)])
    assert fits.error is None
    assert too_long.error == (
        "the prompt has 500 tokens and the continuation has 14, but the model's context is 512"
    )


@pytest.mark.slow
def test_lack_of_memory_makes_steps_smaller(llama: Any) -> None:
    asked = pairs()
    answers = ask_pairs(Engine(cramped(20), spell), asked)
    assert alike(likelihoods(answers), llama, asked)


def test_no_memory_for_the_smallest_step_is_an_error_of_its_prompt(llama: Any) -> None:
    model = cramped(1000)
    engine = Engine(model, spell)
    model.tokens = 0
    answers = ask_pairs(engine, pairs()[:3])
    assert all("out of memory" in (answer.error or "") for answer in answers)


def test_a_failure_is_an_error_of_the_prompts_in_that_step(llama: Any) -> None:
    model = cramped(1000)
    engine = Engine(model, spell, 1)
    model.tokens, model.error = 30, IndexError("index out of range in self")
    long, short = ask_pairs(engine, [([5] * 40, [6]), ([5, 6], [7, 8])])
    assert long.error == "IndexError: index out of range in self"
    assert alike(likelihoods([short]), llama, [([5, 6], [7, 8])])


class Narrow:
    """A hook that refuses more than so many rows, as lack of memory or with another error."""

    def __init__(self, rows: int, error: Exception) -> None:
        self.rows = rows
        self.error = error

    def __call__(self, _: object, __: object, kwargs: dict[str, Any]) -> None:
        if kwargs["input_ids"].shape[0] > self.rows:
            raise self.error


def test_lack_of_memory_halves_padded_batches() -> None:
    model = build(PADDED["bloom"])
    asked = pairs()
    no_memory = Narrow(2, torch.OutOfMemoryError("CUDA out of memory"))
    expected = build(PADDED["bloom"])
    model.register_forward_pre_hook(no_memory, with_kwargs=True)
    engine = Engine(model, spell)
    assert alike(likelihoods(ask_pairs(engine, asked)), expected, asked)
    no_memory.rows = 0
    answers = ask_pairs(engine, asked[:3])
    assert all("out of memory" in (answer.error or "") for answer in answers)
    no_memory.error = IndexError("no such row")
    answers = ask_pairs(engine, asked[:3])
    assert {answer.error for answer in answers} == {"IndexError: no such row"}


@pytest.mark.parametrize("name", ["llama", "bloom"])
def test_cancelling_leaves_in_the_middle(name: str) -> None:
    model = build({**PACKED, **PADDED}[name])
    engine = Engine(model, spell, 1)
    cancelled = threading.Event()
    answers: list[int] = []

    def emit(index: int, _: Answer) -> None:
        answers.append(index)
        if len(answers) == 2:
            cancelled.set()

    asked = [Prompt(ids, GREEDY, end) for ids, end in pairs()]
    engine.generate(asked, emit, cancelled)
    assert len(answers) == 2
