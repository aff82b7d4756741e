"""What a request asks for, as values. Whatever does not fit is told, and never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar, get_args

from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.core.types import Outcome
from promptlab.core.wanted import Change, ResultFilter
from promptlab.workbench.browsing import Book

_LARGEST = 2**63 - 1  # what SQLite holds
_DIGITS = 19
_LONGEST = 500  # characters of anything that is looked for
ChangedTo = Literal["fixed", "regressed"]
_Choice = TypeVar("_Choice", bound=str)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: the parts of its address that vary, what follows `?`, and a form, if one came."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Sequence[tuple[str, str]] = ()
    form: Mapping[str, str] = field(default_factory=dict)

    def one(self, name: str) -> str | None:
        """Return what is given under a name, the last if there are several; None if nothing is."""
        return next(reversed(self.all(name)), None)

    def all(self, name: str) -> list[str]:
        """Return everything that is given under a name."""
        found = [value.strip() for key, value in self.query if key == name and value.strip()]
        for value in found:
            if len(value) > _LONGEST:
                raise PromptlabError(f"{name} has more than {_LONGEST} characters")
        return found

    def whole(self, name: str, least: int = 0, most: int = _LARGEST) -> int | None:
        """Return a whole number within bounds, None if there is none."""
        given = self.one(name)
        if given is None:
            return None
        if not (given.isascii() and given.isdigit() and len(given) <= _DIGITS):
            raise PromptlabError(f"{name} is {given!r}, and takes a whole number")
        if not least <= int(given) <= most:
            raise PromptlabError(f"{name} is {given}, and takes {least:,} to {most:,}")
        return int(given)

    def choice(self, name: str, known: Sequence[_Choice]) -> _Choice | None:
        """Return which of some words is given, None if none is."""
        given = self.one(name)
        for word in known:
            if word == given:
                return word
        if given is not None:
            raise unknown(name, given, known)
        return None


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which trials or cases of a run are shown; `a` and `b` are the places of arms that changed."""

    wanted: ResultFilter
    pairs: tuple[tuple[str, str], ...]
    """What stands in an address for it."""

    def with_(self, **more: str | int | None) -> list[tuple[str, str]]:
        """Return this with further parts of an address."""
        added = [(name, str(value)) for name, value in more.items() if value is not None]
        return [*self.pairs, *added]


def narrowed(asked: Asked, book: Book) -> Narrowed:
    """Read which trials of a run are wanted."""
    pairs = [(name, value) for name in _FILTERS for value in asked.all(name)]
    outcomes = []
    for word in asked.all("outcome"):
        if word not in list(Outcome):
            raise unknown("outcome", word, [outcome.value for outcome in Outcome])
        outcomes.append(Outcome(word))
    labels = [arm.label for arm in book.plan.arms]
    wanted = ResultFilter(
        failed=asked.one("only") == "failed",
        errors=asked.one("only") == "errors",
        cases=tuple(asked.all("case")),
        tags=tuple(asked.all("tag")),
        outcomes=tuple(outcomes),
        arms=tuple(_place(label, labels) for label in asked.all("arm")),
        change=_change(asked, book),
    )
    return Narrowed(wanted, tuple(pairs))


_FILTERS = ("scorer", "case", "tag", "outcome", "arm", "only", "changed", "from", "to", "sort")


def _change(asked: Asked, book: Book) -> Change | None:
    to = asked.choice("changed", get_args(ChangedTo))
    if to is None:
        return None
    return Change(book.scorer.label, *two_arms(asked, book), to)


def two_arms(asked: Asked, book: Book) -> tuple[int, int]:
    """Return the places of the arms `from` and `to`, by default the first and the last."""
    labels = [arm.label for arm in book.plan.arms]
    if len(labels) < 2:
        raise PromptlabError("this run has one arm alone: nothing can have changed")
    first, second = asked.one("from"), asked.one("to")
    a = 0 if first is None else _place(first, labels)
    b = len(labels) - 1 if second is None else _place(second, labels)
    if a == b:
        raise PromptlabError("choose two different arms: what changed from one to the other?")
    return a, b


def _place(label: str, labels: Sequence[str]) -> int:
    if label not in labels:
        raise unknown("arm", label, labels)
    return labels.index(label)
