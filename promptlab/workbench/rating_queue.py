"""What a rater is shown, and in which order: blind, shuffled by a seed, the same after a pause.

Each output or pair draws a number of its own, so that another selection leaves the order of the
rest as it was. Nothing here knows what an output says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from promptlab.core.digest import seed_from
from promptlab.core.ratings import Kind
from promptlab.core.types import Arm, Plan, Trial


@dataclass(frozen=True, slots=True)
class Item:
    """What is shown at once: one trial of a case, or two, from left to right; places in the plan.

    `arms` are those of the trials. Raters never see them. `also` are other trials of the case with
    the same output, letter by letter: what is said of one is said of all.
    """

    case: int
    trials: tuple[int, ...]
    arms: tuple[int, ...]
    also: tuple[int, ...] = ()

    @property
    def keys(self) -> tuple[frozenset[int], ...]:
        """Return what is rated, on whichever side it is shown: each output, or the pair."""
        return frozenset(self.trials), *(frozenset((trial,)) for trial in self.also)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which trials of a run are rated: of these cases and arms, by their places in the plan."""

    kind: Kind
    cases: Collection[int]
    arms: Collection[int]


def queue(
    plan: Plan, answered: Mapping[int, int], wanted: Wanted, seed: int, rater: str
) -> tuple[Item, ...]:
    """Return what a rater is to be shown, in order.

    `answered` are the trials with an output, each with the first trial of its case that has the
    same. Of outputs that are the same, one is shown.
    """
    trials = [plan.trial(seq) for seq in answered]
    chosen = [each for each in trials if each.case in wanted.cases and each.arm in wanted.arms]
    if wanted.kind == "outputs":
        items = [*_different(chosen, answered)]
    else:
        items = [_sided(pair, seed, rater) for pair in _pairs(plan.arms, chosen)]

    def drawn(item: Item) -> tuple[int, list[int]]:
        one = wanted.kind == "outputs"
        key = [answered[item.trials[0]]] if one else sorted(item.trials)
        return seed_from("review", seed, rater, key), key

    return tuple(sorted(items, key=drawn))


def _different(trials: Iterable[Trial], same: Mapping[int, int]) -> Iterator[Item]:
    together: defaultdict[int, list[Trial]] = defaultdict(list)
    for trial in trials:
        together[same[trial.seq]].append(trial)
    for first, *others in together.values():
        also = tuple(other.seq for other in others)
        yield Item(first.case, (first.seq,), (first.arm,), also)


def _pairs(arms: Sequence[Arm], trials: Iterable[Trial]) -> Iterator[tuple[Trial, Trial]]:
    """Yield the pairs of outputs of the same case and repeat that answer different prompts.

    Both are of one backend. Where there is one prompt alone, its backends are compared.
    """
    together: defaultdict[tuple[int, int], list[Trial]] = defaultdict(list)
    for trial in trials:
        together[trial.case, trial.repeat].append(trial)
    prompts = {arms[trial.arm].prompt for group in together.values() for trial in group}
    for group in together.values():
        for a, b in combinations(sorted(group, key=lambda trial: trial.arm), 2):
            if len(prompts) == 1 or arms[a.arm].backend == arms[b.arm].backend:
                yield a, b


def _sided(pair: tuple[Trial, Trial], seed: int, rater: str) -> Item:
    """Draw which of two stands on the left."""
    a, b = pair
    left, right = (b, a) if seed_from("side", seed, rater, a.seq, b.seq) & 1 else (a, b)
    return Item(a.case, (left.seq, right.seq), (left.arm, right.arm))
