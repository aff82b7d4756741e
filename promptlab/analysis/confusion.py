"""How each arm classifies: what was found in its answers against what was right.

Nothing is left out: an answer in which nothing was found, or another text than a label, is a column
of its own, as is a trial without a score.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from promptlab.core.results import Reading

MOST_CLASSES = 50
"""With more different answers than this they are no classes."""

Beside = Literal["nothing", "other", "no_score"]
BESIDE: tuple[Beside, ...] = ("nothing", "other", "no_score")
"""What there is where no label was found: nothing to grade, a text that is none, no score."""

Column = tuple[Literal["found"], str] | tuple[Beside, None]


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class in one arm. `n` trials have it as their right answer, in `found` it was found.

    `precision` is None where it was never found, `recall` where it was never right.
    """

    label: str
    n: int
    found: int
    hits: int

    @property
    def precision(self) -> float | None:
        """Return how often it is right where it was found."""
        return self.hits / self.found if self.found else None

    @property
    def recall(self) -> float | None:
        """Return how often it was found where it is right."""
        return self.hits / self.n if self.n else None

    @property
    def f1(self) -> float | None:
        """Return the harmonic mean of both, 2 TP / (2 TP + FP + FN); None where it never occurs."""
        return 2 * self.hits / (self.n + self.found) if self.n + self.found else None


@dataclass(frozen=True, slots=True)
class Confusion:
    """One arm: how many of its trials have which right answer, None if unknown, and what was found.

    `correct` counts the trials that the scorer passed, of all `n`.
    """

    arm: int
    n: int
    correct: int
    counts: Counter[tuple[str | None, Column]]
    classes: tuple[ClassFigures, ...]

    @property
    def accuracy(self) -> float:
        """Return the share of right answers among all trials: what has no score is not right."""
        return self.correct / self.n

    @property
    def macro_f1(self) -> float | None:
        """Return the mean of F1 over the classes that were right or found in this arm."""
        known = [each.f1 for each in self.classes if each.f1 is not None]
        return sum(known) / len(known) if known else None

    @property
    def unplaced(self) -> int:
        """Count the trials of which no one right answer is known."""
        return sum(count for (right, _), count in self.counts.items() if right is None)


@dataclass(frozen=True, slots=True)
class Confusions:
    """What one scorer found, arm by arm, with the classes of all arms in alphabetical order."""

    classes: tuple[str, ...]
    arms: tuple[Confusion, ...]


def confusions_of(readings: Sequence[Reading]) -> Confusions:
    """Return how the arms classify. Raise ValueError if what was read are no classes.

    A class is what is right in some trial, or what was found and is, as the scorer tells, a label.
    """
    right = _right_answers(readings)
    if not right:
        raise ValueError("it does not record what would have been right")
    classes = set(right.values())
    classes |= {each.found for each in readings if each.is_label and each.found is not None}
    if len(classes) > MOST_CLASSES:
        raise ValueError(f"it read {len(classes):,} different answers, which are no classes")
    ordered = tuple(sorted(classes))
    arms: dict[int, list[Reading]] = {}
    for each in readings:
        arms.setdefault(each.arm, []).append(each)
    return Confusions(
        ordered, tuple(_confusion(arm, arms[arm], right, ordered) for arm in sorted(arms))
    )


def _right_answers(readings: Sequence[Reading]) -> dict[int, str]:
    """Return the right answer of each case, which is the same whatever a model says.

    So it is also known of a trial without a score, from the other trials of its case.
    """
    known: dict[int, set[str]] = {}
    for each in readings:
        if each.expected is not None:
            known.setdefault(each.case, set()).add(each.expected)
    return {case: next(iter(texts)) for case, texts in known.items() if len(texts) == 1}


def _confusion(
    arm: int, readings: Sequence[Reading], right: dict[int, str], classes: tuple[str, ...]
) -> Confusion:
    counts: Counter[tuple[str | None, Column]] = Counter()
    correct = 0
    for each in readings:
        wanted = right.get(each.case) if each.expected is None else each.expected
        # Passed by another rule than equality, such as a tolerance, it is what was wanted.
        found = wanted if each.correct and wanted is not None else each.found
        hit = each.correct or (found is not None and found == wanted)
        correct += hit
        counts[wanted, _column(each, found, classes)] += 1
    return Confusion(
        arm, len(readings), correct, counts, tuple(_figures(counts, label) for label in classes)
    )


def _column(reading: Reading, found: str | None, classes: tuple[str, ...]) -> Column:
    if found is not None and found in classes:
        return "found", found
    return ("other" if reading.kind == "found" else reading.kind), None


def _figures(counts: Counter[tuple[str | None, Column]], label: str) -> ClassFigures:
    """Return the figures of a class over the trials whose right answer is known."""
    known = [(right, column, count) for (right, column), count in counts.items() if right]
    return ClassFigures(
        label,
        n=sum(count for right, _, count in known if right == label),
        found=sum(count for _, (_, found), count in known if found == label),
        hits=counts[label, ("found", label)],
    )
