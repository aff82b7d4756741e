"""The joined runs that a conclusion rests on, with the arm that others are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from promptlab.analysis.basis import Basis
from promptlab.analysis.measurements import Measurements, chosen_arms, join, only_text
from promptlab.core.codes import Code
from promptlab.core.errors import PromptlabError
from promptlab.core.measured import MeasuredRun
from promptlab.core.messages import Json
from promptlab.core.plugins import unknown
from promptlab.core.reasons import Reason
from promptlab.core.results import WiderRun
from promptlab.core.types import TemplateSource
from promptlab.store import Store
from promptlab.templates.past import label_of
from promptlab.workbench.current import nothing_known
from promptlab.workbench.stored import Current, like, note_on, stored_evidence

if TYPE_CHECKING:
    from promptlab.templates.library import TemplateLibrary


@dataclass(frozen=True, slots=True)
class Evidence:
    """Joined runs. `baseline` is the label of the arm that others are compared with, if any.

    `beside` are the same runs by the other scorers that are not the primary one, if this scorer is
    `secondary` itself: what they show is one family.
    """

    table: Measurements
    run_ids: tuple[str, ...]
    baseline: str | None = None
    notes: tuple[Reason, ...] = ()
    beside: tuple[Measurements, ...] = ()
    secondary: bool = False

    @property
    def basis(self) -> Basis:
        """Return what a conclusion from these runs rests on."""
        return Basis.of(self.table, self.notes, secondary=self.secondary)


def read_evidence(
    store: Store,
    run_refs: Sequence[str],
    scorer: str | None,
    current: Current = nothing_known,
) -> Evidence:
    """Read runs and join them; the first one determines the scorer.

    By default it is the newest one, see `newest_evidence`.
    """
    if not run_refs:
        return newest_evidence(store, store.find_run(), scorer, current)
    run_ids = dict.fromkeys(map(store.find_run, run_refs))
    return _joined(store, _read(store, [*run_ids], scorer))


def newest_evidence(
    store: Store, run_id: str, scorer: str | None, current: Current = nothing_known
) -> Evidence:
    """Return what a run shows that nobody named, or what is stored with more of the same.

    See `stored`; `current` says what its suite is today. A note says what that is or leaves out.
    """
    [newest] = _read(store, [run_id], scorer)
    runs = stored_evidence(store, newest, current)
    evidence, note = _joined(store, runs), note_on(runs, newest)
    return _with_wider(store, evidence) if note is None else replace(evidence, notes=(note,))


def _read(store: Store, run_ids: Sequence[str], scorer: str | None) -> list[MeasuredRun]:
    first = store.measured(run_ids[0], scorer)
    return [first, *(store.measured(run_id, first.scorer.label) for run_id in run_ids[1:])]


def _joined(store: Store, runs: Sequence[MeasuredRun]) -> Evidence:
    first = runs[0]
    primary = store.plan_settings(first.info.run_id).primary
    run_ids = tuple(run.info.run_id for run in runs)
    secondary = first.scorer.label != primary
    others = [label for label in first.others if label != primary] if secondary else []
    beside = tuple(_beside(store, runs, others))
    return Evidence(join(runs), run_ids, beside=beside, secondary=secondary)


def _beside(
    store: Store, runs: Sequence[MeasuredRun], scorers: Sequence[str]
) -> Iterator[Measurements]:
    """Yield the runs by each of these scorers of the first one."""
    for label in scorers:
        try:
            yield join([like(store.measured(run.info.run_id, label), run) for run in runs])
        except PromptlabError:  # a later run has no such scorer
            continue


def more_stored(wider: WiderRun, advice: str) -> Reason:
    """Return the note that an earlier run has more cases than a newer one; it ends in `advice`."""
    text = (
        f"run {wider.run_id} has {wider.cases:,} cases and {wider.arms} arms,"
        f" the newer run {wider.newer} {wider.newer_cases:,} and {wider.newer_arms}: {advice}"
    )
    about: dict[str, Json] = {
        "run": wider.run_id,
        "cases": wider.cases,
        "arms": wider.arms,
        "newer": wider.newer,
        "newer_cases": wider.newer_cases,
        "newer_arms": wider.newer_arms,
    }
    return Reason(Code.MORE_CASES_STORED, text, about)


def with_baseline(
    store: Store, evidence: Evidence, reference: str, library: TemplateLibrary | None
) -> Evidence:
    """Find the arm that a reference names; if these runs lack it, join the newest run that has it.

    It may be an arm's label as tables show it, or any reference that the `library` takes.
    """
    label = _label_of(evidence.table, reference)
    if label is not None:
        return replace(evidence, baseline=label)
    templates = sorted({arm.arm.template for arm in evidence.table.arms})
    if library is not None:
        try:
            text = library.one(reference, templates)
        except PromptlabError:
            if reference.partition("@")[0] in library.names():
                raise
        else:
            return with_version(store, evidence, text)
    labels = dict.fromkeys(arm.label for arm in evidence.table.arms)
    raise unknown("arm", reference, [*labels])


def with_version(store: Store, evidence: Evidence, text: TemplateSource) -> Evidence:
    """Make a version the baseline; if these runs lack its text, join the newest run that has it."""
    named = f"{text.name}@{label_of(text.version)}"
    arms = [arm for arm in evidence.table.arms if arm.arm.digest == text.digest and not arm.arm.off]
    if arms:  # the version itself is preferred to a copy of its text under another name
        arm = next((arm for arm in arms if arm.arm.prompt == named), arms[0])
        return replace(evidence, baseline=arm.label)
    run_id = store.newest_run_of((text.digest,))
    if run_id is None:
        raise PromptlabError(
            f"the text of {named} was never run", hint=f"promptlab run SUITE -t {named}"
        )

    def joined(table: Measurements) -> Measurements:
        run = only_text(store.measured(run_id, table.scorer.label), text)
        return join([*table.runs, run])

    table = joined(evidence.table)
    label = next(arm.label for arm in table.arms if arm.arm.digest == text.digest)
    taken = f"{label} is taken from run {run_id}"
    note = Reason(Code.TAKEN_FROM, taken, {"arm": label, "run": run_id})
    beside = tuple(map(joined, evidence.beside))
    return replace(
        evidence,
        table=table,
        run_ids=(*evidence.run_ids, run_id),
        baseline=label,
        notes=(*evidence.notes, note),
        beside=beside,
    )


def only_versions(evidence: Evidence, places: Sequence[int]) -> Evidence:
    """Return the same evidence on the arms at these places alone: no other is compared."""
    if len(places) == len(evidence.table.arms):
        return evidence
    labels = {(arm.label, arm.arm.backend) for arm in map(evidence.table.arms.__getitem__, places)}
    beside = tuple(
        chosen_arms(
            table,
            [at for at, arm in enumerate(table.arms) if (arm.label, arm.arm.backend) in labels],
        )
        for table in evidence.beside
    )
    return replace(evidence, table=chosen_arms(evidence.table, places), beside=beside)


def _with_wider(store: Store, evidence: Evidence) -> Evidence:
    """Add a note if the newest run looked at fewer cases of its arms than an earlier one."""
    [newest] = evidence.run_ids
    wider = store.wider_run(newest)
    if wider is None:
        return evidence
    note = more_stored(wider, f"name {wider.run_id} to conclude from it")
    return replace(evidence, notes=(*evidence.notes, note))


def _label_of(table: Measurements, reference: str) -> str | None:
    labels = dict.fromkeys(arm.label for arm in table.arms)
    if reference in labels:
        return reference
    ending = [label for label in labels if label.partition("@")[2] == reference]
    return ending[0] if len(ending) == 1 else None
