"""What people said of the outputs of a run, together with what it was about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from promptlab.core.errors import PromptlabError
from promptlab.core.files import write_text
from promptlab.core.ratings import Kind, Rating
from promptlab.core.types import Arm, Plan
from promptlab.exporters.labels import LabelRow, as_file
from promptlab.store import Store
from promptlab.workbench.bench import Workbench


@dataclass(frozen=True, slots=True)
class Rated:
    """The ratings of a run that count, in the order in which they were given."""

    run_id: str
    plan: Plan
    ratings: tuple[Rating, ...]

    def arms(self, rating: Rating) -> list[int]:
        """Return the arms that a rating is about, by their places in the plan."""
        return [self.plan.trial(seq).arm for seq in rating.trials]


def read_ratings(bench: Workbench, run_ref: str, kind: Kind | None = None) -> Rated:
    """Read the ratings of a run, of one kind or both. Raise `PromptlabError` if there is none."""
    with bench.open_store() as store:
        return _rated(store, store.find_run(run_ref), kind)


def _rated(store: Store, run_id: str, kind: Kind | None) -> Rated:
    ratings = store.ratings.standing(run_id)
    found = tuple(each for each in ratings if kind in (None, each.kind))
    if not found:
        other = "outputs" if kind == "pairs" else "pairs"
        what = {None: "an output", "outputs": "a single output", "pairs": "a pair"}[kind]
        raise PromptlabError(
            f"nobody has rated {what} of run {run_id}",
            hint=f"its {other} were rated: {_CALL[other]}" if ratings else "promptlab review",
        )
    return Rated(run_id, store.load_plan(run_id), found)


_CALL = {"outputs": "leave out --pairs", "pairs": "add --pairs"}


def label_rows(rated: Rated) -> list[LabelRow]:
    """Return what people said as rows of a file of labels."""
    return [_label(rated, rating) for rating in rated.ratings]


def export_labels(bench: Workbench, run_ref: str, kind: Kind, file: Path) -> tuple[str, int]:
    """Write what people said into a file of labels; return the run's id and how many there are."""
    rated = read_ratings(bench, run_ref, kind)
    text = as_file(label_rows(rated), file.name)
    write_text(file, text)
    return rated.run_id, len(rated.ratings)


def _label(rated: Rated, rating: Rating) -> LabelRow:
    plan = rated.plan
    first = plan.trial(rating.trials[0])
    left, *others = (plan.arms[arm] for arm in rated.arms(rating))
    right = others[0] if others else None
    return LabelRow(
        run=rated.run_id,
        case=plan.cases[first.case].id,
        version=_version(left),
        backend=left.backend,
        other_version=None if right is None else _version(right),
        other_backend=None if right is None else right.backend,
        repeat=first.repeat,
        label=rating.opinion.verdict,
        rater=rating.rater,
        time=rating.at,
        note=rating.opinion.note,
        tags=rating.opinion.tags,
    )


def _version(arm: Arm) -> str:
    """Return the name of a version; that of the arm, if practices are switched off in it."""
    return arm.label if arm.off else arm.prompt
