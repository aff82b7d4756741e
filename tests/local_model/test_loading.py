from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from transformers import LlamaForCausalLM

from promptlab.core.errors import BackendError
from promptlab.local_model.files.cache import MANIFEST, Manifest
from promptlab.local_model.forward_pass.llama import Llama
from promptlab.local_model.loading.loading import load_model
from promptlab.local_model.loading.tokenizer import load_tokenizer
from promptlab.local_model.text.tokens import Tokens

SLOW = {"transformers", "torch._dynamo", "sympy", "scipy", "huggingface_hub"}
ANSWER = """
import asyncio, json, sys
from promptlab.backends.hf import HuggingFace
from promptlab.local_model.options import Options
from promptlab.core.types import Message, Request, Sampling

async def answer():
    backend = HuggingFace(sys.argv[1], Options(cache_dir=sys.argv[2]))
    asked = Request("key", (Message("user", "hello"),), Sampling(max_tokens=4))
    facts = await backend.open()
    said = [completion async for _, completion in backend.generate([asked])]
    print(json.dumps([facts, said[0].error, said[0].usage.output_tokens, list(sys.modules)]))
    await backend.close()

asyncio.run(answer())
"""


@pytest.fixture
def folder(tmp_path: Path, tiny_model: Any, tiny_tokenizer: Any) -> Path:
    """Return a folder like those that a conversion writes."""
    path = tmp_path / "model"
    tiny_model.save_pretrained(path)
    tiny_tokenizer.save_pretrained(path)
    manifest = Manifest(model=None, source="b2:0", files={})
    (path / MANIFEST).write_text(manifest.model_dump_json())
    return path


@pytest.mark.slow
def test_a_converted_model_answers_without_transformers(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", ANSWER, str(folder), str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    facts, error, tokens, modules = json.loads(done.stdout)
    assert (error, tokens) == (None, 4)
    assert not SLOW & set(modules)
    assert (facts["decoder"], facts["batching"]) == ("promptlab", "packed")
    assert facts["transformers"]  # the one that is installed, for the record


def test_a_folder_of_others_is_read_with_transformers(folder: Path) -> None:
    assert isinstance(load_model(folder, "float32", "cpu"), Llama)
    assert isinstance(load_tokenizer(folder), Tokens)
    (folder / MANIFEST).unlink()
    assert isinstance(load_model(folder, "float32", "cpu"), LlamaForCausalLM)
    assert not isinstance(load_tokenizer(folder), Tokens)


def test_what_is_not_known_is_read_with_transformers(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_bytes())
    config["rope_parameters"] = {"rope_theta": 1e4, "rope_type": "linear", "factor": 2.0}
    (folder / "config.json").write_text(json.dumps(config))
    assert isinstance(load_model(folder, "float32", "cpu"), LlamaForCausalLM)


@pytest.mark.parametrize(
    ("file", "told"),
    [("model.safetensors", "cannot load the model in"), ("config.json", "cannot read .*config")],
)
def test_a_broken_file_is_reported_in_one_line(folder: Path, file: str, told: str) -> None:
    (folder / file).write_text("{")
    with pytest.raises(BackendError, match=told) as error:
        load_model(folder, "float32", "cpu")
    assert "\n" not in error.value.message
