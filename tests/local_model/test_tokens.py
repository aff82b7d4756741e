from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateError

from promptlab.core.types import Message
from promptlab.local_model.text.chat import Chat
from promptlab.local_model.text.tokens import Tokens, read_tokens

SPECIAL = ["<|im_start|>", "<|im_end|>", "<|x|>", "<|", "|>", "\n", "  "]
TRUNCATION = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
TEXTS = st.lists(st.one_of(st.sampled_from(SPECIAL), st.text(max_size=8)), max_size=8).map("".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Any) -> Path:
    path = tmp_path_factory.mktemp("tokenizer")
    tiny_tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def tokens(folder: Path) -> Tokens:
    found = read_tokens(folder)
    assert found is not None
    return found


@pytest.fixture
def own(tmp_path: Path, tiny_tokenizer: Any) -> Path:
    """Return a folder that a test may change."""
    tiny_tokenizer.save_pretrained(tmp_path)
    return tmp_path


@given(text=TEXTS)
def test_it_reads_and_writes_like_transformers(
    tokens: Tokens, tiny_tokenizer: Any, text: str
) -> None:
    found = tokens(text, add_special_tokens=False, return_offsets_mapping=True)
    theirs = tiny_tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    assert found["input_ids"] == theirs["input_ids"] == tokens(text)["input_ids"]
    assert found["offset_mapping"] == theirs["offset_mapping"]
    for skip in (False, True):
        assert tokens.decode(found["input_ids"], skip_special_tokens=skip) == tiny_tokenizer.decode(
            found["input_ids"], skip_special_tokens=skip
        )


@given(texts=st.lists(TEXTS, min_size=1, max_size=3))
def test_a_chat_gets_the_same_ids(tokens: Tokens, tiny_tokenizer: Any, texts: list[str]) -> None:
    messages = [Message("user", text) for text in texts]
    assert Chat(tokens).encode(messages) == Chat(tiny_tokenizer).encode(messages)


def test_it_knows_its_tokens_like_transformers(tokens: Tokens, tiny_tokenizer: Any) -> None:
    assert len(tokens) == len(tiny_tokenizer)
    assert set(tokens.all_special_tokens) == set(tiny_tokenizer.all_special_tokens)
    assert tokens.eos_token_id == tiny_tokenizer.eos_token_id
    ours, theirs = tokens.added_tokens_decoder, tiny_tokenizer.added_tokens_decoder
    assert {i: (t.content, t.special) for i, t in ours.items()} == {
        i: (t.content, t.special) for i, t in theirs.items()
    }
    ids = list(range(len(tokens)))
    names = tokens.convert_ids_to_tokens(ids)
    assert names == tiny_tokenizer.convert_ids_to_tokens(ids)
    assert tokens.convert_tokens_to_ids(names) == ids
    assert tokens.get_chat_template() == tiny_tokenizer.get_chat_template()


def test_a_template_can_refuse(tokens: Tokens) -> None:
    with pytest.raises(TemplateError, match="not supported"):
        tokens.apply_chat_template([{"role": "system", "content": "refuse"}])


def test_a_base_model_has_no_template(own: Path) -> None:
    (own / "chat_template.jinja").unlink()
    tokens = read_tokens(own)
    assert tokens is not None
    assert Chat(tokens).template_digest is None


@pytest.mark.parametrize(
    "template",
    [
        "{{ strftime_now('%Y') }}",
        "{% set ns = namespace(a=1) %}{{ ns.a }}",
        "{{ messages | tojson }}",
        "{% generation %}{{ messages }}{% endgeneration %}",
        "{{ messages",
    ],
)
def test_a_template_that_uses_more_is_left_to_transformers(own: Path, template: str) -> None:
    (own / "chat_template.jinja").write_text(template)
    assert read_tokens(own) is None


@pytest.mark.parametrize(
    "change",
    [
        {"tokenizer_class": "LlamaTokenizer"},
        {"add_bos_token": True},
        {"clean_up_tokenization_spaces": True},
        {"eos_token": "unheard of"},
        {"eos_token": {"content": "<|im_end|>", "lstrip": True}},
    ],
    ids=str,
)
def test_a_setting_that_it_does_not_know_is_left_to_transformers(
    own: Path, change: dict[str, Any]
) -> None:
    file = own / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), **change}))
    assert read_tokens(own) is None


@pytest.mark.parametrize(
    "change",
    [{"post_processor": None}, {"truncation": TRUNCATION}],
    ids=["no post-processor", "truncation"],
)
def test_what_transformers_would_change_is_left_to_it(own: Path, change: dict[str, Any]) -> None:
    file = own / "tokenizer.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), **change}))
    assert read_tokens(own) is None


def test_a_folder_without_a_tokenizer_is_left_to_transformers(tmp_path: Path) -> None:
    assert read_tokens(tmp_path) is None
