"""A session of review: one rater goes through outputs or pairs, and every word is kept at once.

It knows no terminal and no version's name. What it says of its state is what the database holds: a
session that is killed continues where it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
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

    def add(self, trials: Sequence[int], rater: str, opinion: Opinion) -> None:
        """Keep what a rater says now; raise `StoreError` where that is impossible."""

    def withdraw(self, rating: Rating) -> None:
        """Take a rating back."""


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
        self._places = {item.key: place for place, item in enumerate(self.items)}
        self._opinions: dict[frozenset[int], Opinion] = {}
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
        return self._opinions.get(self.item.key, NO_OPINION)

    @property
    def rated(self) -> int:
        """Return how many items have a verdict."""
        return sum(each.verdict is not None for each in self._shown())

    @property
    def noted(self) -> int:
        """Return how many items have a note or a tag."""
        return sum(bool(each.note or each.tags) for each in self._shown())

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
        if self.at_end:
            return
        said = self.opinion
        self._say(Opinion(verdict, said.note, said.tags))
        self.at_end = self.is_done
        if not self.at_end:
            self.place = self._next(from_=self.place + 1)

    def note(self, text: str) -> None:
        """Write a note on what is shown; an empty one takes it away."""
        said = self.opinion
        self._say(Opinion(said.verdict, " ".join(text.split()), said.tags))

    def tag(self, tags: Sequence[str]) -> None:
        """Name what is wrong with what is shown, instead of what was named before."""
        said = self.opinion
        named = (" ".join(tag.split()) for tag in tags)
        self._say(Opinion(said.verdict, said.note, tuple(dict.fromkeys(filter(None, named)))))

    def undo(self) -> bool:
        """Take back what was said last, and show what it was about.

        Return False if nothing was said, or nothing of what is shown in this session.
        """
        last = self._keeps.last(self.rater, self.kind)
        if last is None or last.item not in self._places:
            return False
        self._keeps.withdraw(last)
        self._read()
        self.at_end = False
        self.place = self._places[last.item]
        return True

    def skip(self) -> None:
        """Go on to the next item without a verdict; what is skipped comes again at the end."""
        if not self.is_done:
            self.place = self._next(from_=self.place + 1)

    def back(self) -> None:
        """Show the item before, whether it has a verdict or not; from the end, the last one."""
        self.place = self.place if self.at_end else max(0, self.place - 1)
        self.at_end = False

    def _say(self, opinion: Opinion) -> None:
        if opinion == self.opinion:
            return
        self._keeps.add(self.item.trials, self.rater, opinion)
        self._tags.update(set(opinion.tags) - set(self.opinion.tags))
        self._opinions[self.item.key] = opinion

    def _read(self) -> None:
        ratings = self._keeps.standing()
        self._tags = Counter(tag for rating in ratings for tag in rating.opinion.tags)
        self._opinions = {
            rating.item: rating.opinion for rating in ratings if rating.rater == self.rater
        }

    def _shown(self) -> Iterator[Opinion]:
        """Yield the rater's opinions of what is shown in this session."""
        return (each for key, each in self._opinions.items() if key in self._places)

    def _has_verdict(self, item: Item) -> bool:
        return self._opinions.get(item.key, NO_OPINION).verdict is not None

    def _next(self, from_: int) -> int:
        """Return the first place without a verdict from a place on, then from the beginning.

        Where all have one, it is the last.
        """
        places = range(len(self.items))
        open_ = (at for at in (*places[from_:], *places) if not self._has_verdict(self.items[at]))
        return next(open_, len(self.items) - 1)
