"""A local model's answer, heard token by token."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

import pytest

from promptlab.backends.hf import HuggingFace
from promptlab.core.types import Completion, Message, Outcome, Request, Sampling
from promptlab.local_model.batching.rows import Row
from promptlab.local_model.options import Options

from .adapters import write_model
from .conftest import make_model, make_tokenizer

LETTERS = "_abcdefgh"


def spell(tokens: object) -> str:
    return "".join(LETTERS[token] for token in tokens)  # type: ignore[attr-defined]


def test_each_token_is_heard_without_what_ends_the_answer() -> None:
    heard: list[str] = []
    row = Row(Sampling(max_tokens=9, stop=("c",)), frozenset({8}), spell, heard.append)
    assert [row.push(token) for token in (1, 2, 3)] == [False, False, True]
    assert heard == ["a", "ab", "ab"]
    assert row.answer(0.0).text == "ab"


@pytest.mark.parametrize("pack", ["on", "off"])
def test_the_pieces_are_the_answer(tmp_path: Path, pack: Literal["on", "off"]) -> None:
    tokenizer = make_tokenizer()
    folder = tmp_path / "model"
    write_model(folder, make_model(tokenizer), tokenizer)
    backend = HuggingFace(str(folder), Options(cache_dir=tmp_path / "cache", pack=pack))
    request = Request("k", (Message("user", "say it"),), Sampling(max_tokens=12))

    async def listen() -> tuple[list[str], Completion, Completion]:
        await backend.open()
        said = [piece async for piece in backend.stream(request)]
        [(_, whole)] = [pair async for pair in backend.generate([request])]
        await backend.close()
        *pieces, completion = said
        assert isinstance(completion, Completion)
        return [str(piece) for piece in pieces], completion, whole

    pieces, completion, whole = asyncio.run(listen())
    assert completion.text == whole.text
    assert completion.outcome is not Outcome.ERROR
    assert completion.text.startswith("".join(pieces))  # the rest may be half a letter
    assert len(pieces) > 1 or "\N{REPLACEMENT CHARACTER}" in completion.text
