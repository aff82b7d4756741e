"""Documents that are written item by item, and texts of any length."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence

import pytest
from rich.cells import cell_len

from promptlab.cli.output import print_json, print_json_with
from promptlab.core.types import Message, Outcome
from promptlab.report.terminal.screen import Screen
from promptlab.report.terminal.text import pieces
from promptlab.report.terminal.trial import print_turns
from promptlab.report.views.trial import TurnView


@pytest.mark.parametrize(
    "items",
    [[], [{"a": 1}], [{"a": [1, {"b": "two\nlines"}]}, {}, [], "\u2028 \x1b[2J é", None]],
)
def test_a_document_written_in_parts_reads_as_if_written_whole(
    items: Sequence[object], capsys: pytest.CaptureFixture[str]
) -> None:
    before = {"run": "r1", "more": False, "deep": {"x": [1, 2]}}
    print_json({**before, "results": [*items]})
    whole = capsys.readouterr().out
    print_json_with(before, "results", iter(items))
    assert capsys.readouterr().out == whole
    assert json.loads(whole)["results"] == items


def test_items_are_written_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    def items() -> Iterator[int]:
        yield 1
        assert capsys.readouterr().out.endswith("1")
        yield 2

    print_json_with({}, "results", items())


@pytest.mark.parametrize(
    "text",
    ["", "short", "x" * 99_999, "word " * 30_000, "line of text\n" * 9_000, "a\n" + "b" * 50_000],
)
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    parts = list(pieces(text, 78))
    assert max(map(len, parts)) <= 20_000
    assert "".join(parts).replace(" ", "").replace("\n", "") == text.replace(" ", "").replace(
        "\n", ""
    )
    assert len("".join(parts)) + len(parts) - 1 >= len(text)


@pytest.mark.slow
def test_a_long_answer_without_blanks_is_shown_whole() -> None:
    answer = "".join(chr(0x4E00 + place % 5_000) for place in range(60_000))
    file = io.StringIO()
    turn = TurnView(
        name="answer",
        asked_backend=None,
        messages=(Message("user", "x"),),
        outcome=Outcome.OK,
        thoughts="",
        answer=answer,
        warnings=(),
        weighed=(),
    )
    print_turns(Screen(file, width=80), [turn])
    lines = file.getvalue().splitlines()
    shown = [line[2:] for line in lines[lines.index("answer (ok)") + 1 :]]
    assert "".join(shown).replace(" ", "") == answer
    assert max(map(cell_len, shown)) == 78
