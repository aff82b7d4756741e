"""Weights that are not those of their model are refused, whoever reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from promptlab.core.errors import BackendError
from promptlab.local_model.files.cache import MANIFEST, Manifest
from promptlab.local_model.loading.loading import load_model

Change = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(params=["built-in", "transformers"])
def folder(
    tmp_path: Path, tiny_model: Any, tiny_tokenizer: Any, request: pytest.FixtureRequest
) -> Path:
    """Return a sound model that is read by the built-in decoder, or by transformers."""
    path = tmp_path / "model"
    tiny_model.save_pretrained(path)
    tiny_tokenizer.save_pretrained(path)
    if request.param == "built-in":
        (path / MANIFEST).write_text(
            Manifest(model=None, source="b2:0", files={}).model_dump_json()
        )
    return path


def rewrite(folder: Path, change: Change) -> None:
    file = folder / "model.safetensors"
    save_file(change(load_file(file)), file, metadata={"format": "pt"})


def without(*keys: str) -> Change:
    return lambda weights: {name: w for name, w in weights.items() if name not in keys}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without("lm_head.weight"), r"it lacks lm_head\.weight"),
        (without("model.norm.weight"), r"it lacks model\.norm\.weight"),
        (
            lambda weights: {f"module.{name}": w for name, w in weights.items()},
            r"it lacks .* and \d+ more; the model has no use for module\.",
        ),
        (lambda w: {**w, "v_head.weight": w["model.norm.weight"].clone()}, "no use for v_head"),
    ],
)
def test_the_weights_are_those_of_the_model(folder: Path, change: Change, told: str) -> None:
    rewrite(folder, change)
    with pytest.raises(BackendError, match=f"are not those of its model: .*{told}"):
        load_model(folder, "float32", "cpu")


def test_a_layer_more_than_the_file_has(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(BackendError, match=r"it lacks model\.layers\.2\."):
        load_model(folder, "float32", "cpu")


def test_a_layer_less_leaves_weights_over(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 1}))
    with pytest.raises(BackendError, match=r"no use for model\.layers\.1\.") as caught:
        load_model(folder, "float32", "cpu")
    assert "unused_weights" in (caught.value.hint or "")


@pytest.mark.parametrize("folder", ["transformers"], indirect=True)
def test_weights_without_use_are_left_by_the_users_word(folder: Path) -> None:
    rewrite(folder, lambda w: {**w, "v_head.weight": w["model.norm.weight"].clone()})
    assert load_model(folder, "float32", "cpu", unused=True) is not None


@pytest.mark.parametrize("folder", ["transformers"], indirect=True)
def test_what_is_computed_anew_may_be_in_the_file(folder: Path) -> None:
    name = "model.layers.0.self_attn.rotary_emb.inv_freq"
    rewrite(folder, lambda w: {**w, name: w["model.norm.weight"].clone()})
    assert load_model(folder, "float32", "cpu") is not None
