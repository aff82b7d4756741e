"""The result of rendering a template: its messages, the answers given, and where it stops.

The tags in `tags` call a `Transcript`. It knows nothing of syntax or files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from promptlab.core.types import Image, Message, Role
from promptlab.core.validation import shown
from promptlab.sandbox.errors import ExpressionError

# Marks the place of an image in a message's text. Cases and answers never contain NUL.
_MARK = "\x00"


class TagError(ExpressionError):
    """An error in the use of a tag, with its remedy."""


class Awaiting(Exception):
    """Raised by `generate` when its answer is not yet available."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name)
        self.name = name
        self.options = options


@dataclass(slots=True)
class Transcript:
    """What one rendering has produced so far. `answers` are the model's, in order of turns."""

    answers: Sequence[str]
    off: frozenset[str]
    load_image: Callable[[str], Image]
    messages: list[Message] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)
    images: list[Image] = field(default_factory=list)
    role: Role | None = None
    ends_with_answer: bool = False

    def say(self, role: Role, text: str) -> None:
        """Add a message; one that renders to nothing (a practice switched off) is left out."""
        text = text.strip()
        if not text:
            return
        if role == "system" and self.messages:
            problem = "a second" if self.messages[0].role == "system" else "a late"
            raise TagError(
                f"{problem} system message", "only the first message can be the system's"
            )
        _check_letters(text)
        self.messages.append(Message(role, self._with_images(text)))
        self.ends_with_answer = False

    def answer(self, name: str, options: Mapping[str, Any]) -> None:
        """Use the next answer, or stop here until the model has given it."""
        if not self.messages or self.messages[-1].role != "user":
            raise TagError(
                "the model must answer here, but the last message is not the user's",
                "put {% user %} ... {% enduser %} before {% generate %}",
            )
        turn = len(self.names)
        if turn >= len(self.answers):
            raise Awaiting(name, options)
        self.names.append(name)
        self.given[name] = self.answers[turn]
        self.messages.append(Message("assistant", self.answers[turn]))
        self.ends_with_answer = True

    def image(self, source: object) -> str:
        """Load an image part and return the mark that holds its place."""
        if self.role != "user":
            raise TagError("image() is outside a user message", "move it inside {% user %}")
        if not isinstance(source, str) or not source:
            raise TagError(
                f"image() takes a path or a URL, not {shown(source)}", "check the case's value"
            )
        self.images.append(self.load_image(source))
        return f"{_MARK}{len(self.images) - 1}{_MARK}"

    def _with_images(self, text: str) -> str | tuple[str | Image, ...]:
        if _MARK not in text:
            return text
        parts: list[str | Image] = []
        for place, piece in enumerate(text.split(_MARK)):
            if place % 2:
                parts.append(self._image_at(piece))
            elif piece.strip():
                parts.append(piece)  # with its spaces: some models get the text without the images
        return tuple(parts)

    def _image_at(self, number: str) -> Image:
        if not number.isdecimal() or int(number) >= len(self.images):
            raise TagError("a message contains a NUL character", "remove it from the text")
        return self.images[int(number)]


def _check_letters(text: str) -> None:
    """Refuse what no file, database or server can hold."""
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError:
        raise TagError(
            "a message contains half of a surrogate pair", "write whole characters"
        ) from None
