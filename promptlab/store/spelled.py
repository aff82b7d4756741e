"""Texts and queries as the full-text index takes them.

SQLite's tokenizer `unicode61` takes words between spaces and marks. Chinese and Japanese have no
spaces, so a whole sentence would be one word; the tokenizer `trigram` would find no word of two
characters, which most Chinese ones are, and its index is several times as large. So such scripts
are spelled character by character, with a mark between two of them, and a word of theirs is looked
for as a phrase. Korean is spelled too, for the endings of its words.
"""

from __future__ import annotations

import re

from promptlab.core.errors import PromptlabError
from promptlab.core.found import Piece

BETWEEN, OPEN, CLOSE = "\x1f", "\ufdd1", "\ufdd2"
"""A separator to every tokenizer, and two noncharacters: in no text that is meant to be read."""

_SCRIPTS = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3040-\u318f\u31a0-\u31bf"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc"
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
_SPELLED = re.compile(f"[{_SCRIPTS}]")
_EDGES = re.compile(f"(?<=[{_SCRIPTS}])|(?=[{_SCRIPTS}])")
_TERMS = re.compile(r'"([^"]*)"?|([^\s"]+)')
_MARKED = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}?")
_MOST = 32  # words and phrases of one query


def needs_spelling(text: str) -> bool:
    """Return whether a text has characters of scripts without spaces."""
    return not text.isascii() and _SPELLED.search(text) is not None


def spelled(text: str) -> str:
    """Return a text with the characters of such scripts apart."""
    return _EDGES.sub(BETWEEN, text) if needs_spelling(text) else text


def query(text: str) -> str | None:
    """Return what people type, words and "phrases" that must all occur, as a query of FTS5.

    None means that it has no word. Nothing in it is read as an operator.
    """
    terms = [phrase or word for phrase, word in _TERMS.findall(text.replace("\0", " "))]
    terms = [term for term in terms if any(map(str.isalnum, term))]
    if len(terms) > _MOST:
        raise PromptlabError(f"a search is for at most {_MOST} words", hint="leave some out")
    return " AND ".join(f'"{spelled(term)}"' for term in terms) or None


def pieces(snippet: str) -> tuple[Piece, ...]:
    """Return the pieces of a snippet with marks, as they are to be read."""
    found: list[Piece] = []
    at = 0
    for match in _MARKED.finditer(snippet):
        found += [Piece(snippet[at : match.start()], False), Piece(match[1], True)]
        at = match.end()
    found.append(Piece(snippet[at:], False))
    plain = [Piece(_plain(piece.text), piece.marked) for piece in found]
    return tuple(piece for piece in plain if piece.text)


def _plain(text: str) -> str:
    return text.replace(BETWEEN, "").replace(OPEN, "").replace(CLOSE, "")
