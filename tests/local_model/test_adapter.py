from __future__ import annotations

import gc
import shutil
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from promptlab.core.errors import BackendError
from promptlab.core.types import Completion, Message, Request, Sampling
from promptlab.local_model.batching.answers import Answer, Prompt
from promptlab.local_model.batching.engine import Engine
from promptlab.local_model.files.adapter import Adapter, find_adapter
from promptlab.local_model.files.cache import MANIFEST, Cache, Manifest
from promptlab.local_model.loading import linear, lora
from promptlab.local_model.loading.linear import PackedLinear, Packing
from promptlab.local_model.loading.loaded import LocalModel, Setup, open_model
from promptlab.local_model.loading.shared import Base, Making, load_base
from promptlab.local_model.text.chat import Chat
from tests.local_model.adapters import edit_config, with_peft, write_adapter, write_model
from tests.local_model.architectures import PACKED, PADDED, alone, build, prompts
from tests.local_model.conftest import make_model

SAID = 6
KINDS = {**PACKED, **PADDED}
WEIGHTS = "adapter_model.safetensors"


def spell(ids: Sequence[int]) -> str:
    return " ".join(map(str, ids))


def texts(model: Any, asked: Sequence[Sequence[int]]) -> list[str]:
    answers: dict[int, Answer] = {}
    given = [Prompt(ids, Sampling(max_tokens=SAID)) for ids in asked]
    Engine(model, spell).generate(given, answers.__setitem__, threading.Event())
    return [answers[index].text for index in range(len(asked))]


def said_alone(model: Any, asked: Sequence[list[int]]) -> list[str]:
    rows = [alone(model, ids, SAID) for ids in asked]
    return [spell(row[: row.index(1)] if 1 in row else row) for row in rows]


def base(folder: Path, packing: Packing = "off", dtype: str = "float32") -> Base:
    return load_base(folder, Making(dtype, "cpu", packing), folder / "speeds")


def adapter_in(folder: Path) -> Adapter:
    return find_adapter(folder, Cache(folder.parent / "cache"))


@pytest.mark.parametrize("packing", ["on", "off"])
@pytest.mark.parametrize(
    "kind",
    [
        "llama",
        *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("gpt2", "gpt-oss", "bloom")),
    ],
)
@pytest.mark.slow
def test_answers_are_those_of_transformers_and_peft_one_by_one(
    kind: str, packing: Packing, tmp_path: Path
) -> None:
    folder = write_model(tmp_path / "base", build(KINDS[kind]))
    adapter = write_adapter(tmp_path / "lora", build(KINDS[kind]))
    asked = prompts()[::4]
    whole = base(folder, packing)
    assert whole.packed == (packing == "on")
    adapted = lora.attach(whole.model(), adapter_in(adapter))
    expected = said_alone(with_peft(build(KINDS[kind]), adapter), asked)
    plain = said_alone(build(KINDS[kind]), asked)
    assert texts(adapted, asked) == expected != plain
    assert texts(whole.model(), asked) == plain  # the base has not changed
    assert Engine(adapted, spell).note == Engine(whole.model(), spell).note


def tensors(model: Any) -> dict[str, Any]:
    """Return a model's weights by the name of their layer, whatever was wrapped around it."""
    weights = dict(model.named_parameters())
    for name, module in model.named_modules():
        if isinstance(module, PackedLinear):
            weights[f"{name}.weight"] = module.weight
    return {
        name.replace(".base_layer", ""): tensor
        for name, tensor in weights.items()
        if ".lora_" not in name
    }


@pytest.mark.parametrize("packing", ["on", pytest.param("off", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_weights_are_there_once_and_go_with_the_last_who_uses_them(
    packing: Packing, tmp_path: Path
) -> None:
    folder = write_model(tmp_path / "base", build(PACKED["qwen2"]))
    folders = [
        write_adapter(tmp_path / f"lora{seed}", build(PACKED["qwen2"]), seed) for seed in (1, 2)
    ]
    one, two = base(folder, packing), base(folder, packing)
    assert one is two
    plain, first, second = one.model(), *(lora.attach(two.model(), adapter_in(f)) for f in folders)
    assert len({id(plain), id(first), id(second)}) == 3
    weights = tensors(plain)
    assert len(weights) > 20
    for other in (first, second):
        assert {name: id(tensor) for name, tensor in tensors(other).items()} == {
            name: id(tensor) for name, tensor in weights.items()
        }
    assert len({str(texts(model, prompts()[:6])) for model in (plain, first, second)}) == 3
    watched = [weakref.ref(tensor) for tensor in weights.values()]
    del weights, other, one, two, plain, first  # the last user alone keeps them
    gc.collect()
    assert all(each() is not None for each in watched)
    del second
    gc.collect()
    assert all(each() is None for each in watched)


@pytest.mark.slow
def test_other_files_or_settings_are_another_base(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "base", build(PACKED["llama"]))
    plain = base(folder)
    assert plain is base(tmp_path / "base" / ".." / "base")
    assert plain is not base(folder, "on")
    assert plain is not base(folder, dtype="bfloat16")
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert plain is not base(copy)
    write_model(folder, build(PACKED["qwen3"]))
    assert plain is not base(folder)


@pytest.fixture
def chat(tiny_tokenizer: Any) -> Chat:
    return Chat(tiny_tokenizer)


@pytest.fixture
def tiny(tmp_path: Path, tiny_tokenizer: Any) -> Path:
    return write_model(tmp_path / "tiny", make_model(tiny_tokenizer), tiny_tokenizer)


def opened(
    folder: Path, chat: Chat, adapter: Path | None, packing: Packing = "on", dtype: str = "float32"
) -> LocalModel:
    setup = Setup(
        dtype=dtype, device="cpu", batch_size=None, threads=None, max_length=None, pack=packing,
        measurements=folder / "speeds", adapter=None if adapter is None else adapter_in(adapter),
    )  # fmt: skip
    return open_model("tiny", folder, chat, setup)


def said(model: LocalModel, *asked: str) -> list[str]:
    completions: dict[str, Completion] = {}

    def emit(request: Request, completion: Completion) -> None:
        assert completion.error is None, completion.error
        completions[request.key] = completion

    sampling = Sampling(max_tokens=12)
    requests = [Request(text, (Message("user", text),), sampling) for text in asked]
    model.answer(requests, emit, threading.Event())
    return [completions[text].text for text in asked]


def variants(*given: tuple[dict[str, Any], str | None]) -> list[Any]:
    """Return each variant on both kinds of base; all but four, on the first, are slow tests."""
    return [
        pytest.param(
            *variant, converted, marks=[pytest.mark.slow] if converted or place > 3 else []
        )
        for converted in (False, True)
        for place, variant in enumerate(given)
    ]


def with_peft_says(model: Any, chat: Chat, text: str) -> str:
    ids = chat.encode([Message("user", text)])
    return chat.decode(alone(model, ids, 12))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "why", "converted"),
    variants(
        ({"modules_to_save": ["lm_head"]}, "it sets modules_to_save"),
        ({"r": 2, "rank_pattern": {"q_proj": 5}, "alpha_pattern": {"v_proj": 30},
          "use_rslora": True}, None),
        ({"layers_to_transform": [1], "target_modules": ["v_proj", "o_proj"]}, None),
        ({"layer_replication": [(0, 2), (1, 2)]}, "it sets layer_replication"),
        ({"use_dora": True}, "it sets use_dora"),
        ({"bias": "all"}, "it sets bias"),
        ({"trainable_token_indices": [5, 9]}, "it sets trainable_token_indices"),
        ({"target_modules": ["embed_tokens", "q_proj"]},
         "it holds base_model.model.model.embed_tokens.base_layer.weight"),
        ({"target_modules": [], "target_parameters": ["q_proj.weight"]},
         "it sets target_parameters"),
        ({"ensure_weight_tying": True, "target_modules": ["embed_tokens", "v_proj"]},
         "it sets ensure_weight_tying"),
        ({"init_lora_weights": "orthogonal", "exclude_modules": ["down_proj"]}, None),
    ),
)  # fmt: skip
def test_variants_are_what_peft_makes_of_them_and_change_nobody_else(
    config: dict[str, Any], why: str | None, tiny: Path, chat: Chat, tiny_tokenizer: Any,
    converted: bool,
) -> None:  # fmt: skip
    adapter = write_adapter(tiny.parent / "lora", make_model(tiny_tokenizer), **config)
    if converted:  # the base is then read without transformers
        manifest = Manifest(model=None, source="b2:0", files={})
        (tiny / MANIFEST).write_text(manifest.model_dump_json())
    plain = opened(tiny, chat, None)
    assert plain.facts["decoder"] == ("promptlab" if converted else "transformers")
    before = said(plain, "how are you")
    adapted = opened(tiny, chat, adapter)
    expected = with_peft_says(with_peft(make_model(tiny_tokenizer), adapter), chat, "how are you")
    assert said(adapted, "how are you") == [expected]
    assert said(plain, "how are you") == before != [expected]
    facts: Any = adapted.facts["adapter"]
    shared = "shared with the base"
    assert facts["weights"] == (shared if why is None else f"its own: {why}")
    assert adapted.facts["packed_weights"] is (why is None)


@pytest.mark.slow
def test_half_precision_is_what_peft_makes_of_it(
    tiny: Path, chat: Chat, tiny_tokenizer: Any
) -> None:
    adapter = write_adapter(tiny.parent / "lora", make_model(tiny_tokenizer))
    half = with_peft(make_model(tiny_tokenizer).to(torch.bfloat16), adapter)
    adapted = opened(tiny, chat, adapter, "off", "bfloat16")
    assert said(adapted, "hello") == [with_peft_says(half, chat, "hello")]


@pytest.mark.slow
def test_the_facts_tell_the_adapter(tiny: Path, chat: Chat, tiny_tokenizer: Any) -> None:
    adapter = write_adapter(tiny.parent / "lora", make_model(tiny_tokenizer), r=3)
    edit_config(adapter, base_model_name_or_path="org/base")
    facts = opened(tiny, chat, adapter).facts
    assert facts["adapter"] == {
        "digest": adapter_in(adapter).digest, "base": "org/base", "rank": 3, "alpha": 8,
        "own_tokenizer": False, "weights": "shared with the base",
    }  # fmt: skip
    assert facts["peft"]
    assert "adapter" not in opened(tiny, chat, None).facts


@pytest.mark.slow
def test_an_adapter_with_a_tokenizer_ends_where_that_ends(
    tiny: Path, tiny_tokenizer: Any, chat: Chat
) -> None:
    adapter = write_adapter(tiny.parent / "lora", make_model(tiny_tokenizer))
    whole = said(opened(tiny, chat, adapter), "hello")[0]
    tiny_tokenizer.save_pretrained(adapter)
    changed = type(tiny_tokenizer).from_pretrained(adapter)
    changed.eos_token = whole[3]
    cut = said(opened(tiny, Chat(changed), adapter), "hello")[0]
    assert cut == whole[: whole.index(whole[3])]


@pytest.mark.slow
def test_a_tokenizer_that_knows_too_much_is_refused(tiny: Path, tiny_tokenizer: Any) -> None:
    adapter = write_adapter(tiny.parent / "lora", make_model(tiny_tokenizer))
    tiny_tokenizer.save_pretrained(adapter)
    more = type(tiny_tokenizer).from_pretrained(adapter)
    more.add_tokens(["<new>"])
    with pytest.raises(BackendError, match=r"knows \d+ tokens, the model \d+"):
        opened(tiny, Chat(more), adapter)


def test_numbers_that_are_none_are_refused(tiny: Path, chat: Chat, tiny_tokenizer: Any) -> None:
    diverged = make_model(tiny_tokenizer)
    adapter = write_adapter(tiny.parent / "lora", diverged)
    file = adapter / WEIGHTS
    tensors = load_file(file)
    next(iter(tensors.values()))[0, 0] = torch.nan
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(BackendError, match="has NaN or infinite values"):
        opened(tiny, chat, adapter)


@pytest.mark.slow
def test_a_model_keeps_its_own_number_of_threads(tiny: Path, chat: Chat) -> None:
    plain = opened(tiny, chat, None)
    assert plain.facts["threads"] == torch.get_num_threads()
    torch.set_num_threads(1)  # as another model of the process might
    said(plain, "hello")
    assert torch.get_num_threads() == plain.facts["threads"]


def one_line(error: BackendError) -> str:
    line = str(error)
    assert "\n" not in line
    assert len(line) < 600
    return line


def wider() -> Any:
    config = LlamaConfig(
        vocab_size=50, hidden_size=48, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2,
    )  # fmt: skip
    return LlamaForCausalLM(config)


MISFITS = {
    "wider": (wider, "does not fit the model: size mismatch for base_model.model.model.layers"),
    "other names": (PACKED["gpt2"], r"Target modules .* not found in the base model"),
    "more layers": (PACKED["llama"], r"has no place for .*layers\.2\..* and 13 more"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", MISFITS)
def test_an_adapter_for_another_base_says_so(case: str, tiny: Path, chat: Chat) -> None:
    make, message = MISFITS[case]
    adapter = write_adapter(tiny.parent / "lora", build(make))
    edit_config(adapter, base_model_name_or_path="org/other")
    with pytest.raises(BackendError, match=message) as caught:
        opened(tiny, chat, adapter)
    assert "it was made for org/other" in one_line(caught.value)


@pytest.mark.slow
def test_layers_that_are_too_many_or_too_few_are_reported(
    tiny: Path, chat: Chat, tiny_tokenizer: Any
) -> None:
    adapter = write_adapter(tiny.parent / "lora", make_model(tiny_tokenizer))
    weights = load_file(adapter / WEIGHTS)
    gone = next(key for key in weights if ".lora_B." in key)
    more = {gone.replace("layers.", "layers.7"): weights[gone].clone()}
    save_file({**weights, **more}, adapter / WEIGHTS)
    with pytest.raises(BackendError, match="the model has no place for") as caught:
        opened(tiny, chat, adapter)
    assert "set `model` to its base" in one_line(caught.value)
    save_file({key: weights[key] for key in weights if key != gone}, adapter / WEIGHTS)
    with pytest.raises(BackendError, match="does not fit the model: it lacks"):
        opened(tiny, chat, adapter)


def test_a_damaged_file_is_reported_in_a_line(tiny: Path, chat: Chat, tiny_tokenizer: Any) -> None:
    adapter = write_adapter(tiny.parent / "lora", make_model(tiny_tokenizer))
    whole = (adapter / WEIGHTS).read_bytes()
    (adapter / WEIGHTS).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackendError, match="cannot load the adapter in") as caught:
        opened(tiny, chat, adapter)
    one_line(caught.value)


def stub(folder: Path, **config: Any) -> Path:
    """Write the files of an adapter that is never loaded."""
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    (folder / WEIGHTS).write_text("weights")
    edit_config(folder, **{"peft_type": "LORA", **config})
    return folder


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"peft_type": "PROMPT_TUNING"}, "has the peft type PROMPT_TUNING; only LORA is supported"),
        ({"peft_type": "IA3"}, "has the peft type IA3"),
        ({"peft_type": None}, "peft_type: expected text, found nothing"),
        ({"task_type": "SEQ_CLS"}, "was trained for SEQ_CLS, not for CAUSAL_LM"),
        ({"init_lora_weights": "pissa"}, r"changed base \(init_lora_weights: pissa\)"),
        ({"megatron_config": {"a": 1}, "megatron_core": "evil"}, "LoRA: .* sets megatron_config"),
        ({"alora_invocation_tokens": [1], "new": 2}, "sets alora_invocation_tokens, new"),
        ({"r": 0}, "r: expected a number greater than or equal to 1"),
        ({"r": "many"}, r"adapter_config\.json: r: expected a whole number, found 'many'"),
    ],
)
def test_what_is_no_plain_lora_is_refused(tmp_path: Path, config: Any, message: str) -> None:
    with pytest.raises(BackendError, match=message) as caught:
        adapter_in(stub(tmp_path / "lora", **config))
    assert one_line(caught.value).count(str(tmp_path)) == 1
    assert caught.value.hint


def test_a_folder_that_is_none_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"the adapter's folder .*gone does not exist"):
        adapter_in(tmp_path / "gone")
    with pytest.raises(BackendError, match=r"has no adapter_config\.json"):
        adapter_in(tmp_path)
    folder = stub(tmp_path / "lora")
    (folder / WEIGHTS).rename(folder / "adapter_model.bin")
    with pytest.raises(BackendError, match="which may run code when read"):
        adapter_in(folder)
    (folder / "adapter_model.bin").unlink()
    with pytest.raises(BackendError, match=rf"lacks {WEIGHTS}"):
        adapter_in(folder)
    for text in ("{", "[]", "3", "\udcff"):
        (folder / "adapter_config.json").write_text(text, errors="surrogateescape")
        with pytest.raises(BackendError, match=r"adapter_config\.json"):
            adapter_in(folder)


def test_the_digest_is_of_the_files_that_matter(tmp_path: Path) -> None:
    folder = stub(tmp_path / "lora")
    first = adapter_in(folder).digest
    assert adapter_in(shutil.copytree(folder, tmp_path / "elsewhere")).digest == first
    for name in ("README.md", "trainer_state.json", "optimizer.pt", "tokenizer.json"):
        (folder / name).write_text("more")
    assert adapter_in(folder).digest == first  # a tokenizer without its config is none
    seen = {first}
    for name in ("tokenizer_config.json", "chat_template.jinja", "adapter_config.json", WEIGHTS):
        (folder / name).write_text('{"peft_type": "LORA", "r": 2}')
        seen.add(adapter_in(folder).digest)
    assert len(seen) == 5
    assert adapter_in(folder).tokenizer == folder


def test_an_adapter_in_the_place_of_a_model_is_reported(tmp_path: Path) -> None:
    from promptlab.local_model.files.weights import find
    from promptlab.local_model.loading.loading import load_model

    folder = stub(tmp_path / "lora")
    with pytest.raises(BackendError, match="holds an adapter, not a model") as caught:
        find(str(folder), None, Cache(tmp_path))
    assert "`adapter`" in (caught.value.hint or "")
    with pytest.raises(BackendError, match="holds an adapter, not a model"):
        load_model(folder, "float32", "cpu")


def test_a_packed_layer_is_a_linear_layer_to_others() -> None:
    layer = PackedLinear(torch.ones(3, 2), torch.ones(3))
    assert isinstance(layer, torch.nn.Linear)
    assert not list(layer.parameters())
    assert not list(linear._layers(torch.nn.Sequential(layer)))
