"""How two versions differ, for a terminal: readable at 80 columns and without colour."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from promptlab.core.types import Json
from promptlab.report.terminal.diff_lines import (
    BOLD,
    DIM,
    HEAD,
    STYLES,
    print_hunk,
    print_line,
    visible,
)
from promptlab.report.terminal.tables import counted, plain_table
from promptlab.templates.diff import (
    CaseDiff,
    FileDiff,
    KeyDiff,
    MessageDiff,
    Names,
    PromptSize,
    VersionDiff,
)
from promptlab.templates.text_diff import Line

_PLAIN = re.compile(r"\w[\w -]*")  # what needs no quotes in a list


def print_files(console: Console, found: VersionDiff) -> None:
    """Print how the texts of two versions differ, file by file, or that they do not."""
    if found.same:
        told = f"{found.a} and {found.b} are the same text (digest {found.digest_a})"
        console.print(Text(visible(told)), soft_wrap=True)
        return
    for file in found.files:
        _print_file(console, file)
        console.print()
    if not found.files and not found.front_matter:
        console.print("Only how the front matter is written differs: --patch shows it.")
        console.print()


def print_table(console: Console, found: VersionDiff, size: PromptSize | None) -> None:
    """Print what else differs between two versions: front matter, practices, variables, size."""
    table = plain_table("", visible(found.a), visible(found.b), whole=("",))
    rows = [row for key in found.front_matter for row in _key_rows(key, found.practices)]
    if found.variables.added or found.variables.dropped:
        rows.append(("variables", *_names_cells(found.variables)))
    if size is not None:
        rows.append((size.unit, Text(_number(size.a)), Text(_changed(size))))
    for key, a, b in rows:
        table.add_row(Text(visible(key)), a, b)
    if rows:
        console.print(table)
    if size is not None:
        console.print()
        console.print(Text(_size_note(size)))


def print_case(console: Console, found: VersionDiff, case: CaseDiff) -> None:
    """Print how the conversations that two versions make of one case differ."""
    print_line(console, Line("-", f"-- {found.a} on case {case.case_id}"), BOLD)
    print_line(console, Line("+", f"++ {found.b} on case {case.case_id}"), BOLD)
    for message in case.messages:
        console.print(Text(_message_head(message), style=HEAD))
        for hunk in message.hunks:
            print_hunk(console, hunk, head=len(message.hunks) > 1)
    console.print()


def print_case_size(console: Console, case: CaseDiff, size: PromptSize) -> None:
    """Print how long the prompts of one case are."""
    told = f"Prompt {size.unit}: {_number(size.a)} -> {_changed(size)}{_counted_by(size)}"
    told += f"; the case is of suite {case.suite}{_stand_ins(size)}."
    console.print(Text(visible(told)))


def _print_file(console: Console, file: FileDiff) -> None:
    print_line(console, Line("-", f"-- {file.path_a or '/dev/null'}"), BOLD)
    print_line(console, Line("+", f"++ {file.path_b or '/dev/null'}"), BOLD)
    for hunk in file.hunks:
        print_hunk(console, hunk, head=True)


def _key_rows(found: KeyDiff, practices: Names) -> Iterator[tuple[str, Text, Text]]:
    """Yield a row for a key, or for each of its own keys that differs."""
    if found.key == "practices":
        yield ("practices", *_names_cells(practices))
        return
    if not isinstance(found.a or {}, dict) or not isinstance(found.b or {}, dict):
        yield found.key, _value_cell(found.a), _value_cell(found.b)
        return
    yield from _leaves(found.key, found.a or {}, found.b or {})


def _leaves(path: str, a: Json, b: Json) -> Iterator[tuple[str, Text, Text]]:
    """Yield the rows of what differs between two values, however deep."""
    if a == b:
        return
    if isinstance(a, dict) and isinstance(b, dict):
        for key in {**a, **b}:
            yield from _leaves(f"{path}.{key}", a.get(key), b.get(key))
        return
    yield path, _value_cell(a), _value_cell(b)


def _value_cell(value: Json) -> Text:
    if value is None or value == "":
        return Text("-", style=DIM)
    if isinstance(value, str):
        return Text(visible(value))
    if isinstance(value, list) and all(_PLAIN.fullmatch(str(item)) for item in value):
        return Text(visible(", ".join(map(str, value))))
    return Text(visible(json.dumps(value, ensure_ascii=False)))


def _names_cells(names: Names) -> tuple[Text, Text]:
    """Return the names of both sides, what was dropped with a minus, what was added with a plus."""
    a = [("-", name) if name in names.dropped else ("", name) for name in names.a]
    b = [("+", name) if name in names.added else ("", name) for name in names.b]
    return _signed(a), _signed(b)


def _signed(names: Sequence[tuple[str, str]]) -> Text:
    if not names:
        return Text("-", style=DIM)
    styled = [
        Text(visible(sign + name), style=STYLES[sign] if sign else "") for sign, name in names
    ]
    return Text(" ").join(styled)


def _number(size: float) -> str:
    return f"{size:,.0f}" if size == int(size) else f"{size:,.1f}"


def _changed(size: PromptSize) -> str:
    """Return the second size with how far it is from the first."""
    sign = "+" if size.delta >= 0 else "-"
    told = f"{_number(size.b)} ({sign}{_number(abs(round(size.delta, 1)))}"
    return f"{told})" if size.a == 0 else f"{told}, {100 * size.delta / size.a:+.0f} %)"


def _counted_by(size: PromptSize) -> str:
    return f", counted by {size.counted_by}" if size.counted_by else ""


def _stand_ins(size: PromptSize) -> str:
    return "; answers not given yet count as a short stand-in" if size.stand_ins else ""


def _size_note(size: PromptSize) -> str:
    """Say what the numbers of the table are of, and who counted them."""
    by = _counted_by(size) or ", as no backend here counts tokens"
    what = size.unit.capitalize()
    if size.suite is None or size.cases is None:
        return visible(f"{what} of the template's text{by}; no suite renders both versions.")
    cases = counted(size.cases, "case")
    if size.cases_in_suite not in (None, size.cases):
        cases = f"{size.cases} of {counted(size.cases_in_suite or 0, 'case')}"
    return visible(
        f"{what} of the rendered prompts: the mean over {cases} of suite {size.suite}{by}"
        f"{_stand_ins(size)}."
    )


def _message_head(message: MessageDiff) -> str:
    role = message.role_b or message.role_a or ""
    if message.role_a is None:
        return f"@@ {role}, added @@"
    if message.role_b is None:
        return f"@@ {role}, dropped @@"
    same = "" if message.hunks else f", the same {counted(message.length, 'line')}"
    return f"@@ {role}{same} @@"
