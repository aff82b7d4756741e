"""The tokenizer of a converted model, using only the package `tokenizers`: importing transformers
takes a second.

It provides what `Chat` needs of a transformers tokenizer, with the same results. It reads a folder
only if every setting is known and the chat template uses nothing but the messages.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn

from jinja2 import Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict
from tokenizers import Tokenizer

_IDLE = {"backend", "is_local", "local_files_only", "model_max_length"}
_GIVEN = {"messages", "add_generation_prompt", "tools", "documents"}


class Named(BaseModel):
    """Every setting of `tokenizer_config.json` that has an effect; most name tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokenizer_class: Literal["TokenizersBackend"]
    clean_up_tokenization_spaces: Literal[False] = False
    bos_token: str | None = None
    eos_token: str | None = None
    unk_token: str | None = None
    pad_token: str | None = None

    @property
    def tokens(self) -> dict[str, str]:
        """Return the named tokens."""
        named = self.model_dump(exclude={"tokenizer_class", "clean_up_tokenization_spaces"})
        return {name: token for name, token in named.items() if token is not None}


class Tokens:
    """A tokenizer with its chat template."""

    is_fast = True

    def __init__(self, backend: Any, named: dict[str, str], chat_template: str | None) -> None:
        self.backend_tokenizer = backend
        self.chat_template = chat_template
        self._named = named
        self._compiled = None if chat_template is None else _compiled(chat_template, named)

    def __len__(self) -> int:
        """Return the number of tokens, including the added ones."""
        return int(self.backend_tokenizer.get_vocab_size())

    def __call__(
        self, text: str, *, add_special_tokens: bool = True, return_offsets_mapping: bool = False
    ) -> dict[str, Any]:
        """Return the token ids of a text, and where each token begins and ends in it."""
        encoded = self.backend_tokenizer.encode(text, add_special_tokens=add_special_tokens)
        ids = {"input_ids": encoded.ids}
        return {**ids, "offset_mapping": encoded.offsets} if return_offsets_mapping else ids

    @property
    def added_tokens_decoder(self) -> dict[int, Any]:
        """Return the tokens that were added to the vocabulary, by id."""
        return dict(self.backend_tokenizer.get_added_tokens_decoder())

    @property
    def all_special_tokens(self) -> list[str]:
        """Return the named tokens."""
        return list(dict.fromkeys(self._named.values()))

    @property
    def eos_token_id(self) -> int | None:
        """Return the token that ends an answer."""
        token = self._named.get("eos_token")
        return None if token is None else self.backend_tokenizer.token_to_id(token)

    def convert_tokens_to_ids(self, tokens: Sequence[str]) -> list[int]:
        """Return the id of each token."""
        return [self.backend_tokenizer.token_to_id(token) for token in tokens]

    def convert_ids_to_tokens(self, ids: Sequence[int]) -> list[str]:
        """Return the token of each id."""
        return [self.backend_tokenizer.id_to_token(each) for each in ids]

    def get_chat_template(self) -> str | None:
        """Return the chat template."""
        return self.chat_template

    def apply_chat_template(
        self,
        conversation: Sequence[dict[str, str]],
        *,
        tokenize: Literal[False] = False,
        add_generation_prompt: bool = False,
        chat_template: str | None = None,
    ) -> str:
        """Return the text of a conversation; raise whatever the template, its only one, does."""
        assert self._compiled is not None
        return self._compiled.render(
            messages=conversation,
            tools=None,
            documents=None,
            add_generation_prompt=add_generation_prompt,
            **self._named,
        )

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool = False) -> str:
        """Return the text of the ids."""
        text = self.backend_tokenizer.decode(list(ids), skip_special_tokens=skip_special_tokens)
        return str(text)


def read_tokens(folder: Path) -> Tokens | None:
    """Read the tokenizer in a folder; return None unless everything in it is known here."""
    try:
        if (folder / "additional_chat_templates").is_dir():
            return None
        config = json.loads((folder / "tokenizer_config.json").read_bytes())
        named = Named.model_validate({k: v for k, v in config.items() if k not in _IDLE}).tokens
        backend: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        if not _plain(backend, named):
            return None
        file = folder / "chat_template.jinja"
        return Tokens(backend, named, file.read_text("utf-8") if file.is_file() else None)
    except Exception:  # noqa: BLE001 - tokenizers raises bare ones; transformers reports what is wrong
        return None


def _plain(backend: Any, named: dict[str, str]) -> bool:
    """Return whether transformers would leave the tokenizer unchanged."""
    special = {each.content for each in backend.get_added_tokens_decoder().values() if each.special}
    return (
        set(named.values()) <= special
        and backend.post_processor is not None
        and backend.truncation is None
        and backend.padding is None
    )


def _compiled(source: str, named: dict[str, str]) -> Template:
    """Compile a chat template; raise `TemplateError` if it uses an unknown variable."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals = {"raise_exception": _refuse}
    if unknown := meta.find_undeclared_variables(environment.parse(source)) - _GIVEN - set(named):
        raise TemplateError(f"it uses {', '.join(sorted(unknown))}")
    del environment.filters["tojson"]  # transformers has one of its own
    return environment.from_string(source)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)
