"""Which line breaks of a template its prompts keep.

A line that has nothing but tags and comments leaves no line. Every other line stays as it is, with
its indentation and its line break, also where it begins or ends with a tag. What stands on lines of
its own belongs to them: a practice that is switched off and the definition of a macro take their
lines with them, and what an include, a call or a filter writes there ends with a line break.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment
from jinja2.lexer import Lexer

END_LINE = "promptlab_end_line"
"""The filter that ends a text with a line break, unless it is empty or has one."""

Token = tuple[int, str, str]
"""Line, type and text."""

_BLANKS = " \t"
_ENDS = {f"{kind}_begin": f"{kind}_end" for kind in ("variable", "block", "comment")}
_WRITE = ("include", "call", "filter")
_DEFINE = ("macro", "set")


@dataclass(slots=True)
class _Piece:
    """Text of the template, or all tokens of one tag, comment or expression.

    `begins` and `ends` say whether only blanks are beside it on its line, as written in the file.
    `alone` is a tag on a line that only tags are on.
    """

    kind: str
    tokens: list[Token]
    begins: bool = False
    ends: bool = False
    alone: bool = False

    @property
    def is_text(self) -> bool:
        return self.kind == "data"

    @property
    def text(self) -> str:
        return self.tokens[0][2]

    @property
    def name(self) -> str:
        """Return what a tag is called."""
        return next((text for _, kind, text in self.tokens if kind == "name"), "")

    @property
    def took_break(self) -> bool:
        """Return whether a `-%}` has taken the line break behind it."""
        return not self.is_text and "\n" in self.tokens[-1][2]

    def cut(self, start: int, end: int) -> None:
        """Keep a part of the text."""
        line, kind, text = self.tokens[0]
        self.tokens[0] = line + text[:start].count("\n"), kind, text[start:end]


class PromptLexer(Lexer):
    """Jinja's lexer, but for the lines that only tags are on."""

    def tokeniter(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> Iterator[Token]:
        """Yield the tokens of a template."""
        pieces = _pieces(super().tokeniter(source, name, filename, state))
        _look_beside(pieces)
        for first, last in [*_lines_of_tags(pieces)]:
            _leave_out(pieces, first, last)
        for first, last in _pairs(pieces):
            _keep_together(pieces, first, last)
        for piece in pieces:
            yield from (token for token in piece.tokens if token[2] or token[1] != "data")


@cache
def prompt_lexer() -> Lexer:
    """Return the lexer of templates."""
    return PromptLexer(Environment())  # noqa: S701 - it is only asked for its delimiters


def end_line(text: str) -> str:
    """End a text with a line break, unless it is empty or has one."""
    return f"{text}\n" if text and not text.endswith("\n") else text


def _pieces(tokens: Iterable[Token]) -> list[_Piece]:
    pieces: list[_Piece] = []
    end = ""
    for token in tokens:
        if end:
            pieces[-1].tokens.append(token)
            end = "" if token[1] == end else end
        else:
            pieces.append(_Piece(token[1], [token]))
            end = _ENDS.get(token[1], "")
    return pieces


def _look_beside(pieces: Sequence[_Piece]) -> None:
    """Note of each tag whether it begins or ends a line of the file."""
    line, blank = 0, True  # where the text before ends, and whether only blanks are on that line
    for place, piece in enumerate(pieces):
        if piece.is_text:
            *above, tail = piece.text.split("\n")
            blank = (blank or bool(above)) and not tail.strip(_BLANKS)
        else:
            # `{%-` has taken the line break before it, but not out of the numbers of lines.
            piece.begins = blank or piece.tokens[0][0] > line
            piece.ends = piece.took_break or _ends_line(pieces[place + 1 : place + 3])
            blank = piece.took_break
        line = piece.tokens[-1][0] + piece.tokens[-1][2].count("\n")


def _ends_line(after: Sequence[_Piece]) -> bool:
    if not after or not after[0].is_text:
        return not after
    head, found, _ = after[0].text.partition("\n")
    return not head.strip(_BLANKS) and (bool(found) or len(after) == 1)


def _lines_of_tags(pieces: Sequence[_Piece]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last tag of every line that only tags are on."""
    first = None
    for place, piece in enumerate(pieces):
        if piece.is_text:
            if piece.text.strip(_BLANKS):
                first = None
        elif piece.kind == "variable_begin":
            first = None
        else:
            first = place if piece.begins else first
            if piece.ends and first is not None:
                yield first, place
                first = None


def _leave_out(pieces: Sequence[_Piece], first: int, last: int) -> None:
    """Leave out a line of tags, its blanks and its line break. A `+` keeps what is beside it."""
    for place in range(first, last + 1):
        if pieces[place].is_text:
            pieces[place].cut(0, 0)
        else:
            pieces[place].alone = True
    if first and pieces[first - 1].is_text and not pieces[first].tokens[0][2].endswith("+"):
        text = pieces[first - 1].text
        pieces[first - 1].cut(0, len(text.rstrip(_BLANKS)))
    after = pieces[last + 1] if last + 1 < len(pieces) else None
    closing = pieces[last].tokens[-1][2]
    if after is not None and after.is_text and not closing.startswith(("+", "-")):
        head, found, _ = after.text.partition("\n")
        after.cut(len(head) + len(found), len(after.text))


def _pairs(pieces: Sequence[_Piece]) -> Iterator[tuple[int, int]]:
    """Yield the opening and the closing tag of practices, definitions and what writes a text."""
    opened: list[int] = []
    for place, piece in enumerate(pieces):
        name = piece.name if piece.kind == "block_begin" else ""
        if name == "include":
            yield place, place
        elif name in ("practice", *_DEFINE, *_WRITE):
            if name != "set" or _is_block(piece):
                opened.append(place)
        elif opened and name == f"end{pieces[opened[-1]].name}":
            yield opened.pop(), place


def _is_block(assignment: _Piece) -> bool:
    """Return whether `set` takes what is written up to `endset`, and not a value."""
    operators = (text for _, kind, text in assignment.tokens if kind == "operator")
    return next(operators, "|") == "|"


def _keep_together(pieces: Sequence[_Piece], first: int, last: int) -> None:
    opening, closing = pieces[first], pieces[last]
    if opening.name not in _WRITE:
        if opening.begins and closing.ends:
            _take_lines(pieces, first, last)
    elif opening.alone and closing.alone:
        opening.tokens[:0] = _tag(opening.tokens[0][0], "filter", END_LINE)
        closing.tokens += _tag(closing.tokens[-1][0], "endfilter")


def _take_lines(pieces: Sequence[_Piece], first: int, last: int) -> None:
    """Move the indentation before a practice and the line break behind it inside.

    Of a definition, which writes nothing where it stands, they are left out.
    """
    opening, closing = pieces[first], pieces[last]
    before = pieces[first - 1] if first and not opening.alone else None
    after = pieces[last + 1] if last + 1 < len(pieces) and not closing.alone else None
    if before is not None and before.is_text:
        start = len(before.text.rstrip(_BLANKS))
        indent = opening.tokens[-1][0], "data", before.text[start:]
        opening.tokens += [indent] if opening.name == "practice" else []
        before.cut(0, start)
    if after is not None and after.is_text and "\n" in after.text:
        end = after.text.index("\n") + 1
        line = closing.tokens[0][0], "data", after.text[:end]
        closing.tokens[:0] = [line] if opening.name == "practice" else []
        after.cut(end, len(after.text))


def _tag(line: int, *names: str) -> list[Token]:
    tokens = [(line, "block_begin", "{%")]
    for name in names:
        tokens += [(line, "whitespace", " "), (line, "name", name)]
    return [*tokens, (line, "block_end", "%}")]
