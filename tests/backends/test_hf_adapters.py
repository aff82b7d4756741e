"""`hf` with fine-tuned models: a base and its adapters side by side, and a whole folder."""

from __future__ import annotations

import asyncio
import gc
import shutil
import sys
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from promptlab.backends.hf import HuggingFace
from promptlab.core.errors import BackendError
from promptlab.core.types import Message, Request, Sampling
from promptlab.local_model.options import Options
from promptlab.project.backends import describe_backend, make_backend
from promptlab.project.folder import BackendEntry
from tests.local_model.adapters import edit_config, write_adapter, write_model
from tests.local_model.conftest import make_model, make_tokenizer


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a base, a model that was made from it, and two adapters."""
    folder = tmp_path_factory.mktemp("models")
    tokenizer = make_tokenizer()
    write_model(folder / "base", make_model(tokenizer), tokenizer)
    tuned = make_model(tokenizer)
    with torch.no_grad():
        for parameter in tuned.model.layers.parameters():
            parameter.mul_(1.5)
    write_model(folder / "tuned", tuned, tokenizer)
    for seed in (1, 2):
        write_adapter(folder / f"lora{seed}", make_model(tokenizer), seed)
    return folder


def backend(models: Path, adapter: str | None = None, model: str = "base") -> HuggingFace:
    folder = models / adapter if adapter else None
    options = Options(cache_dir=models / "cache", adapter=folder, pack="on", device="cpu")
    return HuggingFace(str(models / model), options)


def asked(count: int = 3, **sampling: Any) -> list[Request]:
    return [
        Request(str(i), (Message("user", f"ask {i}"),), Sampling(**{"max_tokens": 8, **sampling}))
        for i in range(count)
    ]


async def texts(one: HuggingFace, requests: Sequence[Request]) -> list[str]:
    by_key = {request.key: said.text async for request, said in one.generate(requests)}
    return [by_key[request.key] for request in requests]


@pytest.mark.slow
def test_base_adapters_and_a_tuned_model_answer_side_by_side(models: Path) -> None:
    async def answers() -> list[list[str]]:
        backends = [
            backend(models), backend(models, "lora1"), backend(models, "lora2"),
            backend(models, model="tuned"),
        ]  # fmt: skip
        await asyncio.gather(*(each.open() for each in backends))
        together = await asyncio.gather(*(texts(each, asked()) for each in backends))
        for each in backends:
            await each.close()
        alone = []
        for each in backends:
            await each.open()
            alone.append(await texts(each, asked()))
            await each.close()
        assert together == alone
        return together

    together = asyncio.run(answers())
    assert len({str(each) for each in together}) == 4


@pytest.mark.slow
def test_one_that_closes_leaves_the_weights_to_the_others(models: Path) -> None:
    def norm(one: HuggingFace) -> Any:
        model: Any = one._model
        return model._engine._generator._forward.model.model.norm.weight

    async def close_one_by_one() -> None:
        first, second = backend(models), backend(models, "lora1")
        await first.open()
        await second.open()
        assert norm(first) is norm(second)
        watched = weakref.ref(norm(first))
        before = await texts(second, asked())
        await first.close()
        assert await texts(second, asked()) == before
        await second.close()
        for _ in range(100):  # it does nothing where another thread is collecting
            gc.collect()
            if watched() is None:
                break
            await asyncio.sleep(0.01)
        assert watched() is None

    asyncio.run(close_one_by_one())


@pytest.mark.slow
def test_one_that_is_cancelled_leaves_the_thread_to_the_others(models: Path) -> None:
    async def cancel_one() -> None:
        first, second = backend(models), backend(models, "lora1")
        await first.open()
        await second.open()
        long = asyncio.create_task(texts(first, asked(400, max_tokens=90)))
        short = asyncio.create_task(texts(second, asked()))
        await asyncio.sleep(0.05)
        began = time.perf_counter()
        long.cancel()
        with pytest.raises(asyncio.CancelledError):
            await long
        await first.close()
        assert time.perf_counter() - began < 2
        assert len(await short) == 3
        await second.close()

    asyncio.run(cancel_one())


def test_the_identity_tells_adapters_apart_and_no_others(models: Path) -> None:
    plain = backend(models).identity()
    assert "adapter" not in plain
    first, second = backend(models, "lora1").identity(), backend(models, "lora2").identity()
    assert {**plain, "adapter": first["adapter"]} == first
    assert first["adapter"] != second["adapter"]
    shutil.copytree(models / "lora1", models / "copied")
    assert backend(models, "copied").identity() == first


def test_a_relative_adapter_is_looked_for_from_the_project(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def digest(model: str, adapter: str) -> object:
        options = {"adapter": adapter, "cache_dir": str(tmp_path / "cache")}
        entry = BackendEntry("mine", "hf", model, options, "promptlab.toml: backends.mine")
        spec = describe_backend(entry, make_backend(entry, models))
        assert spec.options == options
        return spec.identity["adapter"]

    assert digest("base", "lora1") == backend(models, "lora1").identity()["adapter"]
    assert digest("base", str(models / "lora1")) == digest("base", "./lora1")
    with pytest.raises(BackendError, match=r"folder .*/models0/elsewhere does not exist"):
        digest("base", "elsewhere")


def test_an_adapters_own_tokenizer_is_used(models: Path, tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    folder = shutil.copytree(models / "lora1", tmp_path / "lora")
    before = backend(models, "lora1").count_tokens(asked()[0])
    assert backend(models, str(folder)).count_tokens(asked()[0]) == before
    tokenizer.chat_template = "longer than the base's own: " + tokenizer.chat_template
    tokenizer.save_pretrained(folder)
    after = backend(models, str(folder)).count_tokens(asked()[0])
    assert before is not None
    assert after == before + len("longer than the base's own: ")


def test_a_missing_package_is_named_before_anything_is_loaded(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(BackendError, match="local models need peft") as caught:
        asyncio.run(backend(models, "lora1").open())
    assert 'pip install "peft' in (caught.value.hint or "")
    asyncio.run(backend(models).open())


@pytest.mark.slow
def test_check_says_how_an_adapter_is_fixed(models: Path, tmp_path: Path) -> None:
    async def health(adapter: str) -> str:
        one = backend(models, adapter)
        result = await one.check()
        await one.close()
        return f"{result.ok}: {result.detail} ({result.hint})"

    assert asyncio.run(health("lora1")).startswith("True: answers on ")
    line = asyncio.run(health("gone"))
    assert line.startswith("False: the adapter's folder ")
    assert line.endswith(
        "does not exist (`adapter` takes a folder written by peft's save_pretrained)"
    )
    other = shutil.copytree(models / "lora1", tmp_path / "other")
    edit_config(other, target_modules=["query"], base_model_name_or_path="org/other")
    line = asyncio.run(health(str(other)))
    assert "does not fit the model: Target modules" in line
    assert line.endswith("(it was made for org/other)")
    assert "\n" not in line


@pytest.mark.slow
def test_an_adapter_that_changes_while_it_is_loaded_is_not_taken_for_what_it_was(
    models: Path, tmp_path: Path
) -> None:
    shutil.copytree(models / "lora1", tmp_path / "lora")
    one = HuggingFace(
        str(models / "base"),
        Options(cache_dir=models / "cache", adapter=tmp_path / "lora", device="cpu"),
    )
    one.identity()
    shutil.copytree(models / "lora2", tmp_path / "lora", dirs_exist_ok=True)
    with pytest.raises(BackendError, match="changed while it was being loaded"):
        asyncio.run(one.open())
    asyncio.run(one.close())
