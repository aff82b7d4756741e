"""The screen of `review`: its keys, driven without a terminal."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from promptlab.core.ratings import Kind
from promptlab.core.visible import is_visible
from promptlab.tui.review import ReviewApp

from .conftest import SHORT, Open

SMALL, LARGE = (80, 24), (120, 40)


def played(
    opened: Open, kind: Kind, keys: Sequence[str], size: tuple[int, int] = SMALL
) -> list[str]:
    """Press keys; return the lines on the screen after the last one."""

    async def play() -> list[str]:
        with opened(kind) as review:
            app = ReviewApp(review)
            async with app.run_test(size=size) as pilot:
                for key in keys:
                    await pilot.press(key)
                await pilot.pause()
                strips = app.screen._compositor.render_strips()
                return [strip.text for strip in strips]

    return asyncio.run(play())


def ratings(database: Path) -> list[tuple[object, ...]]:
    sql = "SELECT rater, verdict, note, tags FROM ratings ORDER BY created_at"
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.execute(sql))


@pytest.mark.slow
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_pair_stands_side_by_side_with_the_case(opened: Open, size: tuple[int, int]) -> None:
    lines = played(opened, "pairs", [], size)
    assert len(lines) == size[1]
    assert {len(line) for line in lines} == {size[0]}
    assert lines[0].startswith(" pair 1 of 12  ━")
    assert lines[0].endswith("  0 rated, ann ")
    titles = next(line for line in lines if "─ Left ─" in line)
    assert "─ Right ─" in titles
    text = "\n".join(lines)
    assert "expected  Thanks her." in text
    assert "[b]lamp[/b]" in text  # no markup
    assert "v1" not in text
    assert "v2" not in text
    assert lines[-1].startswith(" ← left  → right  t tie  n note  g tags  u undo  s skip  b back")
    beside = "─ Case c" in titles
    assert beside == (size == LARGE)


@pytest.mark.slow
def test_a_key_is_a_verdict_and_the_next_pair_is_shown(opened: Open, database: Path) -> None:
    lines = played(opened, "pairs", ["left", "right", "t", "l", "r", "equals_sign"])
    assert lines[0].startswith(" pair 7 of 12  ━")
    assert [row[1] for row in ratings(database)] == ["left", "right", "tie"] * 2


def test_a_single_output_passes_or_fails(opened: Open, database: Path) -> None:
    lines = played(opened, "outputs", ["p", "f", "left", "t"])  # those mean nothing here
    assert lines[0].startswith(" output 3 of 24")
    assert any("─ Output ─" in line for line in lines)
    assert [row[:2] for row in ratings(database)] == [("ann", "pass"), ("ann", "fail")]


@pytest.mark.slow
def test_a_note_and_tags_are_written_on_what_is_shown(opened: Open, database: Path) -> None:
    note = [*"quite", "space", *"long", "enter"]
    keys = ["n", *note, "g", *"odd", "comma", *"late", "enter"]
    lines = played(opened, "pairs", keys)
    assert lines[0].startswith(" pair 1 of 12")
    assert lines[-2].startswith(" [odd, late]  quite long")
    assert ratings(database) == [("ann", None, "quite long", '["odd","late"]')]


@pytest.mark.slow
def test_keys_of_verdicts_are_letters_while_a_note_is_written(opened: Open, database: Path) -> None:
    played(opened, "outputs", ["n", *"pfuqsb", "left", "x", "enter", "p"])
    assert ratings(database) == [("ann", "pass", "pfuqsxb", "[]")]


@pytest.mark.slow
def test_escape_leaves_a_note_as_it_was(opened: Open, database: Path) -> None:
    lines = played(opened, "outputs", ["n", *"no", "escape"])
    assert ratings(database) == []
    assert lines[-2].strip() == "No verdict yet."


@pytest.mark.slow
def test_what_is_pasted_is_only_shown(opened: Open, database: Path) -> None:
    async def play() -> str:
        with opened("outputs") as review:
            app = ReviewApp(review)
            async with app.run_test(size=SMALL) as pilot:
                await pilot.press("n", "a")
                app.screen.query_one(Input).post_message(events.Paste("\x1b[2J\u202eb"))
                await pilot.pause()
                seen = "".join(strip.text for strip in app.screen._compositor.render_strips())
                await pilot.press("c", "enter")
                await pilot.pause()
        return seen

    seen = asyncio.run(play())
    assert is_visible(seen)
    assert "a^[[2J<U+202E>b" in seen
    assert [row[2] for row in ratings(database)] == ["a^[[2J<U+202E>bc"]


@pytest.mark.slow
def test_a_tag_that_was_used_before_is_completed(opened: Open, database: Path) -> None:
    keys = ["g", *"vague", "enter", "p", "g", *"odd", "comma", *"va", "right", "enter"]
    lines = played(opened, "outputs", keys)
    assert ratings(database)[1][3] == '["odd","vague"]'
    assert lines[-2].startswith(" [odd, vague]")


@pytest.mark.slow
def test_undo_comes_back_to_what_was_said_last(opened: Open, database: Path) -> None:
    lines = played(opened, "outputs", ["p", "f", "u"])
    assert lines[0].startswith(" output 2 of 24")
    assert [row[1] for row in ratings(database)] == ["pass"]
    lines = played(opened, "outputs", ["u", "u"])
    assert ratings(database) == []
    assert lines[-2].strip().startswith("There is nothing to take back.")


@pytest.mark.slow
def test_a_word_outside_the_selection_is_not_taken_back(opened: Open, database: Path) -> None:
    with opened("outputs") as review:
        rated = review.case(review.session.items[0]).id
    played(opened, "outputs", ["p"])
    other = next(case for case in SHORT if case != rated)

    async def play() -> str:
        with opened("outputs", (other,)) as review:
            app = ReviewApp(review)
            async with app.run_test(size=SMALL) as pilot:
                await pilot.press("u")
                await pilot.pause()
                return app.screen._compositor.render_strips()[-2].text

    assert asyncio.run(play()).startswith(
        " What you said last is not in this selection, and stays."
    )
    assert [row[1] for row in ratings(database)] == ["pass"]


@pytest.mark.slow
def test_skip_and_back_go_through_the_list(opened: Open) -> None:
    assert played(opened, "pairs", ["s", "s", "b"])[0].startswith(" pair 2 of 12")
    assert played(opened, "pairs", ["b"])[0].startswith(" pair 1 of 12")


def test_the_end_is_told(opened: Open) -> None:
    lines = played(opened, "pairs", ["t"] * 12)
    assert lines[0].startswith(" pair 12 of 12")
    assert lines[-2].startswith(" All of it has a verdict: b goes back")


@pytest.mark.slow
def test_all_keys_are_listed_until_any_is_pressed(opened: Open, database: Path) -> None:
    text = "\n".join(played(opened, "pairs", ["question_mark"]))
    for told in ("the left one is better", "mark the words that differ", "quit; every word"):
        assert told in text
    lines = played(opened, "pairs", ["question_mark", "t"])
    assert not any("Any key closes this" in line for line in lines)
    assert ratings(database) == []


def test_a_lock_is_told_and_the_key_is_pressed_again(opened: Open, database: Path) -> None:
    async def play() -> tuple[str, str]:
        with opened("outputs") as review:
            app = ReviewApp(review)
            async with app.run_test(size=SMALL) as pilot:
                with closing(sqlite3.connect(database)) as other:
                    other.execute("BEGIN IMMEDIATE")
                    await pilot.press("p")
                    await pilot.pause()
                    told = app.screen._compositor.render_strips()[-2].text
                await pilot.press("p")
                await pilot.pause()
                return told, app.screen._compositor.render_strips()[0].text

    told, after = asyncio.run(play())
    assert told.startswith(" Not stored: another program has locked the database")
    assert after.startswith(" output 2 of 24")
    assert [row[1] for row in ratings(database)] == ["pass"]


@pytest.mark.slow
def test_a_long_output_is_scrolled_and_the_case_by_itself(opened: Open) -> None:
    async def play() -> list[list[str]]:
        seen = []
        with opened("pairs", ("long",)) as review:
            app = ReviewApp(review)
            async with app.run_test(size=SMALL) as pilot:
                for key in ("down", "pagedown", "home", "space", "tab", "j", "k", "down", "u"):
                    await pilot.press(key)
                    await pilot.pause()
                    seen.append([f"{pane.scroll_y:.0f}" for pane in app.query("VerticalScroll")])
        return seen

    # The case, then both outputs.
    one, page, top, space, _, case, again, moved, undone = asyncio.run(play())
    assert (one, top) == (["0", "1", "1"], ["0", "0", "0"])
    assert page[1] == page[2] > one[1]
    assert space[1] == space[2] != "0"
    assert (case, again, moved, undone) == (
        ["1", *space[1:]],
        ["0", *space[1:]],
        ["1", *space[1:]],
        ["1", *space[1:]],  # there was nothing to take back, and nothing moves
    )


@pytest.mark.slow
def test_q_and_control_c_quit(opened: Open) -> None:
    for key in ("q", "ctrl+c"):

        async def play(key: str = key) -> int | None:
            with opened("pairs") as review:
                app = ReviewApp(review)
                async with app.run_test(size=SMALL) as pilot:
                    await pilot.press(key)
                return app.return_code

        assert asyncio.run(play()) == 0
