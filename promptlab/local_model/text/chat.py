"""Turn messages into token ids with the model's own chat template.

Text in a message stays text: if it spells one of the model's control tokens (`<|im_end|>`), it is
encoded as ordinary characters and ends no message. Everything else gets the ids that transformers'
`apply_chat_template(..., tokenize=True, add_generation_prompt=True)` would give.
"""

from __future__ import annotations

import copy
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from jinja2 import TemplateError

from promptlab.core.digest import digest_text
from promptlab.core.types import Image, Message

_SEPARATOR = "\n\n"  # between the messages that a base model gets
_OPEN, _CLOSE = "\ue000", "\ue001"  # private use: they have no meaning in any text


class ChatError(ValueError):
    """Messages that this model cannot take."""


class Chat:
    """The tokenizer and chat template of one model. Safe to use from several threads."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._lock = threading.Lock()  # a fast tokenizer cannot be used by two threads at once
        special = set(tokenizer.all_special_tokens)
        special |= {t.content for t in tokenizer.added_tokens_decoder.values() if t.special}
        self._control_ids = set(tokenizer.convert_tokens_to_ids(sorted(special)))
        longest_first = sorted(special, key=lambda token: (-len(token), token))
        self._control = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    @cached_property
    def template(self) -> str | None:
        """The model's chat template; None for a base model, which gets the bare texts."""
        if not self._tokenizer.chat_template:
            return None
        return str(self._tokenizer.get_chat_template())

    @property
    def template_digest(self) -> str | None:
        """The digest of the chat template, stored with a run."""
        return digest_text(self.template) if self.template else None

    @property
    def end_token(self) -> int | None:
        """The tokenizer's token for the end of an answer."""
        end: int | None = self._tokenizer.eos_token_id
        return end

    @property
    def vocabulary(self) -> int:
        """The number of tokens in the vocabulary."""
        return len(self._tokenizer)

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the prompt's token ids; raise `ChatError` if the model refuses the messages."""
        texts = _texts(messages)
        marked = any(map(self._control.search, texts))
        with self._lock:
            if self.template is None:
                return self._encode_plain(_SEPARATOR.join(texts))
            if marked:
                return [token for _, ids in self._marked(messages, texts) for token in ids]
            return self._ids(self._render(messages, texts))

    def encode_pairs(
        self, messages: Sequence[Message], continuations: Sequence[str]
    ) -> tuple[list[int], list[list[int]]]:
        """Return the token ids of the prompt and of each continuation after it.

        A prompt and a continuation are tokenized as one text and split where the prompt's tokens
        end. If a continuation changes the last of these (a trailing space becomes part of the
        next word), all are split before the change, so that they stay comparable.

        Raises:
            ChatError: The model cannot take the messages, or a continuation has no tokens.
        """
        texts = _texts(messages)
        with self._lock:
            head, (prompt, *wholes) = self._after_head(messages, texts, ["", *continuations])
        cut = min((_common(prompt, whole) for whole in wholes), default=len(prompt))
        for text, whole in zip(continuations, wholes, strict=True):
            if whole == prompt or len(whole) <= cut:
                raise ChatError(f"the continuation {text!r} has no tokens")
        return [*head, *prompt[:cut]], [whole[cut:] for whole in wholes]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of an answer without its control tokens."""
        with self._lock:
            return str(self._tokenizer.decode(ids, skip_special_tokens=True))

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _encode_plain(self, text: str) -> list[int]:
        if self._control.search(text):
            return list(self._literal.encode(text).ids)
        return list(self._tokenizer(text)["input_ids"])

    def _render(self, messages: Sequence[Message], texts: Iterable[str]) -> str:
        chat = [{"role": m.role, "content": t} for m, t in zip(messages, texts, strict=True)]
        try:
            rendered = self._tokenizer.apply_chat_template(
                chat, tokenize=False, add_generation_prompt=True
            )
        except TemplateError as error:
            roles = ", ".join(message.role for message in messages)
            raise ChatError(
                f"the model's chat template refuses these messages ({roles}): {error}"
            ) from error
        return str(rendered)

    def _after_head(
        self, messages: Sequence[Message], texts: Sequence[str], ends: Sequence[str]
    ) -> tuple[list[int], list[list[int]]]:
        """Return the prompt's ids up to its last control token, and the ids after it for each end.

        A control token separates texts: nothing before it depends on what follows.
        """
        if self.template is None:
            prompt = _SEPARATOR.join(texts)
            return [], [self._encode_plain(prompt + end) for end in ends]
        if any(map(self._control.search, texts)):
            pieces = list(self._marked(messages, texts))
        else:
            pieces = list(self._pieces(self._render(messages, texts)))
        head = [token for _, ids in pieces[:-1] for token in ids]
        tail, _ = pieces[-1]
        return head, [self._encode_after(head[-1:], tail + end) for end in ends]

    def _encode_after(self, control: list[int], text: str) -> list[int]:
        """Return the ids of a text that follows a control token, if there is one."""
        if self._control.search(text):
            return list(self._literal.encode(text, add_special_tokens=False).ids)
        before = "".join(self._tokenizer.convert_ids_to_tokens(control))
        return self._ids(before + text)[len(control) :]

    def _marked(
        self, messages: Sequence[Message], texts: Sequence[str]
    ) -> Iterator[tuple[str, list[int]]]:
        """Encode messages that contain spelt-out control tokens, piece by piece.

        Marks replace these while the template is applied, so that the remaining control tokens
        are the template's own. The text between two of those is then encoded as plain text.
        """
        mark = _unused_mark([*texts, self.template or ""])
        spelt: list[str] = []

        def hide(match: re.Match[str]) -> str:
            spelt.append(match[0])
            return f"{mark}{len(spelt) - 1}{_CLOSE}"

        hidden = [self._control.sub(hide, text) for text in texts]
        shown = re.compile(f"{mark}([0-9]+){_CLOSE}")
        for text, piece in self._pieces(self._render(messages, hidden)):
            if mark not in text:
                yield text, piece
                continue
            plain = shown.sub(lambda match: spelt[int(match[1])], text)
            yield plain, self._literal.encode(plain, add_special_tokens=False).ids

    def _pieces(self, rendered: str) -> Iterator[tuple[str, list[int]]]:
        """Split rendered text at control tokens; yield each piece with its ids."""
        if not self._tokenizer.is_fast:
            raise ChatError("the model's slow tokenizer cannot tell control tokens from text")
        encoded = self._tokenizer(rendered, add_special_tokens=False, return_offsets_mapping=True)
        piece: list[int] = []
        start = 0
        for token, (left, right) in zip(
            encoded["input_ids"], encoded["offset_mapping"], strict=True
        ):
            if token not in self._control_ids:
                piece.append(token)
                continue
            yield rendered[start:left], piece
            yield "", [token]
            piece, start = [], right
        yield rendered[start:], piece

    @cached_property
    def _literal(self) -> Any:
        """A copy of the tokenizer that treats control tokens as plain text."""
        literal = copy.deepcopy(self._tokenizer.backend_tokenizer)
        literal.encode_special_tokens = True
        literal.no_truncation()
        literal.no_padding()
        return literal


def _texts(messages: Sequence[Message]) -> list[str]:
    if any(isinstance(part, Image) for m in messages for part in m.content):
        raise ChatError("this backend does not read images")
    return [message.text for message in messages]


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """Return the length of the common prefix."""
    size = min(len(a), len(b))
    return next((at for at in range(size) if a[at] != b[at]), size)


def _unused_mark(texts: Sequence[str]) -> str:
    """Return a mark that occurs in none of the texts, so that none can forge it."""
    mark = _OPEN
    while any(mark in text for text in texts):
        mark += _OPEN
    return mark
