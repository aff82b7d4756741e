"""How many characters and words a text has, also where its script puts no blanks between words."""

from __future__ import annotations

from dataclasses import dataclass

import regex

from promptlab.scorers.reading.normal import INVISIBLE, composed, normal

UNSPACED = (
    r"[[\p{L}\p{M}]&&[\p{lb=SA}\p{lb=ID}\p{lb=CJ}\p{lb=AK}\p{lb=AP}\p{lb=AS}\p{lb=VI}\p{lb=VF}\p{Tibetan}]"
    r"--[\p{Latin}\p{Hangul}]]"
)
"""Letters between which lines break without a blank: Han, kana, Thai, Lao, Khmer, Burmese, ..."""

_GRAPHEME = regex.compile(r"\X")
_SHOWN = regex.compile(rf"[^{INVISIBLE}]")
_EDGES = regex.compile(rf"\A[\s{INVISIBLE}]+|[\s{INVISIBLE}]+\Z")
_RUN = regex.compile(rf"{UNSPACED}+", regex.V1)
_HAS_WORD = regex.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are: at least and at most, which differ where nobody can tell exactly."""

    least: int
    most: int

    def __str__(self) -> str:
        """Return the number, or both bounds."""
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"

    def within(self, least: int | None, most: int | None) -> bool | None:
        """Return whether the count keeps the bounds; None if that depends on what is unknown."""
        if (least is not None and self.most < least) or (most is not None and self.least > most):
            return False
        if (least is None or self.least >= least) and (most is None or self.most <= most):
            return True
        return None


def characters(text: str) -> Count:
    """Count what a reader takes for characters: a letter with its marks is one.

    White space around the text and what is invisible are not counted.
    """
    if text.isascii():
        count = len(text.strip().replace("\r\n", "\n"))
    else:
        shown = _GRAPHEME.findall(composed(_EDGES.sub("", text)))
        count = sum(_SHOWN.search(one) is not None for one in shown)
    return Count(count, count)


def words(text: str) -> Count:
    """Count what stands between blanks and holds a letter or a digit.

    A run of letters that are written without blanks is one word at least, and at most as many as
    it has characters.
    """
    least = most = 0
    for piece in normal(text).split():
        runs = [] if piece.isascii() else _RUN.findall(piece)
        rest = _RUN.split(piece) if runs else [piece]
        spaced = sum(_HAS_WORD.search(part) is not None for part in rest)
        least += spaced + len(runs)
        most += spaced + sum(len(_GRAPHEME.findall(run)) for run in runs)
    return Count(least, most)
