"""How arms classify as plain data: the figures of classes, and what was found for what is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from promptlab.analysis.confusion import BESIDE, Beside, ClassFigures, Column, Confusion, Confusions
from promptlab.core.types import Arm
from promptlab.report.views.arm_names import ArmNames, arm_names
from promptlab.report.wording import counted

BESIDE_NAMES: Mapping[Beside, str] = {
    "nothing": "(nothing)",
    "other": "(other)",
    "no_score": "(no score)",
}
UNKNOWN_RIGHT = "(not known)"


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """The trials with one right answer, None if it is not known, by what was found in them."""

    right: str | None
    found: Mapping[str, int]
    beside: Mapping[Beside, int]


@dataclass(frozen=True, slots=True)
class ArmConfusionView:
    """One arm by one scorer. `n` counts all of its trials."""

    name: str
    arm: Arm
    n: int
    accuracy: float
    macro_f1: float | None
    classes: tuple[ClassFigures, ...]
    rows: tuple[MatrixRow, ...]
    unplaced: int


@dataclass(frozen=True, slots=True)
class ConfusionView:
    """What one scorer found in the answers of all arms."""

    scorer: str
    title: str
    classes: tuple[str, ...]
    arms: tuple[ArmConfusionView, ...]

    @property
    def beside(self) -> tuple[Beside, ...]:
        """Return what there is in some arm where no label was found."""
        rows = [row for arm in self.arms for row in arm.rows]
        return tuple(name for name in BESIDE if any(row.beside[name] for row in rows))

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what a reader has to know of the columns that are no labels."""
        told = {
            "nothing": "(nothing): no label was found in the answer, or none could be told.",
            "other": "(other): an answer that is none of the labels.",
            "no_score": "(no score): the trial or the scorer failed; it counts as not right.",
        }
        notes = [told[name] for name in self.beside]
        unplaced = sum(arm.unplaced for arm in self.arms)
        if unplaced:
            trials = counted(unplaced, "trial")
            notes.append(
                f"{UNKNOWN_RIGHT}: of {trials} no one right answer is recorded; the figures of"
                " classes leave them out."
            )
        return tuple(notes)


@dataclass(frozen=True, slots=True)
class ClassifiedView:
    """How the arms of a run classify, by scorer; `without` says why other scorers are not here."""

    run_id: str
    names: tuple[ArmNames, ...]
    scorers: tuple[ConfusionView, ...]
    without: Mapping[str, str]


def classified_view(
    run_id: str,
    arms: tuple[Arm, ...],
    primary: str,
    by_scorer: Mapping[str, Confusions],
    without: Mapping[str, str],
) -> ClassifiedView:
    """Return the view of how the arms of a run classify."""
    names = arm_names(arms)
    scorers = tuple(
        ConfusionView(
            scorer=scorer,
            title=f"{scorer} (primary)" if scorer == primary else scorer,
            classes=found.classes,
            arms=tuple(_arm(arms[each.arm], each, names[0]) for each in found.arms),
        )
        for scorer, found in by_scorer.items()
    )
    return ClassifiedView(run_id, tuple(names), scorers, without)


def _arm(arm: Arm, confusion: Confusion, names: ArmNames) -> ArmConfusionView:
    rows = [_row(each.label, confusion) for each in confusion.classes]
    if confusion.unplaced:
        rows.append(_row(None, confusion))
    return ArmConfusionView(
        name=names.names[arm.label],
        arm=arm,
        n=confusion.n,
        accuracy=confusion.accuracy,
        macro_f1=confusion.macro_f1,
        classes=confusion.classes,
        rows=tuple(rows),
        unplaced=confusion.unplaced,
    )


def _row(right: str | None, confusion: Confusion) -> MatrixRow:
    def count(column: Column) -> int:
        return confusion.counts[right, column]

    return MatrixRow(
        right,
        {each.label: count(("found", each.label)) for each in confusion.classes},
        {name: count((name, None)) for name in BESIDE},
    )
