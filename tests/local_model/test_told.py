"""What is told of a local model before a run, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from promptlab.backends import Transparent
from promptlab.backends.hf import HuggingFace
from promptlab.core.errors import BackendError
from promptlab.core.types import Completion, Message, Outcome, Request, Sampling
from promptlab.local_model import told
from promptlab.local_model.files.adapter import Adapter
from promptlab.local_model.files.weights import Weights
from promptlab.local_model.options import Options
from promptlab.local_model.text.chat import Chat
from tests.local_model.conftest import TEMPLATE, make_model, make_tokenizer

SYSTEM = [Message("system", "Be brief."), Message("user", "Label: good")]
NO_SYSTEM = TEMPLATE.replace("in messages", "in messages if m.role != 'system'")
Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Return a function that saves the tiny model with a tokenizer and settings of its own."""

    def saved(tokenizer: Any, **settings: Any) -> Path:
        model = make_model(tokenizer)
        path = tmp_path / "model"
        model.save_pretrained(path)
        tokenizer.save_pretrained(path)
        file = path / "generation_config.json"
        file.write_text(json.dumps({**json.loads(file.read_bytes()), **settings}))
        return path

    return saved


def backend(path: Path, **options: Any) -> HuggingFace:
    return HuggingFace(str(path), Options(cache_dir=path.parent / "cache", pack="off", **options))


def answer(made: HuggingFace, *messages: Message) -> tuple[dict[str, Any], Completion]:
    async def ask() -> tuple[dict[str, Any], Completion]:
        facts = await made.open()
        asked = Request("key", messages, Sampling(max_tokens=4))
        _, said = await anext(made.generate([asked]))
        await made.close()
        return dict(facts), said

    return asyncio.run(ask())


def notes(made: HuggingFace) -> str:
    return "; ".join(made.shortfalls(Sampling(), None))


def test_a_sound_model_has_no_notes(save: Save) -> None:
    made = backend(save(make_tokenizer()))
    assert isinstance(made, Transparent)
    assert (notes(made), list(made.losses(SYSTEM))) == ("", [])
    assert set(made.identity()) == {"kind", "model", "revision", "dtype", "device"}


def test_a_template_that_drops_the_system_message_is_refused_before_the_run(save: Save) -> None:
    path = save(make_tokenizer(NO_SYSTEM))
    made = backend(path)
    assert list(made.losses(SYSTEM[1:])) == []
    with pytest.raises(BackendError, match=r"leaves out text of messages \(system\)") as caught:
        made.losses(SYSTEM)
    assert 'accept = ["lost_text"]' in (caught.value.hint or "")
    accepted = backend(path, accept=["lost_text"])
    assert list(accepted.losses(SYSTEM)) == [
        "its chat template leaves out text of messages (system)"
    ]
    _, said = answer(accepted, *SYSTEM)
    assert said.outcome is not Outcome.ERROR
    assert accepted.identity() == made.identity()  # the prompt is the same


def test_check_tells_of_everything(save: Save) -> None:
    path = save(make_tokenizer(NO_SYSTEM + "{{ strftime_now('%Y') }}"), repetition_penalty=1.3)
    health = asyncio.run(backend(path).check())
    assert health.ok
    assert "note: its chat template reads the clock: it is given 2024-07-26" in health.detail
    assert "its authors set repetition_penalty = 1.3, which is left out" in health.detail
    assert "leaves out text of messages (system)" in health.detail


def test_check_tells_of_words_that_the_template_adds(save: Save) -> None:
    own = "{% if messages[0].role != 'system' %}You are Tiny, a helpful model.{% endif %}"
    assert told.of_usual_messages(Chat(make_tokenizer(own + TEMPLATE))) == [
        "without a system message, its chat template begins with"
        ' "You are Tiny, a helpful model. user"'
    ]
    assert told.of_usual_messages(Chat(make_tokenizer())) == []


def test_roles_that_a_template_refuses_are_told(save: Save) -> None:
    refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    made = backend(save(make_tokenizer(refusing + TEMPLATE)))
    told_of = ["the model's chat template refuses these messages (system, user): no system"]
    assert list(made.losses(SYSTEM)) == told_of
    assert list(made.losses(SYSTEM[1:])) == []
    assert told_of[0] in asyncio.run(made.check()).detail


def test_what_was_told_is_known_without_the_tokenizer(save: Save) -> None:
    path = save(make_tokenizer(TEMPLATE + "{{ strftime_now('%Y') }}"))
    before = notes(backend(path)), list(backend(path).losses(SYSTEM))
    again = backend(path)
    again._chat = None  # type: ignore[assignment] # it would fail if it were read
    assert (notes(again), list(again.losses(SYSTEM))) == before
    other = backend(path, date="2026-11-30")
    assert "it is given 2026-11-30" in notes(other)
    (path / "generation_config.json").write_text('{"repetition_penalty": 1.5}')
    assert "repetition_penalty" in notes(backend(path))


@pytest.mark.slow
def test_penalties_of_the_authors_are_used_by_the_users_word_alone(save: Save) -> None:
    path = save(make_tokenizer())
    ask = Message("user", "say it")
    _, plain = answer(backend(path), ask)
    first = make_tokenizer()(plain.text[0], add_special_tokens=False)["input_ids"]
    file = path / "generation_config.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), "suppress_tokens": first}))
    assert notes(backend(path)).startswith("its authors set suppress_tokens = [")
    _, without = answer(backend(path), ask)
    assert without.text == plain.text
    used = backend(path, accept=["penalties"])
    assert notes(used).endswith("as accepted")
    _, with_them = answer(used, ask)
    assert with_them.text[0] != plain.text[0]
    assert used.identity()["accept"] == ["penalties"]


def test_roles_without_a_template_are_told(save: Save) -> None:
    made = backend(save(make_tokenizer(None)))
    assert list(made.losses(SYSTEM[1:])) == []
    assert list(made.losses(SYSTEM)) == [
        "it has no chat template: system, user messages reach it as bare text, without roles"
    ]


def test_an_appended_end_is_told(save: Save) -> None:
    made = backend(save(make_tokenizer(None, ends="<|x|>")))
    assert notes(made) == "its tokenizer appends an end token to prompts, which is left out"


def test_all_names_of_the_end_count(save: Save) -> None:
    path = save(make_tokenizer(TEMPLATE.replace("<|im_end|>", "<|x|>")), eos_token_id=[7, 9])
    config = json.loads((path / "config.json").read_bytes())
    (path / "config.json").write_text(json.dumps({**config, "eos_token_id": 11}))
    facts, _ = answer(backend(path), SYSTEM[1])
    ours = make_tokenizer().convert_tokens_to_ids(["<|x|>", "<|im_end|>"])
    assert facts["end_tokens"] == sorted([7, 9, 11, *ours])


def test_thinking_that_a_template_cannot_be_told_is_refused(save: Save) -> None:
    with pytest.raises(BackendError, match="cannot be told whether to think"):
        notes(backend(save(make_tokenizer()), thinking=False))


def test_an_answer_is_without_its_thoughts(save: Save) -> None:
    path = save(make_tokenizer(TEMPLATE + "<think>\n", ["<think>"]))
    _, said = answer(backend(path), SYSTEM[1])
    assert (said.outcome, said.text) == (Outcome.TRUNCATED, "")
    assert said.thoughts


@pytest.mark.parametrize("broken", ["tokenizer.json", "tokenizer_config.json"])
def test_whatever_reading_raises_is_an_error_of_the_backend(save: Save, broken: str) -> None:
    path = save(make_tokenizer())
    (path / broken).write_text('{"chat_template": [[[')
    with pytest.raises(BackendError, match=r"^cannot (load|read)"):
        notes(backend(path))


@pytest.mark.parametrize("date", ["tomorrow", "2026-13-01", "30.11.2026"])
def test_a_date_is_a_date(date: str) -> None:
    with pytest.raises(ValueError, match="expected a date such as 2026-11-30"):
        Options(date=date)


def test_a_raw_prompt_is_refused_in_one_line(save: Save) -> None:
    made = backend(save(make_tokenizer()))
    assert made.raw(SYSTEM).tokens
    with pytest.raises(BackendError, match="System role not supported"):
        made.raw([Message("system", "refuse")])


BASE = Adapter(Path("a"), "b2:0", "acme/tiny", {}, None, None)
WEIGHTS = Weights("acme/tiny", None, "c0ffee" * 6, "hub")


@pytest.mark.parametrize(
    ("base", "model", "expected"),
    [
        ("acme/tiny", "acme/tiny", ""),
        ("acme/Tiny", "acme/tiny", ""),
        ("/their/models/tiny", "/mine/tiny", ""),
        ("/their/models/tiny", "acme/tiny", ""),
        (None, "acme/tiny", ""),
        ("acme/tiny", "other/tiny", "the adapter was made for acme/tiny, not for other/tiny"),
        ("/models/big", "/models/tiny", "made for /models/big, not for /models/tiny"),
    ],
)
def test_an_adapters_base_is_compared_by_name(
    tiny_tokenizer: Any, base: str | None, model: str, expected: str
) -> None:
    lines = told.of_model(
        Chat(tiny_tokenizer), replace(WEIGHTS, model=model), replace(BASE, base=base), Options()
    )
    assert (expected in lines[0]) if expected else lines == []


@pytest.mark.parametrize(
    ("revision", "chosen", "is_told"),
    [("c0ffee", None, False), ("main", None, False), ("v2", "v2", False), ("v2", None, True)],
)
def test_an_adapters_revision_is_compared(
    tiny_tokenizer: Any, revision: str, chosen: str | None, *, is_told: bool
) -> None:
    adapter = replace(BASE, base_revision=revision)
    lines = told.of_model(Chat(tiny_tokenizer), WEIGHTS, adapter, Options(revision=chosen))
    assert bool(lines) is is_told
