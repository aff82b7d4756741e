"""Answers that are looked up together: many short ones, few long ones."""

from __future__ import annotations

from promptlab.core.types import Completion, Outcome
from promptlab.runner.answers import Answers, Portion


def test_a_portion_grows_with_short_answers_and_shrinks_with_long_ones() -> None:
    portion, short, long = Portion(500), Completion(Outcome.OK, "x"), "y" * 1_000_000
    sizes = []
    for _ in range(6):
        sizes.append(portion.size)
        portion.learn([short] * portion.size)
    assert sizes == [32, 64, 128, 256, 500, 500]
    portion.learn([Completion(Outcome.OK, long)] * 4)
    assert portion.size == 8
    portion.learn([Completion(Outcome.OK, long * 20)])
    assert portion.size == 1
    portion.learn([])
    assert portion.size == 2


def test_an_answer_on_its_way_into_the_store_is_known() -> None:
    old, new = Completion(Outcome.OK, "old"), Completion(Outcome.OK, "new")
    answers = Answers(lambda _: {"a": old, "b": old}, lambda _: {"b": new})
    assert answers.find(["a", "b", "c"]) == {"a": old, "b": new}
