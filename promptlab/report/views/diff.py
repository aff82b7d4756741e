"""How two versions differ, as plain data: text, front matter, size, and what was measured."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from promptlab.analysis.hunk_flips import FlipsByHunk
from promptlab.analysis.pair import PairResults
from promptlab.core.reasons import Reason
from promptlab.core.types import Json
from promptlab.report.views.contrast import Note, OpenQuestion, notes_on, open_question
from promptlab.report.views.flips import FlipsView, flips_view
from promptlab.report.views.measured import (
    FlipView,
    MeasuredView,
    flip_view,
    measured_view,
    where_measured,
)
from promptlab.report.wording import counted, length
from promptlab.templates.diff import (
    CaseDiff,
    KeyDiff,
    MessageDiff,
    Names,
    PromptSize,
    VersionDiff,
)

Sign = Literal["", "-", "+"]
Cell = tuple[tuple[Sign, str], ...]
"""Words, dropped ones with a minus, added ones with a plus; empty if there are none"""

_PLAIN = re.compile(r"\w[\w -]*")  # needs no quotes in a list


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A property in which two versions differ."""

    key: str
    a: Cell
    b: Cell


@dataclass(frozen=True, slots=True)
class SizeView:
    """The length of the prompts of two versions in words, with a note on what was counted."""

    size: PromptSize
    a: str
    b: str
    note: str


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message of a rendered prompt compared with its counterpart, and a heading."""

    message: MessageDiff
    head: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """The prompts of two versions for one case."""

    case: CaseDiff
    messages: tuple[MessageView, ...]


@dataclass(frozen=True, slots=True)
class DiffView:
    """Two versions. `rows` has what differs besides the text; parts not requested are None.

    `measured` and `flips` come from runs of both, lost cases first; `notes` and `open` are about
    what was measured, as `compare` says them, `evidence` about these runs. `hunks` joins the text
    with the flips.
    """

    version: VersionDiff
    rows: tuple[DiffRow, ...]
    size: SizeView | None
    case: CaseView | None
    measured: tuple[MeasuredView, ...]
    flips: tuple[FlipView, ...]
    notes: tuple[Note, ...] = ()
    open: tuple[OpenQuestion, ...] = ()
    evidence: tuple[Reason, ...] = ()
    hunks: FlipsView | None = None

    @property
    def is_in_writing_alone(self) -> bool:
        """Return whether only the formatting of the front matter differs."""
        version = self.version
        return not version.same and not version.files and not version.front_matter


def diff_view(
    version: VersionDiff,
    size: PromptSize | None,
    case: CaseDiff | None,
    results: PairResults | None = None,
    hunks: FlipsByHunk | None = None,
) -> DiffView:
    """Return the view of two versions, with what was measured of both."""
    results = results or PairResults()
    named = [(comparison, where_measured(comparison)) for comparison in results.comparisons]
    asked = [(name, open_question(comparison)) for comparison, name in named]
    return DiffView(
        version=version,
        rows=tuple(_rows(version)),
        size=None if size is None else _size_view(size, case),
        case=None if case is None else _case_view(case),
        measured=tuple(
            measured_view(comparison, still_open)
            for comparison, (_, still_open) in zip(results.comparisons, asked, strict=True)
        ),
        flips=tuple(flip_view(flip) for flip in results.flips),
        notes=notes_on(named),
        open=tuple(OpenQuestion(name, reason) for name, reason in asked if reason is not None),
        evidence=tuple(results.notes),
        hunks=None if hunks is None else flips_view(hunks),
    )


def _rows(version: VersionDiff) -> Iterator[DiffRow]:
    for key in version.front_matter:
        yield from _key_rows(key, version.practices)
    if version.variables.added or version.variables.dropped:
        yield DiffRow("variables", *_names_cells(version.variables))


def _key_rows(changed: KeyDiff, practices: Names) -> Iterator[DiffRow]:
    """Yield a row for a key, or for each of its nested keys that differs."""
    if changed.key == "practices":
        yield DiffRow("practices", *_names_cells(practices))
        return
    if not isinstance(changed.a or {}, dict) or not isinstance(changed.b or {}, dict):
        yield DiffRow(changed.key, _value_cell(changed.a), _value_cell(changed.b))
        return
    yield from _leaves(changed.key, changed.a or {}, changed.b or {})


def _leaves(path: str, a: Json, b: Json) -> Iterator[DiffRow]:
    """Yield a row for each difference between two values, at any depth."""
    if a == b:
        return
    if isinstance(a, dict) and isinstance(b, dict):
        for key in {**a, **b}:
            yield from _leaves(f"{path}.{key}", a.get(key), b.get(key))
        return
    yield DiffRow(path, _value_cell(a), _value_cell(b))


def _value_cell(value: Json) -> Cell:
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (("", value),)
    if isinstance(value, list) and all(_PLAIN.fullmatch(str(item)) for item in value):
        return (("", ", ".join(map(str, value))),)
    return (("", json.dumps(value, ensure_ascii=False)),)


def _names_cells(names: Names) -> tuple[Cell, Cell]:
    a: Cell = tuple(("-" if name in names.dropped else "", name) for name in names.a)
    b: Cell = tuple(("+" if name in names.added else "", name) for name in names.b)
    return a, b


def _size_view(size: PromptSize, case: CaseDiff | None) -> SizeView:
    note = _size_note(size) if case is None else _case_size_note(size, case)
    return SizeView(size, length(size.a), _changed(size), note)


def _changed(size: PromptSize) -> str:
    """Return the second size and its difference from the first."""
    sign = "+" if size.delta >= 0 else "-"
    text = f"{length(size.b)} ({sign}{length(abs(round(size.delta, 1)))}"
    return f"{text})" if size.a == 0 else f"{text}, {100 * size.delta / size.a:+.0f} %)"


def _size_note(size: PromptSize) -> str:
    """Describe what was counted, and by what."""
    by = _counted_by(size) or ", as no backend here counts tokens"
    what = size.unit.capitalize()
    if size.suite is None or size.cases is None:
        return f"{what} of the template's text{by}; no suite renders both versions."
    cases = counted(size.cases, "case")
    if size.cases_in_suite not in (None, size.cases):
        cases = f"{size.cases} of {counted(size.cases_in_suite or 0, 'case')}"
    return (
        f"{what} of the rendered prompts: the mean over {cases} of suite {size.suite}{by}"
        f"{_stand_ins(size)}."
    )


def _case_size_note(size: PromptSize, case: CaseDiff) -> str:
    """Describe how long the prompts of one case are."""
    return (
        f"Prompt {size.unit}: {length(size.a)} -> {_changed(size)}{_counted_by(size)}"
        f"; the case is of suite {case.suite}{_stand_ins(size)}."
    )


def _counted_by(size: PromptSize) -> str:
    return f", counted by {size.counted_by}" if size.counted_by else ""


def _stand_ins(size: PromptSize) -> str:
    return "; answers not given yet count as a short stand-in" if size.stand_ins else ""


def _case_view(case: CaseDiff) -> CaseView:
    return CaseView(case, tuple(MessageView(message, _head(message)) for message in case.messages))


def _head(message: MessageDiff) -> str:
    role = message.role_b or message.role_a or ""
    if message.role_a is None:
        return f"@@ {role}, added @@"
    if message.role_b is None:
        return f"@@ {role}, dropped @@"
    same = "" if message.hunks else f", the same {counted(message.length, 'line')}"
    return f"@@ {role}{same} @@"
