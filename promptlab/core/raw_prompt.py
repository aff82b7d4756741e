"""A prompt as a model on this machine reads it: token by token."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Token:
    """A token's number, and the text that it stands for, which may be a part of a character."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class RawPrompt:
    """The text that a chat template made of the messages, and its tokens in order."""

    text: str
    tokens: tuple[Token, ...]
