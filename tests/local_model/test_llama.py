from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from promptlab.core.types import Sampling
from promptlab.local_model.batching import trial
from promptlab.local_model.batching.answers import Answer, Prompt
from promptlab.local_model.batching.engine import Engine
from promptlab.local_model.batching.fitness import fitness
from promptlab.local_model.files.shape import read_shape
from promptlab.local_model.files.whole import Misfit
from promptlab.local_model.forward_pass import llama
from tests.local_model.architectures import VOCABULARY, alone, prompts

IDS = torch.tensor([[5, 9, 3, 7, 9, 9, 2, 40], [8, 1, 0, 7, 64, 9, 11, 4]])


def original(**changes: Any) -> Any:
    """Make a random model of transformers."""
    torch.manual_seed(0)
    settings = {
        "vocab_size": VOCABULARY,
        "hidden_size": 48,
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 6,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "rope_theta": 5000.0,
        "rms_norm_eps": 1e-5,
        "bos_token_id": None,
        "eos_token_id": 1,
        "pad_token_id": 0,
        "initializer_range": 0.4,
    }
    return LlamaForCausalLM(LlamaConfig(**{**settings, **changes})).eval()


def saved(folder: Path, model: Any) -> Path:
    model.save_pretrained(folder)
    return folder


def ours(folder: Path, dtype: torch.dtype = torch.float32) -> llama.Llama:
    settings = read_shape(folder)
    assert settings is not None
    return llama.load(folder, settings, dtype, "cpu")


def edited(folder: Path, file: str, change: dict[str, Any]) -> Path:
    settings = json.loads((folder / file).read_bytes())
    (folder / file).write_text(json.dumps({**settings, **change}))
    return folder


def said(model: Any, asked: Sequence[Sequence[int]]) -> list[str]:
    answers: dict[int, Answer] = {}
    engine = Engine(model, lambda ids: " ".join(map(str, ids)))
    assert engine.note is None
    given = [Prompt(ids, Sampling(max_tokens=8)) for ids in asked]
    engine.generate(given, answers.__setitem__, threading.Event())
    return [answers[index].text for index in range(len(asked))]


def off(actual: torch.Tensor, expected: torch.Tensor) -> float:
    return float((actual - expected).square().mean().sqrt())


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_gives_the_logits_of_transformers(
    tmp_path: Path, dtype: torch.dtype, *, tied: bool
) -> None:
    theirs = original(tie_word_embeddings=tied, head_dim=16)
    model = ours(saved(tmp_path, theirs), dtype)
    assert (model.dtype, model.device.type) == (dtype, "cpu")
    with torch.inference_mode():
        expected = theirs.to(dtype)(IDS).logits
        logits = model(IDS).logits
        last = model(IDS, logits_to_keep=torch.tensor([7])).logits
    rounding = 1e-5 if dtype == torch.float32 else 0.03
    assert off(logits, expected) < rounding * float(expected.std())
    assert off(last, logits[:, 7:]) < rounding * float(expected.std())


def test_its_answers_are_what_transformers_says_alone(tmp_path: Path) -> None:
    theirs = original()
    model = ours(saved(tmp_path, theirs))
    rows = [alone(theirs, ids, 8) for ids in prompts()]
    expected = [" ".join(map(str, row[: row.index(1)] if 1 in row else row)) for row in rows]
    assert said(model, prompts()) == expected
    assert len(set(expected)) > 5  # so that they tell something


def test_it_knows_its_geometry_and_context(tmp_path: Path) -> None:
    theirs = original(head_dim=16)
    model = ours(saved(tmp_path, theirs))
    assert model.geometry == fitness(theirs)
    assert Engine(model, str).context == 512
    assert model.generation_config.eos_token_id == [1]


@pytest.mark.parametrize(
    "change",
    [
        {"architectures": ["MistralForCausalLM"]},
        {"architectures": ["LlamaForCausalLM", "LlamaForCausalLM"]},
        {"attention_bias": True},
        {"mlp_bias": True},
        {"hidden_act": "gelu"},
        {"rope_parameters": {"rope_theta": 1e4, "rope_type": "linear", "factor": 2.0}},
        {"rope_parameters": {"rope_theta": 1e4, "rope_type": "default", "partial": 0.5}},
        {"sliding_window": 16},
        {"quantization_config": {"quant_method": "fp8"}},
        {"head_dim": None},
        {"something_new": 0},
    ],
    ids=str,
)
def test_a_setting_that_it_does_not_know_is_left_to_transformers(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    saved(tmp_path, original())
    assert read_shape(tmp_path) is not None
    assert read_shape(edited(tmp_path, "config.json", change)) is None


@pytest.mark.parametrize("change", [{"repetition_penalty": 1.2}, {"suppress_tokens": [3]}])
def test_settings_that_change_scores_are_left_to_transformers(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    saved(tmp_path, original())
    assert read_shape(edited(tmp_path, "generation_config.json", change)) is None


def test_a_folder_that_lacks_a_file_is_left_to_transformers(tmp_path: Path) -> None:
    assert read_shape(tmp_path) is None
    saved(tmp_path, original())
    (tmp_path / "generation_config.json").unlink()
    assert read_shape(tmp_path) is None


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    saved(tmp_path, original())
    with pytest.raises(Misfit, match="lm_head"):
        ours(edited(tmp_path, "config.json", {"vocab_size": VOCABULARY + 1}))


class Shifted(llama.Llama):
    """A model that, without a step's cache, reads every token one place too far apart."""

    def forward(
        self, input_ids: torch.Tensor, position_ids: Any = None, *rest: Any, **more: Any
    ) -> llama.Output:
        if position_ids is None:
            position_ids = 2 * torch.arange(input_ids.shape[1])[None]
        return super().forward(input_ids, position_ids, *rest, **more)


@pytest.mark.parametrize(("kind", "agrees"), [(llama.Llama, True), (Shifted, False)])
def test_the_trial_tells_another_attention(
    tmp_path: Path, kind: type[llama.Llama], *, agrees: bool
) -> None:
    settings = read_shape(saved(tmp_path, original()))
    assert settings is not None
    weights = ours(tmp_path).state_dict()
    model = llama.fill(kind(*settings), weights)
    with torch.inference_mode():
        assert trial.agrees(model, model.geometry) is agrees


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_it_works_here_in_the_numbers_that_are_offered(tmp_path: Path, dtype: torch.dtype) -> None:
    settings = read_shape(saved(tmp_path, original()))
    assert settings is not None
    assert trial.works_here(settings[0], dtype, "cpu")


@pytest.mark.slow
def test_a_device_that_it_does_not_run_on_is_left_to_transformers(tmp_path: Path) -> None:
    settings = read_shape(saved(tmp_path, original()))
    assert settings is not None
    assert not trial.works_here(settings[0], torch.float32, "meta")
