"""`embedding`: cosines of a model of sentences, against transformers and with a real model."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import transformers as tf

from promptlab.backends.embedding import Embedding, Options
from promptlab.core.errors import BackendError
from promptlab.core.types import Message, Request, Sampling
from promptlab.local_model.files.sentences import SHIPPED_MODEL
from tests.local_model.sentence_models import write_sentence_model

TEXTS = ["the patient has a fever", "the patient has no fever", "a cat sat", "x"]


def cosines(model: str, groups: Sequence[Sequence[str]]) -> list[list[float]]:
    """Ask one backend for all groups of texts."""

    async def ask() -> list[list[float]]:
        backend = Embedding(model, Options())
        await backend.open()
        requests = [
            Request(str(place), tuple(Message("user", text) for text in texts), Sampling())
            for place, texts in enumerate(groups)
        ]
        try:
            return [json.loads(answer.text) async for _, answer in backend.generate(requests)]
        finally:
            await backend.close()

    return asyncio.run(ask())


def _by_hand(folder: Path, text: str) -> torch.Tensor:
    tokenizer = tf.AutoTokenizer.from_pretrained(str(folder))
    read = tokenizer(text, return_tensors="pt", truncation=True, max_length=32)
    with torch.inference_mode():
        words = tf.AutoModel.from_pretrained(str(folder))(**read).last_hidden_state[0]
    mean: torch.Tensor = words.mean(0)
    return mean


def test_is_the_mean_over_words_however_texts_are_batched(tmp_path: Path) -> None:
    folder = write_sentence_model(tmp_path)
    long = "the cat ran " * 40  # more than the model reads
    [[*found]] = cosines(str(folder), [[TEXTS[0], *TEXTS, long]])
    first = _by_hand(folder, TEXTS[0])
    wanted = [
        torch.cosine_similarity(first, _by_hand(folder, text), dim=0).item()
        for text in [*TEXTS, long]
    ]
    assert found == pytest.approx(wanted, abs=2e-5)
    assert found[0] == 1.0


def test_is_known_by_its_weights(tmp_path: Path) -> None:
    one = write_sentence_model(tmp_path / "one")
    same = write_sentence_model(tmp_path / "same")
    other = write_sentence_model(tmp_path / "other", seed=1)
    revisions = [
        Embedding(str(folder), Options(cache_dir=tmp_path)).identity()["revision"]
        for folder in (one, same, other)
    ]
    assert revisions[0] == revisions[1] != revisions[2]


def test_a_model_that_pools_otherwise_is_refused(tmp_path: Path) -> None:
    folder = write_sentence_model(tmp_path, pooling_mode_cls_token=True)
    with pytest.raises(BackendError, match="only the mean is supported"):
        Embedding(str(folder), Options()).identity()


def test_a_model_that_is_not_here_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"lacks config\.json, tokenizer\.json"):
        Embedding(str(tmp_path), Options()).identity()
    with pytest.raises(BackendError, match="is not on this machine"):
        Embedding("nobody/has-this-model", Options()).identity()


@pytest.mark.slow
@pytest.mark.model
def test_it_lies_about_negation_and_roles() -> None:
    fever = ["The patient has a fever.", "The patient has no fever."]
    roles = ["The dog bit the man.", "The man bit the dog."]
    [[negated], [swapped], [other]] = cosines(
        SHIPPED_MODEL, [fever, roles, ["I like tea.", "The engine broke down."]]
    )
    assert negated == pytest.approx(0.8212, abs=0.001)
    assert swapped > 0.97
    assert other < 0.1


@pytest.mark.slow
@pytest.mark.model
def test_two_thousand_sentences_take_seconds() -> None:
    texts = [
        f"sentence {n} tells of the weather in town {n % 77}, where it rains" for n in range(2_000)
    ]
    start = time.process_time()
    found = cosines(SHIPPED_MODEL, [[text, texts[0]] for text in texts])
    assert time.process_time() - start < 30  # of all cores: 15 s of a clock on two
    assert len(found) == 2_000
