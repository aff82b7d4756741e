"""Words are found in prompts, answers and notes, whoever wrote them and in whatever script."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.core.found import Found, Piece
from promptlab.core.messages import Message
from promptlab.core.ratings import Opinion
from promptlab.core.types import Plan, TrialResult, Turn
from promptlab.store import Store
from promptlab.store.connection import connect

MakePlan = Callable[..., Plan]
MakeResult = Callable[..., TrialResult]
MakeTurn = Callable[..., Turn]

ANSWERS = (
    "The parcel came late, but the refund came at once.",
    "Refund? The box was torn. Café <b>bold</b>",
    "我要退款、谢谢。",
    "환불해 주세요 the parcel",
    "注文したケーキ、おいしい",
    'a "quoted" AND NOT (odd* text): -x ^y {z}',
)


@pytest.fixture
def filled(
    store: Store, make_plan: MakePlan, make_result: MakeResult, make_turn: MakeTurn
) -> Store:
    plan = make_plan(cases=3)
    store.begin_run("r1", plan)
    with store.writer("r1") as writer:
        for seq, answer in enumerate(ANSWERS):
            writer.put_result(make_result(plan, seq, make_turn(f"k{seq}", answer)))
    store.end_run("r1", "finished")
    return store


def places(found: Found, where: str = "output") -> list[int]:
    return [hit.seq for hit in found.hits if hit.where == where]


@pytest.mark.parametrize(
    ("text", "seqs"),
    [
        ("refund", [1, 0]),
        ("REFUND came", [0]),
        ('"refund came"', [0]),
        ('"came refund"', []),
        ("parcel", [3, 0]),
        ("cafe", [1]),  # diacritics do not matter
        ("退款", [2]),  # two characters within a sentence without spaces
        ("要退", [2]),
        ("退谢", []),
        ("환불", [3]),
        ("ケーキ", [4]),
        ("ケー おいしい", [4]),
        ("quoted", [5]),
        ('unclosed "quoted', []),
        ('"quoted" odd', [5]),
        ("AND", [5]),
        ("NOT", [5]),
        ("-x", [5]),
        ("odd*", [5]),
        ("text: (", [5]),
        ("{z} ^y", [5]),
        ("nothing", []),
        ("???", []),
        ("", []),
        ('"', []),
        ("refund\0", [1, 0]),
        ("'; DROP TABLE runs; --", []),
    ],
)
def test_all_words_are_found_and_nothing_is_an_operator(
    filled: Store, text: str, seqs: list[int]
) -> None:
    assert places(filled.search(text)) == seqs


def test_a_hit_says_where_it_is_and_marks_what_was_looked_for(filled: Store) -> None:
    [hit] = filled.search("torn bold").hits
    assert (hit.run_id, hit.suite, hit.seq, hit.case_id) == ("r1", "sentiment", 1, "c0")
    assert (hit.arm, hit.repeat, hit.where) == ("sentiment@v2 -role on small", 0, "output")
    assert "".join(piece.text for piece in hit.snippet) == ANSWERS[1]  # as data: no markup
    assert [piece.text for piece in hit.snippet if piece.marked] == ["torn", "bold"]
    [hit] = filled.search("退款").hits
    assert hit.snippet == (Piece("我要", False), Piece("退款", True), Piece("、谢谢。", False))


def test_prompts_and_notes_are_found_too(
    filled: Store, make_plan: MakePlan, make_turn: MakeTurn, make_result: MakeResult
) -> None:
    assert places(filled.search("Review k4"), "prompt") == [4]
    assert len(filled.search("Label").hits) == 6
    assert filled.search("role").hits == ()  # the words of its JSON are none of a prompt
    [hit] = filled.search('"Label Review k4"').hits
    assert "".join(piece.text for piece in hit.snippet) == "Label.\nReview k4"
    filled.ratings.add("r1", [[2]], "ann", Opinion("fail", "too curt for a refund"))
    assert [(hit.where, hit.seq) for hit in filled.search("refund").hits] == [
        ("note", 2),
        ("output", 1),
        ("output", 0),
    ]
    filled.ratings.add("r1", [[2]], "ann", Opinion("fail", "changed my mind"))
    assert places(filled.search("curt"), "note") == []  # only what still counts

    plan = make_plan(cases=1)
    filled.begin_run("r2", plan)
    failed = make_turn("k9", error="down")
    request = replace(failed.request, messages=(Message("user", "line one\nnext zebra"),))
    with filled.writer("r2") as writer:
        writer.put_result(make_result(plan, 0, replace(failed, request=request)))
    [hit] = filled.search("next zebra").hits
    assert (hit.run_id, hit.where) == ("r2", "prompt")  # of a call without an answer


def test_a_run_can_be_chosen_and_pages_follow_one_another(
    filled: Store, make_plan: MakePlan, make_result: MakeResult, make_turn: MakeTurn
) -> None:
    plan = make_plan(cases=3)
    filled.begin_run("r2", plan)
    with filled.writer("r2") as writer:
        for seq in range(plan.size):
            writer.put_result(make_result(plan, seq, make_turn(f"n{seq}", f"parcel number {seq}")))
    assert len(filled.search("parcel").hits) == 8
    assert places(filled.search("parcel", run="r1")) == [3, 0]
    first, second = filled.search("parcel", 5), filled.search("parcel", 5, 5)
    assert (first.more, second.more) == (True, False)
    assert [hit.seq for hit in (*first.hits, *second.hits)] == [5, 4, 3, 2, 1, 0, 3, 0]
    with pytest.raises(PromptlabError, match="unknown run 'r9'"):
        filled.search("parcel", run="r9")
    with pytest.raises(PromptlabError, match="at most 32 words"):
        filled.search("a " * 33)


def test_an_answer_that_two_runs_share_is_found_in_both(
    filled: Store, make_plan: MakePlan, make_result: MakeResult, make_turn: MakeTurn
) -> None:
    plan = make_plan(cases=1)
    filled.begin_run("r2", plan)
    with filled.writer("r2") as writer:
        writer.put_result(make_result(plan, 0, make_turn("k0", ANSWERS[0], cached=True)))
    assert [hit.run_id for hit in filled.search("late").hits] == ["r1", "r2"]


def test_many_new_texts_are_read_by_whoever_prepares(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promptlab.store.search._AT_ONCE", 3)
    before = filled.search("refund")
    assert before.hits == ()
    assert before.unread == 12  # six answers, six prompts: told, not passed over
    read: list[int] = []
    filled.prepare_search(read.append)
    assert sum(read) == 12
    assert places(filled.search("refund")) == [1, 0]
    assert filled.search("refund").unread == 0


def test_while_a_run_has_the_database_a_search_answers_and_tells_what_it_lacks(
    filled: Store, path: Path
) -> None:
    filled.search("refund")
    filled.ratings.add("r1", [[2]], "ann", Opinion("fail", "refund"))
    with closing(connect(path)) as other, other.transaction(), filled.at_once():
        found = filled.search("refund")
        assert places(found) == [1, 0]
        assert found.unread == 1
    assert filled.search("refund").unread == 0


def test_whoever_may_only_read_can_search(
    filled: Store, path: Path, clock: Callable[[], datetime]
) -> None:
    filled.close()
    with Store.open(path, clock, readonly=True) as reading:
        assert places(reading.search("refund")) == [1, 0]


def test_the_index_follows_what_is_deleted_and_outlives_a_vacuum(filled: Store, path: Path) -> None:
    filled.search("refund")
    assert filled.verify() == []
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("DELETE FROM trial_turns WHERE seq IN (0, 2)")
        other.execute("DELETE FROM generations WHERE id IN (1, 3)")
    assert places(filled.search("refund")) == [1]
    assert places(filled.search("退款")) == []
    assert not [line for line in filled.verify() if "search" in line]
    filled.vacuum()
    assert places(filled.search("parcel")) == [3]


def test_a_new_answer_in_the_place_of_a_deleted_one_is_read(
    filled: Store, path: Path, make_plan: MakePlan, make_result: MakeResult, make_turn: MakeTurn
) -> None:
    filled.search("refund")
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("DELETE FROM trial_turns WHERE seq = 5")
        other.execute("DELETE FROM generations WHERE id = 6")  # the newest: its number is free
    plan = make_plan(cases=1)
    filled.begin_run("r2", plan)
    with filled.writer("r2") as writer:
        writer.put_result(make_result(plan, 0, make_turn("new", "wholly new words")))
    assert places(filled.search("wholly")) == [0]
    assert not [line for line in filled.verify() if "search" in line]


def test_an_index_that_does_not_fit_is_told_and_made_again(filled: Store, path: Path) -> None:
    filled.search("refund")
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE generations SET output = 'other words' WHERE id = 1")
    assert [line for line in filled.verify() if "search index of every output" in line]
    filled.vacuum()
    assert places(filled.search("other words")) == [0]
    assert filled.verify() == []
