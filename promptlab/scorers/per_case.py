"""The scorers that cases have of their own, as scorers of the suite: one for each name.

Each is a `by_case`, whose parameters say which case is graded by which of its parts. All cases of a
suite are in there, not only those of a run, so that it is one scorer in all runs of the suite.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from promptlab.core.digest import case_json
from promptlab.core.errors import PromptlabError
from promptlab.core.types import BY_CASE, CASES, Case, ScorerSpec
from promptlab.scorers.entries import LABEL_KEY, OF_KEY, Where, parse_scorer_entry, told_at
from promptlab.scorers.sets import Folder, Item, items


@dataclass(slots=True)
class _Named:
    """What cases call by one name: the different scorers by their text, and whose each is."""

    parts: dict[str, Item] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    cases: dict[str, int] = field(default_factory=dict)

    def add(self, case: Case, item: Item) -> None:
        text = "" if isinstance(item.given, ScorerSpec) else case_json(item.given)
        self.places.setdefault(text, len(self.places))
        self.parts.setdefault(text, item)
        self.cases[case.id] = self.places[text]


def scorers_of_cases(cases: Iterable[Case], folder: Folder | None) -> Iterator[Item]:
    """Yield a scorer for each name that cases give to scorers of their own."""
    named: defaultdict[str, _Named] = defaultdict(_Named)
    for case in cases:
        for item in _own(case, folder):
            with told_at(item.where):
                label = parse_scorer_entry(item.given).label
                if case.id in named[label].cases:
                    raise PromptlabError(
                        f"case {case.id!r} has two scorers called {label!r}",
                        hint=f"give each its own name, such as {LABEL_KEY}: {label}_2",
                    )
            named[label].add(case, item)
    for label, each in named.items():
        parts = [*each.parts.values()]
        params = {LABEL_KEY: label, OF_KEY: parts, CASES: each.cases}
        yield Item({BY_CASE: params}, parts[0].where, folder)


def _own(case: Case, folder: Folder | None) -> Iterator[Item]:
    for given, place in case.scorers:
        for item in items([given], None, folder):
            yield item if item.where else Item(item.given, _at(place), folder)


def _at(place: str) -> Where:
    return lambda _: place
