"""An answer on a terminal while it comes: whole words, without thoughts and without keys."""

from __future__ import annotations

from collections.abc import Callable

from promptlab.core.masking import mask
from promptlab.core.thoughts import split_thoughts

_THINKS_FIRST = 2_000  # characters within which an answer shows whether thoughts come first


class LiveText:
    """Shows a text that comes in pieces, as far as it will stay as it is.

    What comes last is held until a blank or a character outside ASCII follows it: the mark that
    opens thoughts, or a key, may stand in two pieces. `write` takes what is to be shown; it is up
    to the terminal's door to spell out what a terminal would obey.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self.begin()

    def begin(self) -> bool:
        """Begin an answer; return whether something was shown of the last one."""
        before = bool(getattr(self, "_shown", ""))
        self._text, self._shown = "", ""
        return before

    def hear(self, piece: str) -> None:
        """Take the next piece."""
        self._text += piece
        settled = mask(self._answer(self._text[: _last_break(self._text)]))
        if settled.startswith(self._shown):
            self._write(settled[len(self._shown) :])
            self._shown = settled

    def end(self, answer: str) -> None:
        """Show the rest of the answer, or all of it where it is not what was shown so far."""
        answer = mask(answer)
        if not answer.startswith(self._shown):
            self._write("\n\n")
            self._shown = ""
        rest = answer[len(self._shown) :]
        self._write(rest if answer.endswith("\n") else f"{rest}\n")
        self._text, self._shown = "", ""

    def _answer(self, text: str) -> str:
        """Return the part of a text that is no thought."""
        if len(text) > _THINKS_FIRST and self._shown:
            return text
        said = split_thoughts(text)
        if not said.finished:
            return ""
        return said.answer if said.thoughts else text


def _last_break(text: str) -> int:
    """Return where the last blank or the last character outside ASCII ends."""
    for place in range(len(text), 0, -1):
        if text[place - 1] == " " or not text[place - 1].isascii():
            return place
    return 0
