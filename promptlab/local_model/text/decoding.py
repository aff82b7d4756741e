"""From token ids to text: what a model said, and how each token is spelt."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any

from promptlab.core.thoughts import opens_thoughts, split_thoughts

_CHANNELS = ("<|start|>", "<|channel|>", "<|message|>", "<|end|>")  # of gpt-oss


class Decoding:
    """The tokens of one tokenizer. Not safe to use from several threads."""

    def __init__(self, tokenizer: Any, control: Collection[str]) -> None:
        """Keep the tokenizer and the texts of its control tokens."""
        self._tokenizer = tokenizer
        self._control = control

    def said(self, ids: Sequence[int]) -> str:
        """Return the text of an answer without its special tokens, but with marks of thoughts."""
        if not self._marks.intersection(ids):
            return str(self._tokenizer.decode(ids, skip_special_tokens=True))
        return self.spelt(
            [each for each in ids if each in self._marks or each not in self._special]
        )

    def spelt(self, ids: Sequence[int]) -> str:
        """Return the text of tokens, special ones included."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    @cached_property
    def unknown(self) -> int | None:
        """The token for what is in no other; None if every text has tokens of its own."""
        model = getattr(getattr(self._tokenizer, "backend_tokenizer", None), "model", None)
        if type(model).__name__ != "Unigram":
            named: str | None = getattr(model, "unk_token", None)
            return None if named is None else self._tokenizer.convert_tokens_to_ids([named])[0]
        unknown: int | None = getattr(self._tokenizer, "unk_token_id", None)
        return unknown

    @cached_property
    def _special(self) -> frozenset[int]:
        """The tokens that a decoder leaves out."""
        added = self._tokenizer.added_tokens_decoder.items()
        named = self._tokenizer.convert_tokens_to_ids(list(self._tokenizer.all_special_tokens))
        return frozenset({*named, *(number for number, token in added if token.special)})

    @cached_property
    def _marks(self) -> frozenset[int]:
        """The special tokens that say where thoughts begin and end."""
        names = [token for token in sorted(self._control) if _marks_thoughts(token)]
        if _CHANNELS[1] in self._control:
            names += [name for name in _CHANNELS if name in self._control]
        return frozenset(self._tokenizer.convert_tokens_to_ids(names)) & self._special


def _marks_thoughts(token: str) -> bool:
    """Return whether a token opens or closes thoughts."""
    return opens_thoughts(token) or split_thoughts(f"{token}x", opened=True).answer == "x"
