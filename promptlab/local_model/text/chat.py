"""Turn messages into token ids with the model's own chat template.

Text in a message stays text: if it spells one of the model's control tokens (`<|im_end|>`), it is
encoded as ordinary characters and ends no message. Everything else gets the ids that transformers'
`apply_chat_template(..., tokenize=True, add_generation_prompt=True)` would give.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from promptlab.core.raw_prompt import RawPrompt, Token
from promptlab.core.thoughts import opens_thoughts
from promptlab.core.types import Image, Message
from promptlab.local_model.text.chat_template import (
    END_TOKEN,
    LOST_TEXT,
    NO_WISHES,
    ChatError,
    Loss,
    Wishes,
    find_template,
    loss_of,
)
from promptlab.local_model.text.control import control_tokens, literal
from promptlab.local_model.text.decoding import Decoding

__all__ = ["Chat", "ChatError"]

_SEPARATOR = "\n\n"  # between the messages that a base model gets
_OPEN, _CLOSE = "\ue000", "\ue001"  # private use: they have no meaning in any text
_ROLES = 3  # words before a message that may be no more than the names of roles
_LAST = 12  # tokens of a prompt that may open the thoughts


class Chat:
    """The tokenizer and chat template of one model. Safe to use from several threads."""

    def __init__(self, tokenizer: Any, wishes: Wishes = NO_WISHES) -> None:
        """Keep the tokenizer; raise `BackendError` if it has not the template that is wanted."""
        self._tokenizer = tokenizer
        self._accept = wishes.accept
        self._lock = threading.Lock()  # a fast tokenizer cannot be used by two threads at once
        self.template = find_template(tokenizer, wishes)
        control = control_tokens(tokenizer, self.template.source if self.template else None)
        self._control_tokens = control
        self._tokens = Decoding(tokenizer, control)
        self._control_ids = set(tokenizer.convert_tokens_to_ids(sorted(control)))
        longest_first = sorted(control, key=lambda token: (-len(token), token))
        self._control = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    @property
    def template_digest(self) -> str | None:
        """The digest of the chat template, stored with a run."""
        return self.template.digest if self.template else None

    @cached_property
    def ends(self) -> frozenset[int]:
        """The tokens that end an answer: the tokenizer's, and what the template puts behind one."""
        ends = {self._tokenizer.eos_token_id}
        with self._lock:
            if self.template and (mark := self._control.match(self.template.after_answer)):
                ends |= set(self._tokenizer.convert_tokens_to_ids([mark[0]]))
        return frozenset(end for end in ends if isinstance(end, int))

    @property
    def preamble(self) -> str:
        """What the chat template says before a user's first message, in words of its own."""
        with self._lock:
            before = self.template.before_user if self.template else ""
        words = self._control.sub(" ", before).split()
        return " ".join(words) if len(words) > _ROLES else ""

    @cached_property
    def appended(self) -> int:
        """How many tokens the tokenizer appends to a bare text, as if it ended there."""
        if self.template is not None:
            return 0
        with self._lock:
            whole, text = list(self._tokenizer("a")["input_ids"]), self._ids("a")
        starts = range(len(whole) - len(text) + 1)
        start = next((at for at in starts if whole[at : at + len(text)] == text), None)
        return 0 if start is None else len(whole) - start - len(text)

    @property
    def vocabulary(self) -> int:
        """The number of tokens in the vocabulary."""
        return len(self._tokenizer)

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the prompt's token ids; raise `ChatError` if the model refuses the messages."""
        texts = _texts(messages)
        marked = any(map(self._control.search, texts))
        if self.template is None:
            return self._encode_plain(_SEPARATOR.join(texts))
        with self._lock:
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
        head, (prompt, *wholes) = self._after_head(messages, texts, ["", *continuations])
        cut = min((_common(prompt, whole) for whole in wholes), default=len(prompt))
        for text, whole in zip(continuations, wholes, strict=True):
            if whole == prompt or len(whole) <= cut:
                raise ChatError(f"the continuation {text!r} has no tokens")
        return [*head, *prompt[:cut]], [whole[cut:] for whole in wholes]

    def loss(self, messages: Sequence[Message]) -> Loss:
        """Return what the chat template leaves out of messages of these roles."""
        if self.template is None:
            return Loss()
        with self._lock:
            return self.template.loss(messages)

    def raw(self, messages: Sequence[Message]) -> RawPrompt:
        """Return the prompt's text and tokens; raise `ChatError` if the model refuses it."""
        ids = self.encode(messages)
        texts = _texts(messages)
        with self._lock:
            whole = self._render(messages, texts) if self.template else _SEPARATOR.join(texts)
            return RawPrompt(whole, tuple(Token(each, self._tokens.spelt([each])) for each in ids))

    def has_unknown(self, ids: Sequence[int]) -> bool:
        """Return whether the tokenizer knew no token for a part of a prompt."""
        return self._tokens.unknown is not None and self._tokens.unknown in ids

    def thinks_first(self, ids: Sequence[int]) -> bool:
        """Return whether a prompt ends within thoughts, which its answer then goes on with."""
        with self._lock:
            return opens_thoughts(self._tokens.spelt(ids[-_LAST:]))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of an answer without its control tokens, but with marks of thoughts."""
        with self._lock:
            return self._tokens.said(ids)

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _encode_plain(self, text: str) -> list[int]:
        """Return the ids of a bare text, to which the tokenizer must not append an end."""
        end = 0 if END_TOKEN in self._accept else self.appended
        with self._lock:
            if self._control.search(text):
                ids = list(self._literal.encode(text).ids)
            else:
                ids = list(self._tokenizer(text)["input_ids"])
        return ids[: len(ids) - end]

    def _render(self, messages: Sequence[Message], texts: Sequence[str]) -> str:
        assert self.template is not None
        rendered = self.template.render(messages, texts)
        if LOST_TEXT in self._accept:
            return rendered
        roles = [message.role for message in messages]
        if left_out := loss_of(rendered, roles, texts).left_out:
            raise ChatError(
                "the model's chat template leaves out or changes text of a message"
                f' ({", ".join(left_out)}); accept = ["{LOST_TEXT}"] lets it'
            )
        return rendered

    def _after_head(
        self, messages: Sequence[Message], texts: Sequence[str], ends: Sequence[str]
    ) -> tuple[list[int], list[list[int]]]:
        """Return the prompt's ids up to its last control token, and the ids after it for each end.

        A control token separates texts: nothing before it depends on what follows.
        """
        if self.template is None:
            prompt = _SEPARATOR.join(texts)
            return [], [self._encode_plain(prompt + end) for end in ends]
        with self._lock:
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
        mark = _unused_mark([*texts, self.template.source if self.template else ""])
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
        return literal(self._tokenizer, self._control_tokens)


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
