"""A session of review: one rater goes through outputs or pairs, and every word is kept at once.

It knows no terminal and no version's name. What it says of its state is what the database holds: a
session that is killed continues where it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from promptlab.core.ratings import NO_OPINION, Kind, Opinion, Rating, Verdict
from promptlab.workbench.rating_queue import Item

VERDICTS: dict[Kind, tuple[Verdict, ...]] = {
    "outputs": ("pass", "fail"),
    "pairs": ("left", "right", "tie"),
}


class Keeps(Protocol):
    """Where ratings are kept: those of one run."""

    def standing(self) -> list[Rating]:
        """Return those that count, of all raters, in the order in which they were given."""

    def last(self, rater: str, kind: Kind) -> Rating | None:
        """Return what a rater said last and has not taken back."""

    def add(self, rated: Sequence[Sequence[int]], rater: str, opinion: Opinion) -> None:
        """Keep what a rater says now of each of these, in one step.

        Raise `StoreError` where that is impossible.
        """

    def withdraw(self, rating: Rating) -> None:
        """Take a rating back, with those that were given in the same step."""


class RatingSession:
    """A rater at work. Whatever cannot be kept raises `StoreError` and changes nothing."""

    def __init__(self, keeps: Keeps, items: Sequence[Item], rater: str, kind: Kind) -> None:
        """Continue where the rater left off: at the first item without a verdict.

        `at_end` is set once everything has one, until the rater goes back.
        """
        self.items: tuple[Item, ...] = tuple(items)
        self.rater = rater
        self.kind = kind
        self._keeps = keeps
        self._places = {key: at for at, item in enumerate(self.items) for key in item.keys}
        self._opinions: dict[frozenset[int], Opinion] = {}
        self._rated: set[int] = set()  # places
        self._tags: Counter[str] = Counter()
        self._read()
        self.place = self._next(from_=0)
        self.at_end = self.is_done

    @property
    def item(self) -> Item:
        """Return what is shown now."""
        return self.items[self.place]

    @property
    def opinion(self) -> Opinion:
        """Return what the rater has said of it so far."""
        return self._said(self.item)

    @property
    def rated(self) -> int:
        """Return how many items have a verdict."""
        return len(self._rated)

    @property
    def noted(self) -> int:
        """Return how many items have a note or a tag."""
        said = map(self._said, self.items)
        return sum(bool(each.note or each.tags) for each in said)

    @property
    def is_done(self) -> bool:
        """Return whether everything has a verdict."""
        return self.rated == len(self.items)

    @property
    def tags(self) -> list[str]:
        """Return the tags that this run has so far, by any rater, the most frequent first."""
        return [tag for tag, _ in self._tags.most_common()]

    def rate(self, verdict: Verdict) -> None:
        """Give a verdict on what is shown, and go on to what has none yet.

        Once everything has one, a key too many changes nothing: see `at_end`.
        """
        if not self.at_end:
            self.say(verdict, self.opinion.note, self.opinion.tags)

    def note(self, text: str) -> None:
        """Write a note on what is shown; an empty one takes it away."""
        self.say(None, text, self.opinion.tags)

    def tag(self, tags: Sequence[str]) -> None:
        """Name what is wrong with what is shown, instead of what was named before."""
        self.say(None, self.opinion.note, tags)

    def say(self, verdict: Verdict | None, note: str, tags: Sequence[str]) -> None:
        """Say all of this in one step; with a verdict, go on to what has none yet."""
        named = (" ".join(tag.split()) for tag in tags)
        kept = tuple(dict.fromkeys(filter(None, named)))
        self._say(Opinion(verdict or self.opinion.verdict, " ".join(note.split()), kept))
        if verdict is None:
            return
        self.at_end = self.is_done
        if not self.at_end:
            self.place = self._next(from_=self.place + 1)

    def go_to(self, place: int) -> None:
        """Show the item at this place, or the last one."""
        self.place = min(place, len(self.items) - 1)
        self.at_end = False

    def undo(self) -> bool:
        """Take back what was said last, and show what it was about.

        Return False if nothing was said, or if it was about what this session does not show
        (`said_elsewhere`).
        """
        last = self._keeps.last(self.rater, self.kind)
        if last is None or last.item not in self._places:
            return False
        self._keeps.withdraw(last)
        self._read()
        self.at_end = False
        self.place = self._places[last.item]
        return True

    @property
    def said_elsewhere(self) -> bool:
        """Return whether what was said last is about nothing that is shown in this session."""
        last = self._keeps.last(self.rater, self.kind)
        return last is not None and last.item not in self._places

    def skip(self) -> None:
        """Go on to the next item without a verdict; what is skipped comes again at the end.

        Where all have one, as for who went back from the end, it is the next item, then the end.
        """
        if not self.is_done:
            self.place = self._next(from_=self.place + 1)
            return
        last = len(self.items) - 1
        self.at_end = self.at_end or self.place == last
        self.place = self.place if self.at_end else self.place + 1

    def back(self) -> None:
        """Show the item before, whether it has a verdict or not; from the end, the last one."""
        self.place = self.place if self.at_end else max(0, self.place - 1)
        self.at_end = False

    def _say(self, opinion: Opinion) -> None:
        before = self.opinion
        if all(self._opinions.get(key, NO_OPINION) == opinion for key in self.item.keys):
            return
        rated = [self.item.trials, *((trial,) for trial in self.item.also)]
        self._keeps.add(rated, self.rater, opinion)
        self._tags.update(set(opinion.tags) - set(before.tags))
        self._opinions |= dict.fromkeys(self.item.keys, opinion)
        if opinion.verdict is not None:
            self._rated.add(self.place)

    def _read(self) -> None:
        ratings = self._keeps.standing()
        self._tags = Counter(tag for rating in ratings for tag in rating.opinion.tags)
        self._opinions = {
            rating.item: rating.opinion for rating in ratings if rating.rater == self.rater
        }
        items = enumerate(self.items)
        self._rated = {place for place, item in items if self._has_verdict(item)}

    def _said(self, item: Item) -> Opinion:
        """Return what was said of an item; of outputs that are the same, what was said of any."""
        found = (self._opinions[key] for key in item.keys if key in self._opinions)
        return next(found, NO_OPINION)

    def _has_verdict(self, item: Item) -> bool:
        said = (self._opinions.get(key, NO_OPINION) for key in item.keys)
        return all(opinion.verdict is not None for opinion in said)

    def _next(self, from_: int) -> int:
        """Return the first place without a verdict from a place on, then from the beginning.

        Where all have one, it is the last.
        """
        places = range(len(self.items))
        open_ = (at for at in (*places[from_:], *places) if at not in self._rated)
        return next(open_, len(self.items) - 1)
