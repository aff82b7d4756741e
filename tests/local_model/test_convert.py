"""Conversion of a small GGUF file, written here with the format's own library."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch

from promptlab.core.digest import digest_file
from promptlab.core.errors import BackendError
from promptlab.local_model.files.cache import Cache, read_manifest
from promptlab.local_model.files.convert_process import Order, convert_apart
from promptlab.local_model.loading import convert
from promptlab.local_model.loading.loading import load_model
from promptlab.local_model.loading.tokenizer import load_tokenizer

TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"


def write_gguf(
    path: Path, tokenizer: Any, *, without: str = "", beside: str = "", turn_end: int | None = None
) -> Path:
    """Write a small model, `without` one tensor, or with another `beside` them."""
    writer = gguf.GGUFWriter(path, "llama")
    size, heads, layers, hidden = 32, 2, 2, 64
    writer.add_context_length(128)
    writer.add_embedding_length(size)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(size // heads)
    writer.add_vocab_size(len(tokenizer) + 1)
    tokens = [*tokenizer.convert_ids_to_tokens(range(len(tokenizer))), "ab"]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    kinds = [gguf.TokenType.CONTROL if "<|" in t else gguf.TokenType.NORMAL for t in tokens]
    writer.add_token_types(kinds)
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_bos_token_id(tokenizer.eos_token_id)
    if turn_end is not None:
        writer.add_eot_token_id(turn_end)
    writer.add_chat_template(TEMPLATE)
    shapes = {
        "token_embd": (len(tokens), size),
        "output_norm": (size,),
        "output": (len(tokens), size),
    }
    for layer in range(layers):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes[f"blk.{layer}.{name}"] = (size, size)
        for name in ("attn_norm", "ffn_norm"):
            shapes[f"blk.{layer}.{name}"] = (size,)
        shapes[f"blk.{layer}.ffn_gate"] = shapes[f"blk.{layer}.ffn_up"] = (hidden, size)
        shapes[f"blk.{layer}.ffn_down"] = (size, hidden)
    random = torch.Generator().manual_seed(0)
    shapes |= {beside: (size,)} if beside else {}
    for name, shape in shapes.items():
        if name == without:
            continue
        writer.add_tensor(f"{name}.weight", torch.randn(shape, generator=random).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def order(tmp_path: Path, tiny_tokenizer: Any) -> Order:
    file = write_gguf(tmp_path / "tiny.gguf", tiny_tokenizer)
    return Order(gguf=file, source=digest_file(file), model="me/tiny", cache=tmp_path / "cache")


def test_the_copy_is_the_same_model(order: Order) -> None:
    folder = convert.convert(order)
    assert Cache(order.cache).converted(order.source) == folder
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.model == "me/tiny"
    assert {"model.safetensors", "config.json", "tokenizer.json"} < set(manifest.files)
    ids = torch.tensor([[1, 2, 3, 4]])
    with torch.inference_mode():
        theirs = load_model(order.gguf, "float32", "cpu")(ids).logits
        ours = load_model(folder, "float32", "cpu")(ids).logits
    assert torch.equal(theirs, ours)
    before, after = load_tokenizer(order.gguf), load_tokenizer(folder)
    assert before.chat_template == after.chat_template == TEMPLATE
    assert before("naïve <|im_end|> a b")["input_ids"] == after("naïve <|im_end|> a b")["input_ids"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"without": "blk.1.ffn_up"}, r"lacks model\.layers\.1\.mlp\.up_proj\.weight"),
        ({"without": "output_norm"}, r"lacks model\.norm\.weight"),
        ({"beside": "blk.2.attn_norm"}, r"no use for blk\.2\.attn_norm\.weight"),
        ({"beside": "cls.output"}, r"no use for cls\.output\.weight"),
    ],
)
def test_other_weights_than_the_models_are_refused_and_not_kept(
    tmp_path: Path, tiny_tokenizer: Any, change: dict[str, str], told: str
) -> None:
    file = write_gguf(tmp_path / "odd.gguf", tiny_tokenizer, **change)  # type: ignore[arg-type]
    order = Order(gguf=file, source=digest_file(file), model=None, cache=tmp_path / "cache")
    with pytest.raises(BackendError, match=f"are not those of its model: .*{told}"):
        convert.convert(order)
    assert [path.suffix for path in Cache(order.cache).models.iterdir()] == [".lock"]


@pytest.mark.slow
def test_all_end_tokens_of_a_file_are_kept(tmp_path: Path, tiny_tokenizer: Any) -> None:
    turn_end = tiny_tokenizer.convert_tokens_to_ids("<|x|>")
    file = write_gguf(tmp_path / "two.gguf", tiny_tokenizer, turn_end=turn_end)
    order = Order(gguf=file, source=digest_file(file), model=None, cache=tmp_path / "cache")
    settings = json.loads((convert.convert(order) / "generation_config.json").read_bytes())
    assert settings["eos_token_id"] == sorted([turn_end, tiny_tokenizer.eos_token_id])


@pytest.mark.slow
def test_a_whole_copy_is_not_made_again(order: Order) -> None:
    folder = convert.convert(order)
    made = (folder / "model.safetensors").stat().st_mtime_ns
    assert convert.convert(order) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == made


@pytest.mark.slow
def test_a_conversion_of_an_earlier_version_is_replaced(order: Order) -> None:
    former = Cache(order.cache).former(order.source)
    former.mkdir(parents=True)
    folder = convert.convert(order)
    assert folder.is_dir()
    assert not former.exists()


@pytest.mark.slow
def test_what_a_killed_conversion_left_is_replaced(order: Order) -> None:
    cache = Cache(order.cache)
    for leftover in (cache.place(order.source), cache.place(order.source).with_suffix(".draft")):
        leftover.mkdir(parents=True)
        (leftover / "model.safetensors").write_text("half of it")
    folder = convert.convert(order)
    assert cache.converted(order.source) == folder
    assert sorted(path.suffix for path in cache.models.iterdir()) == ["", ".lock"]


def test_a_failed_conversion_leaves_nothing(order: Order) -> None:
    order.gguf.write_bytes(order.gguf.read_bytes()[:4000])
    with pytest.raises(BackendError, match="cannot load"):
        convert.convert(order)
    assert [path.suffix for path in Cache(order.cache).models.iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_is_the_users_to_mend(order: Order) -> None:
    order.cache.write_text("a file, no folder")
    with pytest.raises(BackendError, match="cannot write") as caught:
        convert.convert(order)
    assert "PROMPTLAB_CACHE" in (caught.value.hint or "")


@pytest.mark.slow
def test_two_processes_make_one_copy(order: Order) -> None:
    async def both() -> list[Path]:
        return list(await asyncio.gather(convert_apart(order), convert_apart(order)))

    assert set(asyncio.run(both())) == {Cache(order.cache).converted(order.source)}


@pytest.mark.slow
def test_a_failure_of_the_other_process_comes_back(order: Order) -> None:
    order.gguf.write_bytes(b"no model at all")
    with pytest.raises(BackendError, match=r"cannot load the tokenizer in .*tiny\.gguf"):
        asyncio.run(convert_apart(order))


@pytest.mark.slow
def test_killed_at_any_moment_nothing_half_done_remains(order: Order) -> None:
    cache = Cache(order.cache)
    command = [
        sys.executable,
        "-m",
        "promptlab.local_model.loading.convert",
        order.model_dump_json(),
    ]
    with subprocess.Popen(command) as process:
        while not cache.place(order.source).with_suffix(".draft").exists():
            assert process.poll() is None
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
    assert cache.converted(order.source) is None
    assert convert.convert(order) == cache.converted(order.source)


def test_cancelling_ends_the_other_process(order: Order) -> None:
    async def cancel_soon() -> None:
        task = asyncio.create_task(convert_apart(order))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    started = time.perf_counter()
    asyncio.run(cancel_soon())
    assert time.perf_counter() - started < 1.5
    assert Cache(order.cache).converted(order.source) is None
