"""The hunks between two versions as plain data, each with the cases that flipped where it changed.

Where several changed at once and no text between was measured, that is said, with the command that
tells them apart.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from promptlab.analysis.hunk_flips import Flipped, FlipsByHunk, HunkFlips
from promptlab.core.types import Json
from promptlab.report.wording import counted
from promptlab.templates.changes import Change
from promptlab.templates.edits import Edit
from promptlab.templates.text_diff import Line

_NAMED = 5  # cases that a sentence names


@dataclass(frozen=True, slots=True)
class PassageView:
    """What one edit of a hunk changes: in words where it stands, and its lines.

    `first` and `last` are the lines of the second text, or of the first if nothing is put in; None
    for a key of the front matter.
    """

    file: str
    key: str | None
    first: int | None
    last: int | None
    lines: tuple[Line, ...]

    @property
    def place(self) -> str:
        """Return where it stands."""
        if self.key is not None:
            return f"front matter, {self.key}"
        at = f"line {self.first}" if self.first == self.last else f"lines {self.first}-{self.last}"
        return f"{self.file}, {at}"


@dataclass(frozen=True, slots=True)
class HunkView:
    """A hunk: its number, what it changes, and the cases that flipped where it alone changed.

    `flips` are those by backend, empty where that was not measured; `won` and `lost` those on any
    backend. A `silent` hunk changes nothing that is sent. `sentence` says what is known of it.
    """

    number: int
    passages: tuple[PassageView, ...]
    silent: bool
    flips: tuple[Flipped, ...]
    won: tuple[str, ...]
    lost: tuple[str, ...]
    sentence: str

    @property
    def title(self) -> str:
        """Return its number, and where it stands."""
        return f"Hunk {self.number}: {'; '.join(each.place for each in self.passages)}"

    @property
    def text(self) -> str:
        """Return its lines, as in a diff."""
        lines = (line for passage in self.passages for line in passage.lines)
        return "\n".join(f"{line.op}{line.text}" for line in lines)


@dataclass(frozen=True, slots=True)
class FlipsView:
    """The hunks from `a` to `b`, and what is to be said of them all.

    `separate` is the command that tells apart the hunks of which nothing is known, if there is one.
    """

    a: str
    b: str
    hunks: tuple[HunkView, ...]
    notes: tuple[str, ...]
    separate: str | None

    @property
    def is_measured(self) -> bool:
        """Return whether anything is known of the hunks beside their text."""
        return bool(self.notes) or any(hunk.flips for hunk in self.hunks)

    @property
    def are_several(self) -> bool:
        """Return whether there are hunks to tell apart."""
        return len(self.hunks) > 1


def flips_view(found: FlipsByHunk) -> FlipsView:
    """Return the view of the hunks between two versions."""
    notes = _notes(found) if found.is_measured else ()
    return FlipsView(
        found.a,
        found.b,
        tuple(_hunk_view(hunk, found) for hunk in found.hunks),
        notes,
        found.separate,
    )


def _hunk_view(hunk: HunkFlips, found: FlipsByHunk) -> HunkView:
    change = hunk.change
    return HunkView(
        change.number,
        tuple(_passage(edit, found.file) for edit in change.edits),
        change.silent,
        hunk.flips,
        hunk.won,
        hunk.lost,
        _sentence(hunk, found),
    )


def _passage(edit: Edit, file: str) -> PassageView:
    path = file if edit.path is None else f"templates/{edit.path}"
    hunk = edit.hunk
    if hunk is None:
        pairs = (("-", edit.a), ("+", edit.b))
        lines = tuple(
            Line("-" if op == "-" else "+", f"{edit.key}: {_written(value)}")
            for op, value in pairs
            if value is not None
        )
        return PassageView(path, edit.key, None, None, lines)
    start, length = (
        (hunk.start_b, hunk.length_b) if hunk.length_b else (hunk.start_a, hunk.length_a)
    )
    return PassageView(path, None, start, start + length - 1, hunk.lines)


def _written(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _sentence(hunk: HunkFlips, found: FlipsByHunk) -> str:
    """Say what is known of a hunk."""
    if hunk.change.silent:
        return "It changes nothing that is sent."
    if not hunk.flips:
        return "Never measured alone." if found.is_measured else "Not measured."
    several = len({each.backend for each in hunk.flips}) > 1
    return " ".join(_flips_sentence(each, several=several) for each in hunk.flips)


def _flips_sentence(flips: Flipped, *, several: bool) -> str:
    on = f" on {flips.backend}" if several else ""
    what = f"{len(flips.won)} won, {len(flips.lost)} lost"
    what = what if flips.won or flips.lost else "No case flipped"
    return f"{what}{on} of {counted(flips.cases, 'case')}, between {flips.a} and {flips.b}."


def _notes(found: FlipsByHunk) -> tuple[str, ...]:
    loud, missing = found.loud, found.missing
    if not loud:
        return ("Nothing that is sent differs.",) if found.hunks else ()
    if len(loud) == 1:
        return ("One hunk alone changed what is sent: every flip is its own.",)
    notes = [_missing(missing, len(loud))] if missing else []
    if missing and found.separate is None and found.restore:
        notes.append(
            f"To tell them apart, a text without a file needs one again: {'; '.join(found.restore)}"
        )
    if found.odd:
        notes.append(_odd(found.odd))
    return tuple(notes)


def _missing(missing: tuple[HunkFlips, ...], number: int) -> str:
    if len(missing) == number:
        return (
            f"{number} hunks changed at once, and no text between was measured: no flip can be told"
            " from one hunk or from another."
        )
    hunks = _numbered([hunk.change for hunk in missing])
    return (
        f"{hunks} of {number} changed with others at once, and {_was(missing)} never measured"
        + (" alone.")
    )


def _was(missing: tuple[HunkFlips, ...]) -> str:
    return "was" if len(missing) == 1 else "were"


def _numbered(changes: list[Change]) -> str:
    numbers = [str(change.number) for change in changes]
    if len(numbers) == 1:
        return f"Hunk {numbers[0]}"
    return f"Hunks {', '.join(numbers[:-1])} and {numbers[-1]}"


def _odd(cases: tuple[str, ...]) -> str:
    more = "" if len(cases) <= _NAMED else f" and {len(cases) - _NAMED} more"
    return (
        f"On {counted(len(cases), 'case')} the hunks one by one do not add up to what all of them"
        f" did together ({', '.join(cases[:_NAMED])}{more}): there, one changes what another does."
    )
