"""A rater at work: the order of what is shown, and what a word, an undo and a pause do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from promptlab.core.errors import StoreBusy
from promptlab.core.ratings import NO_OPINION, Kind, Opinion, Rating
from promptlab.core.types import Arm, Case, Plan
from promptlab.workbench.rating import RatingSession
from promptlab.workbench.rating_queue import Item, Wanted, queue


@dataclass
class Kept:
    """Ratings in memory."""

    ratings: list[Rating] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    locked: bool = False

    def standing(self) -> list[Rating]:
        last = {(r.rater, r.item): r for r in self.ratings if r.number not in self.gone}
        return list(last.values())

    def last(self, rater: str, kind: Kind) -> Rating | None:
        own = [r for r in self.ratings if (r.rater, r.kind) == (rater, kind)]
        return next((r for r in reversed(own) if r.number not in self.gone), None)

    def add(self, rated: Sequence[Sequence[int]], rater: str, opinion: Opinion) -> None:
        if self.locked:
            raise StoreBusy("another program has locked the database")
        step = str(len(self.ratings))
        for trials in rated:
            number = len(self.ratings)
            self.ratings.append(Rating(number, tuple(trials), rater, step, opinion))

    def withdraw(self, rating: Rating) -> None:
        self.gone |= {each.number for each in self.ratings if each.at == rating.at}


def items(number: int) -> list[Item]:
    return [Item(place, (place,), (0,)) for place in range(number)]


def session(kept: Kept, number: int = 4, rater: str = "ann") -> RatingSession:
    return RatingSession(kept, items(number), rater, "outputs")


def test_a_verdict_goes_on_to_the_next_and_a_note_stays() -> None:
    at = session(Kept())
    at.rate("fail")
    assert (at.place, at.rated) == (1, 1)
    at.note("  names\nno  label ")
    at.tag(["long ", "", "long", "odd   one"])
    assert at.place == 1
    assert at.opinion == Opinion(None, "names no label", ("long", "odd one"))
    at.rate("pass")
    assert (at.place, at.rated, at.noted) == (2, 2, 1)
    at.back()
    assert at.opinion == Opinion("pass", "names no label", ("long", "odd one"))


def test_every_word_is_kept_at_once_and_a_later_session_goes_on() -> None:
    kept = Kept()
    at = session(kept)
    for verdict in ("pass", "fail"):
        at.rate(verdict)
    at.note("hm")
    assert [rating.opinion for rating in kept.ratings] == [
        Opinion("pass"),
        Opinion("fail"),
        Opinion(None, "hm"),
    ]
    again = session(kept)
    assert (again.place, again.rated, again.opinion.note) == (2, 2, "hm")
    assert session(kept, rater="ben").place == 0


def test_undo_takes_back_word_by_word_also_of_an_earlier_session() -> None:
    kept = Kept()
    first = session(kept)
    first.rate("pass")
    first.note("a note")
    first.rate("fail")
    at = session(kept)
    assert at.place == 2
    told = []
    while at.undo():
        told.append((at.place, at.opinion))
    assert told == [(1, Opinion(None, "a note")), (1, NO_OPINION), (0, NO_OPINION)]
    assert (at.rated, at.place) == (0, 0)


def test_a_verdict_that_is_changed_comes_back_by_undo() -> None:
    at = session(Kept())
    at.rate("pass")
    at.back()
    at.rate("fail")
    at.undo()
    assert (at.place, at.opinion.verdict) == (0, "pass")


def test_what_is_skipped_comes_again_at_the_end() -> None:
    at = session(Kept(), 3)
    at.skip()
    at.rate("pass")
    at.rate("pass")
    assert (at.place, at.is_done) == (0, False)
    at.skip()
    assert at.place == 0  # there is nothing else


def test_at_the_end_a_key_too_many_changes_nothing() -> None:
    kept = Kept()
    at = session(kept, 2)
    at.rate("pass")
    at.rate("pass")
    for later in (at, session(kept, 2)):
        later.rate("fail")
        later.skip()
        assert (later.at_end, later.opinion.verdict) == (True, "pass")
    at.back()
    assert (at.at_end, at.place) == (False, 1)
    at.rate("fail")
    assert (at.at_end, at.opinion.verdict) == (True, "fail")
    at.undo()
    assert (at.at_end, at.place, at.opinion.verdict) == (False, 1, "pass")


def test_the_same_word_again_is_no_new_rating() -> None:
    kept = Kept()
    at = session(kept, 1)
    at.rate("pass")
    at.rate("pass")
    at.note("")
    at.tag([])
    assert len(kept.ratings) == 1


def test_undo_takes_nothing_back_that_is_not_shown() -> None:
    kept = Kept()
    kept.add([[9]], "ann", Opinion("pass"))
    kept.add([[0, 1]], "ann", Opinion("left"))
    at = session(kept)
    assert not at.undo()
    assert kept.gone == set()
    assert at.said_elsewhere
    nothing = session(Kept())
    assert not nothing.undo()
    assert not nothing.said_elsewhere


def test_who_goes_back_from_the_end_comes_to_it_again() -> None:
    """Key by key, through what has a verdict."""
    at = session(Kept(), 3)
    for _ in range(3):
        at.rate("pass")
    for _ in range(3):
        at.back()
    assert (at.place, at.at_end) == (0, False)
    went = []
    for _ in range(4):
        at.skip()
        went.append((at.place, at.at_end))
    assert went == [(1, False), (2, False), (2, True), (2, True)]


def test_what_cannot_be_kept_changes_nothing() -> None:
    kept = Kept(locked=True)
    at = session(kept)
    acts: list[Callable[[], None]] = [
        lambda: at.rate("pass"),
        lambda: at.note("x"),
        lambda: at.tag(["x"]),
    ]
    for act in acts:
        with pytest.raises(StoreBusy):
            act()
    assert (at.place, at.rated, at.opinion, at.tags) == (0, 0, NO_OPINION, [])
    kept.locked = False
    at.rate("pass")
    assert (at.place, at.rated) == (1, 1)


def test_tags_of_all_raters_are_offered_the_most_frequent_first() -> None:
    kept = Kept()
    for trial, tags in enumerate([("odd",), ("long", "odd")]):
        kept.add([[trial]], "ben", Opinion("fail", tags=tags))
    at = session(kept)
    at.tag(["new", "long"])
    at.rate("fail")
    at.tag(["long"])
    assert at.tags == ["long", "odd", "new"]


def plan(versions: int = 3, cases: int = 20, repeats: int = 1, backends: int = 1) -> Plan:
    arms = [
        Arm("t", f"v{version}", f"b2:{version}", (), (), f"b{backend}")
        for version in range(versions)
        for backend in range(backends)
    ]
    return Plan(
        suite="s",
        arms=tuple(arms),
        cases=tuple(Case(f"c{n}", {}, None, (), None, f"b2:c{n}") for n in range(cases)),
        repeats=repeats,
        scorers=(),
        primary="",
        templates=(),
        backends=(),
    )


def different(made: Plan) -> dict[int, int]:
    """Return all trials, each with an output of its own."""
    return {seq: seq for seq in range(made.size)}


def shown(made: Plan, kind: Kind, rater: str = "ann", seed: int = 0) -> list[Item]:
    wanted = Wanted(kind=kind, cases=range(len(made.cases)), arms=range(len(made.arms)))
    return list(queue(made, different(made), wanted, seed, rater))


def test_each_rater_has_an_order_of_its_own_that_does_not_change() -> None:
    made = plan()
    own = shown(made, "outputs")
    assert own == shown(made, "outputs")
    assert own != shown(made, "outputs", "ben")
    assert own != shown(made, "outputs", seed=1)
    assert sorted(own, key=lambda item: item.trials) == [
        Item(made.trial(seq).case, (seq,), (made.trial(seq).arm,)) for seq in range(made.size)
    ]
    neighbours = sum(a.case == b.case for a, b in pairwise(own))
    assert neighbours < 10  # of 60 outputs of 20 cases


def test_a_part_keeps_the_order_that_it_has_in_the_whole() -> None:
    made = plan()
    wanted = Wanted(kind="outputs", cases={1, 5, 7, 11}, arms={0, 2})
    part = list(queue(made, different(made), wanted, 0, "ann"))
    whole = [item for item in shown(made, "outputs") if item in part]
    assert part == whole
    assert len(part) == 8


def test_pairs_are_of_one_case_and_repeat_and_each_version_stands_on_both_sides() -> None:
    made = plan(versions=2, cases=100, repeats=2)
    pairs = shown(made, "pairs")
    assert len(pairs) == 200
    for item in pairs:
        a, b = (made.trial(seq) for seq in item.trials)
        assert (a.case, a.repeat) == (b.case, b.repeat)
        assert (item.case, {a.arm, b.arm}) == (a.case, {0, 1})
    left = sum(item.arms[0] == 0 for item in pairs)
    assert 75 < left < 125


def test_pairs_are_of_every_two_versions_on_one_backend() -> None:
    made = plan(versions=3, cases=1, backends=2)
    pairs = shown(made, "pairs")
    assert len(pairs) == 6
    assert {len({made.arms[arm].backend for arm in item.arms}) for item in pairs} == {1}
    alone = plan(versions=1, cases=1, backends=3)
    assert len(shown(alone, "pairs")) == 3


def test_a_trial_without_an_output_is_not_shown() -> None:
    made = plan(versions=2, cases=2)
    wanted = Wanted(kind="pairs", cases=range(2), arms=range(2))
    assert [item.case for item in queue(made, {0: 0, 1: 1, 2: 2}, wanted, 0, "ann")] == [0]


def test_outputs_that_are_the_same_are_shown_once() -> None:
    made = plan(versions=3, cases=2)
    same = {0: 0, 1: 1, 2: 0, 3: 3, 4: 3, 5: 3}
    wanted = Wanted(kind="outputs", cases=range(2), arms=range(3))
    once = queue(made, same, wanted, 0, "ann")
    assert sorted(once, key=lambda item: item.trials) == [
        Item(0, (0,), (0,), (2,)),
        Item(0, (1,), (1,)),
        Item(1, (3,), (0,), (4, 5)),
    ]
    part = Wanted(kind="outputs", cases=range(2), arms=[1, 2])
    shown_first = [min(same[seq] for seq in item.trials) for item in once]
    assert [same[item.trials[0]] for item in queue(made, same, part, 0, "ann")] == shown_first
    assert len(queue(made, same, Wanted(kind="pairs", cases=[0], arms=range(3)), 0, "ann")) == 3


def test_what_is_said_of_one_is_said_of_all_that_are_the_same() -> None:
    kept = Kept()
    twins = [Item(0, (0,), (0,), (1, 2)), Item(1, (3,), (0,))]
    at = RatingSession(kept, twins, "ann", "outputs")
    at.rate("pass")
    assert [(each.trials, each.opinion.verdict) for each in kept.ratings] == [
        ((0,), "pass"),
        ((1,), "pass"),
        ((2,), "pass"),
    ]
    assert (at.place, at.rated) == (1, 1)
    assert at.undo()
    assert (at.place, at.rated, len(kept.gone)) == (0, 0, 3)


def test_an_output_that_was_rated_alone_is_shown_until_all_of_its_kind_are() -> None:
    kept = Kept()
    kept.add([[1]], "ann", Opinion("fail", "odd"))
    at = RatingSession(kept, [Item(0, (0,), (0,), (1,))], "ann", "outputs")
    assert (at.rated, at.opinion) == (0, Opinion("fail", "odd"))
    at.rate("fail")
    assert [each.trials for each in kept.ratings] == [(1,), (0,), (1,)]
    assert at.at_end
