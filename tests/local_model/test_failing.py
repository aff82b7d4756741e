"""A prompt that breaks the model fails alone, in packed steps and in padded batches."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
import torch
import transformers as tf

from promptlab.core.types import Sampling
from promptlab.local_model.batching.answers import Answer, Prompt
from promptlab.local_model.batching.engine import Engine
from promptlab.local_model.batching.trial import looks_ahead
from tests.local_model.architectures import PACKED, PADDED, VOCABULARY, build, prompts, spell

POISON = 77  # a token of which the model makes NaN, or at which it fails
SAID = 6
KINDS = {"packed": PACKED["llama"], "padded": PADDED["llama with dynamic positions"]}
NOT_NUMBERS = "are not numbers (NaN or infinite)"


def ask(
    engine: Engine, asked: Sequence[Sequence[int]], given: Sequence[int] = (), **sampling: Any
) -> list[Answer]:
    """Answer the prompts, or weigh the tokens `given` after each."""
    by_index: dict[int, Answer] = {}

    def emit(index: int, answer: Answer) -> None:
        assert index not in by_index
        by_index[index] = answer

    how = Sampling(**{"max_tokens": SAID, **sampling})
    engine.generate([Prompt(ids, how, given) for ids in asked], emit, threading.Event())
    return [by_index[index] for index in range(len(asked))]


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest) -> Any:
    return build(KINDS[request.param])


def mixed() -> tuple[list[list[int]], list[bool]]:
    """Return prompts of which some hold the poison, first or last, and which those are."""
    good = [[t for t in ids if t != POISON] for ids in prompts()[:8]]
    bad = [[*good[0][:-1], POISON], [POISON, *good[3]], [*good[1], POISON, 5]]
    asked = [*good[:3], bad[0], *good[3:5], bad[1], bad[2], *good[5:]]
    return asked, [POISON in ids for ids in asked]


def poison(model: Any, token: int = POISON, value: float = float("nan")) -> None:
    with torch.no_grad():
        model.get_input_embeddings().weight[token] = value


def fail_at(model: Any, token: int = POISON) -> None:
    """Let the forward pass fail on a token, as an embedding does without a row for it."""

    def forward_pre(_: object, args: Any, kwargs: dict[str, Any]) -> None:
        ids = kwargs["input_ids"] if "input_ids" in kwargs else args[0]
        if (ids == token).any():
            raise IndexError("index out of range in self")

    model.register_forward_pre_hook(forward_pre, with_kwargs=True)


@pytest.mark.parametrize("rows", [2, 16])
@pytest.mark.parametrize("how", [{}, {"temperature": 1.0, "seed": 3}])
def test_nan_is_an_error_of_its_prompt(model: Any, rows: int, how: dict[str, Any]) -> None:
    asked, is_bad = mixed()
    engine = Engine(model, spell, rows)
    sound = ask(engine, [ids for ids, bad in zip(asked, is_bad, strict=True) if not bad], **how)
    poison(model)
    for _ in range(2):  # also where the rows of failed prompts are used again
        replies = ask(engine, asked, **how)
        assert [NOT_NUMBERS in (reply.error or "") for reply in replies] == is_bad
        assert [r.text for r in replies if not r.error] == [r.text for r in sound]
        assert {r.text for r in replies if r.error} == {""}


def test_infinity_is_no_score_either(model: Any) -> None:
    engine = Engine(model, spell)
    head = model.get_output_embeddings()
    head.register_forward_hook(lambda *args: args[-1].fill_(-torch.inf))
    (reply,) = ask(engine, [[5, 6, 7]])
    assert NOT_NUMBERS in (reply.error or "")


def test_numbers_may_end_within_an_answer(model: Any) -> None:
    asked = [[5, 6, 7, 8]]
    engine = Engine(model, spell)
    said = [int(token) for token in ask(engine, asked)[0].text.split()]
    at = next(place for place, token in enumerate(said) if token not in said[:place] and place > 0)
    poison(model, said[at])
    (reply,) = ask(engine, asked)
    assert f"after {at + 1} tokens" in (reply.error or "")


@pytest.mark.slow
def test_a_step_that_fails_is_tried_in_parts(model: Any) -> None:
    asked, is_bad = mixed()
    engine = Engine(model, spell)
    sound = ask(engine, [ids for ids, bad in zip(asked, is_bad, strict=True) if not bad])
    fail_at(model)
    replies = ask(engine, asked)
    assert [(reply.error or "").startswith("IndexError: index") for reply in replies] == is_bad
    assert [reply.text for reply in replies if not reply.error] == [reply.text for reply in sound]


def test_weighing_fails_alone_too(model: Any) -> None:
    asked, is_bad = mixed()
    engine = Engine(model, spell)
    sound = ask(engine, [ids for ids, bad in zip(asked, is_bad, strict=True) if not bad], [9, 8])
    fail_at(model)
    replies = ask(engine, asked, [9, 8])
    assert [reply.error is not None for reply in replies] == is_bad
    kept = [reply.likelihood for reply in replies if reply.likelihood]
    assert [each.logprob for each in kept] == pytest.approx(
        [reply.likelihood.logprob for reply in sound if reply.likelihood], abs=1e-4
    )


@pytest.mark.parametrize(("ids", "given"), [([5, VOCABULARY], []), ([5, 6], [7, VOCABULARY + 3])])
def test_a_token_without_a_row_is_an_error_before_it_is_read(
    model: Any, ids: list[int], given: list[int]
) -> None:
    engine = Engine(model, spell)
    model.register_forward_pre_hook(lambda *_: pytest.fail("it was read"))
    (reply,) = ask(engine, [ids], given)
    assert f"the model's vocabulary ends at {VOCABULARY - 1}" in (reply.error or "")


def test_an_encoder_looks_ahead(model: Any) -> None:
    config = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 2, "intermediate_size": 32, "initializer_range": 0.4}
    encoder = build(lambda: tf.BertLMHeadModel(tf.BertConfig(**config, **heads)))
    decoder = build(lambda: tf.BertLMHeadModel(tf.BertConfig(**config, **heads, is_decoder=True)))
    assert [looks_ahead(each) for each in (encoder, decoder, model)] == [True, False, False]
