from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from promptlab.local_model.loading import linear
from tests.local_model.architectures import PADDED, build
from tests.local_model.conftest import make_model

IDS = torch.tensor([[5, 9, 3, 7]])


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        output: torch.Tensor = model(IDS).logits
    return output


@pytest.fixture
def gpt2() -> Any:
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=40, n_embd=32, n_layer=2, n_head=2, n_positions=64)
    return GPT2LMHeadModel(config).eval()


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_packed_layers_give_the_same(kind: str, tiny_model: Any, gpt2: Any, tmp_path: Path) -> None:
    model = tiny_model if kind == "llama" else gpt2
    before = logits(model)
    assert linear.pack(model, "on", tmp_path)
    assert any(isinstance(module, linear.PackedLinear) for module in model.modules())
    assert not any(type(module) is torch.nn.Linear for module in model.modules())
    torch.testing.assert_close(logits(model), before, rtol=1e-4, atol=1e-4)


def test_a_model_that_reads_the_weights_of_its_layers_itself_is_left_alone(tmp_path: Path) -> None:
    model = build(PADDED["mamba"])
    before = logits(model)
    assert not linear.pack(model, "on", tmp_path)
    assert torch.equal(logits(model), before)


def test_off_leaves_the_model_as_it_is(tiny_model: Any, tmp_path: Path) -> None:
    assert not linear.pack(tiny_model, "off", tmp_path)
    assert not any(isinstance(module, linear.PackedLinear) for module in tiny_model.modules())


def test_half_precision_of_the_other_kind_is_not_packed(tiny_model: Any, tmp_path: Path) -> None:
    assert not linear.pack(tiny_model.to(torch.float16), "on", tmp_path)


@pytest.fixture(scope="module")
def measured(tiny_tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a measurement, which takes half a second."""
    folder = tmp_path_factory.mktemp("measured")
    linear.pack(make_model(tiny_tokenizer), "auto", folder)
    (file,) = folder.iterdir()
    return file


@pytest.mark.slow
@pytest.mark.parametrize(("gain", "done"), [(3.0, True), (1.05, False), (0.5, False)])
def test_auto_goes_by_what_was_measured(
    tiny_model: Any, measured: Path, tmp_path: Path, gain: float, done: bool
) -> None:
    found = json.loads(measured.read_bytes())
    assert found["gain"] > 0
    (tmp_path / measured.name).write_text(json.dumps({**found, "gain": gain}))
    assert linear.pack(tiny_model, "auto", tmp_path) is done


@pytest.mark.slow
def test_a_spoilt_measurement_is_made_again(
    tiny_model: Any, measured: Path, tmp_path: Path
) -> None:
    file = tmp_path / measured.name
    file.write_text("{")
    linear.pack(tiny_model, "auto", tmp_path)
    assert json.loads(file.read_bytes())["gain"] > 0


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_no_matter(tiny_model: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    linear.pack(tiny_model, "auto", tmp_path / "file" / "speeds")
