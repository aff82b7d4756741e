"""Where two texts differ: lines in hunks, and the words inside edited lines.

Plain values from plain texts. Knows nothing of templates, terminals or colours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Literal

Marks = tuple[tuple[int, int], ...]
_Change = tuple[int, int, int, int]
"""A difference: start and end in the parts of the first text, start and end in the second's."""

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"  # Japanese and Chinese have no spaces
    r"|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+|\s+|[^\w\s]"
)
_NO_NEWLINE = "\\ No newline at end of file\n"
_LIKE = 0.4  # lines that share less than this of their words are not an edited line
_MANY_PAIRS = 40_000  # beyond this, lines are paired by position
_MANY_PARTS = 1_000_000  # beyond this, ubiquitous parts (spaces, commas) are not used as anchors


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a hunk: " " is in both texts, "-" only in the first, "+" only in the second.

    `marks` are the ranges of characters that an edited line does not share with its counterpart.
    `newline` is False for the last line of a text that does not end in a newline.
    """

    op: Literal[" ", "-", "+"]
    text: str
    marks: Marks = ()
    newline: bool = True


@dataclass(frozen=True, slots=True)
class Hunk:
    """Changed lines that are close together, with the lines around them.

    Starts are line numbers from 1. As in git, an empty side starts at the line before.
    """

    start_a: int
    length_a: int
    start_b: int
    length_b: int
    lines: tuple[Line, ...]

    @property
    def head(self) -> str:
        """Return the header line that git puts above it: `@@ -1,3 +1,4 @@`."""
        a = _extent(self.start_a, self.length_a)
        b = _extent(self.start_b, self.length_b)
        return f"@@ -{a} +{b} @@"


def diff_texts(
    a: str, b: str, *, context: int = 3, first_a: int = 1, first_b: int = 1
) -> tuple[Hunk, ...]:
    """Compare two texts by lines, and edited lines by words.

    Each hunk has `context` unchanged lines around it. The texts start at lines `first_a` and
    `first_b` of their files.
    """
    lines = [*_compare(lines_of(a), lines_of(b))]
    parts: list[tuple[int, int]] = []
    for place, line in enumerate(lines):
        if line.op == " ":
            continue
        start, end = max(0, place - context), min(len(lines), place + context + 1)
        if parts and start <= parts[-1][1]:
            start, _ = parts.pop()
        parts.append((start, end))
    before_a = [0, *accumulate(line.op != "+" for line in lines)]
    before_b = [0, *accumulate(line.op != "-" for line in lines)]
    hunks = []
    for start, end in parts:
        length_a, length_b = before_a[end] - before_a[start], before_b[end] - before_b[start]
        start_a = before_a[start] + first_a - (length_a == 0)
        start_b = before_b[start] + first_b - (length_b == 0)
        hunks.append(Hunk(start_a, length_a, start_b, length_b, tuple(lines[start:end])))
    return tuple(hunks)


def lines_of(text: str) -> list[str]:
    """Split a text only at newlines, as git does; each line keeps its newline."""
    *whole, rest = text.split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])


def word_marks(a: str, b: str) -> tuple[Marks, Marks]:
    """Return the ranges of characters of each text that are not words of the other, in order.

    Ranges separated only by whitespace are merged.
    """
    words_a, words_b = _WORD.findall(a), _WORD.findall(b)
    changes = [*_changes(words_a, words_b)]
    ends_a, ends_b = ([0, *accumulate(map(len, words))] for words in (words_a, words_b))
    return (
        _merged(a, [(ends_a[i1], ends_a[i2]) for i1, i2, _, _ in changes]),
        _merged(b, [(ends_b[j1], ends_b[j2]) for _, _, j1, j2 in changes]),
    )


def likeness(a: Counter[str], b: Counter[str]) -> float:
    """Return Dice's coefficient of the words of two texts (see `bag`): 2|A∩B| / (|A| + |B|)."""
    together = a.total() + b.total()
    return 2 * (a & b).total() / together if together else 0.0


def bag(text: str) -> Counter[str]:
    """Count the words of a text, each weighted by its length: long words say more."""
    words: Counter[str] = Counter()
    for word in _WORD.findall(text):
        if not word.isspace():
            words[word] += len(word)
    return words


def align(size_a: int, size_b: int, likeness: Callable[[int, int], float]) -> list[tuple[int, int]]:
    """Pair positions of two lists, in order, so that the total likeness of the pairs is greatest.

    A likeness of 0 makes no pair.
    """
    if size_a * size_b > _MANY_PAIRS:
        return [(place, place) for place in range(min(size_a, size_b)) if likeness(place, place)]
    best = [[0.0] * (size_b + 1) for _ in range(size_a + 1)]
    for i in reversed(range(size_a)):
        for j in reversed(range(size_b)):
            paired = best[i + 1][j + 1] + likeness(i, j)
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    pairs = []
    i = j = 0
    while i < size_a and j < size_b:
        like = likeness(i, j)
        if like and best[i][j] == best[i + 1][j + 1] + like:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def patch(path_a: str, text_a: str, path_b: str, text_b: str) -> str:
    """Return the patch that creates the second file from the first, which stays; "" if equal.

    It is in git's format, for `git apply` and `patch`.
    """
    if text_a == text_b:
        return ""
    lines = [
        f"diff --git {_quoted('a/' + path_a)} {_quoted('b/' + path_b)}\n",
        *([f"copy from {_quoted(path_a)}\n", f"copy to {_quoted(path_b)}\n"] * (path_a != path_b)),
        f"--- {_ended('a/' + path_a)}\n",
        f"+++ {_ended('b/' + path_b)}\n",
    ]
    for hunk in diff_texts(text_a, text_b):
        lines.append(f"{hunk.head}\n")
        lines += [
            f"{line.op}{line.text}\n{'' if line.newline else _NO_NEWLINE}" for line in hunk.lines
        ]
    return "".join(lines)


def _extent(start: int, length: int) -> str:
    return str(start) if length == 1 else f"{start},{length}"


def _compare(a: Sequence[str], b: Sequence[str]) -> Iterator[Line]:
    """Yield all lines of both texts, deleted ones before inserted ones."""
    done = 0
    for i1, i2, j1, j2 in _joined(a, b, _changes(a, b)):
        yield from (_line(" ", text) for text in a[done:i1])
        yield from _replaced(a[i1:i2], b[j1:j2])
        done = i2
    yield from (_line(" ", text) for text in a[done:])


def _replaced(a: Sequence[str], b: Sequence[str]) -> Iterator[Line]:
    marks_a: dict[int, Marks] = {}
    marks_b: dict[int, Marks] = {}
    for i, j in _edited(a, b):
        marks_a[i], marks_b[j] = word_marks(a[i].removesuffix("\n"), b[j].removesuffix("\n"))
    yield from (_line("-", text, marks_a.get(place, ())) for place, text in enumerate(a))
    yield from (_line("+", text, marks_b.get(place, ())) for place, text in enumerate(b))


def _line(op: Literal[" ", "-", "+"], text: str, marks: Marks = ()) -> Line:
    return Line(op, text.removesuffix("\n"), marks, text.endswith("\n"))


def _edited(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Pair the lines of which one is an edit of the other."""
    bags_a, bags_b = [bag(line) for line in a], [bag(line) for line in b]

    def alike(i: int, j: int) -> float:
        share = likeness(bags_a[i], bags_b[j])
        return share if share >= _LIKE else 0.0

    return align(len(a), len(b), alike)


def _changes(a: Sequence[str], b: Sequence[str]) -> Iterator[_Change]:
    """Yield what differs between two lists; everything between two changes is equal."""
    start = done_a = done_b = _common(a, b)
    end = _common(a[start:][::-1], b[start:][::-1])
    middle_a, middle_b = a[start : len(a) - end], b[start : len(b) - end]
    many = len(middle_a) * len(middle_b) > _MANY_PARTS
    matcher = SequenceMatcher(None, middle_a, middle_b, autojunk=many)
    *blocks, last = matcher.get_matching_blocks()
    for block in (*blocks, last._replace(size=end)):
        i, j = start + block.a, start + block.b
        if (i, j) != (done_a, done_b):
            steps = _slide(a[done_a:i], b[done_b:j], a[i : i + block.size])
            yield done_a + steps, i + steps, done_b + steps, j + steps
        done_a, done_b = i + block.size, j + block.size


def _slide(deleted: Sequence[str], inserted: Sequence[str], after: Sequence[str]) -> int:
    """Return how far down parts that were only deleted, or only inserted, can be shifted.

    Of all positions in a repetitive text the last one reads best: a passage inserted below another
    then begins with its own first line, not with the last lines of the one above.
    """
    if deleted and inserted:
        return 0
    return _common([*deleted, *inserted, *after], after)


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    """Return the length of the common prefix."""
    for place, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return place
    return min(len(a), len(b))


def _joined(a: Sequence[str], b: Sequence[str], changes: Iterator[_Change]) -> list[_Change]:
    """Join rewritten passages with only blank lines between them, which reads better."""
    joined: list[_Change] = []
    for change in changes:
        if joined and _is_rewritten(a, b, joined[-1], change):
            before = joined.pop()
            change = (before[0], change[1], before[2], change[3])
        joined.append(change)
    return joined


def _is_rewritten(a: Sequence[str], b: Sequence[str], first: _Change, second: _Change) -> bool:
    if "".join(a[first[1] : second[0]]).strip():
        return False
    both = (first, second)
    replaced = any(i1 < i2 and j1 < j2 for i1, i2, j1, j2 in both)
    return replaced and not any(_edited(a[i1:i2], b[j1:j2]) for i1, i2, j1, j2 in both)


def _merged(text: str, ranges: Sequence[tuple[int, int]]) -> Marks:
    merged: list[tuple[int, int]] = []
    for start, end in ranges:
        if start == end:
            continue
        if merged and not text[merged[-1][1] : start].strip():
            start, _ = merged.pop()
        merged.append((start, end))
    return tuple(merged)


def _quoted(path: str) -> str:
    """Quote a path as git does, where it contains a quote or a backslash."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return path if escaped == path else f'"{escaped}"'


def _ended(path: str) -> str:
    """Quote a path; after one with spaces a tab marks its end."""
    return f"{_quoted(path)}\t" if " " in path else _quoted(path)
