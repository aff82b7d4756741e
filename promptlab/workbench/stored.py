"""The runs that a conclusion rests on if none is named: the newest, or one with more of it.

A quick look at a few cases does not hide what was measured before. An earlier run takes the place
of the newest if it is finished and measured the same, on all of its cases and on more: the same
suite and side of its holdout as they are today, the same texts, by the same scorer. It stands alone
then: trials of one arm are never put together from several runs, since what failed in one would be
covered by another. Where the newest run is of one version, others of the suite stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import replace

from promptlab.analysis.answers import placed
from promptlab.analysis.measurements import only_arms
from promptlab.core.codes import Code
from promptlab.core.errors import PromptlabError
from promptlab.core.measured import MeasuredArm, MeasuredRun
from promptlab.core.messages import Json
from promptlab.core.reasons import Reason
from promptlab.store import Store
from promptlab.workbench.current import CurrentSuite

Current = Callable[[str], CurrentSuite | None]
"""What a suite of this name says today."""


def stored_evidence(store: Store, newest: MeasuredRun, current: Current) -> list[MeasuredRun]:
    """Return the runs that count, the one with the most results first."""
    if newest.sequential is not None or newest.info.settings.imported is not None:
        return [newest]  # one that may stop early is judged by its own plan
    earlier = store.runs_beside(newest.info.run_id, newest.scorer.label)
    suite = current(newest.info.suite) if earlier else None
    if suite is None or not _cases(newest) <= suite.side(newest.split):
        return [newest]
    others = [run for run in _measured(store, earlier, newest) if _same_scorer(run, newest)]
    whole = [
        narrowed for run in others if _has_more(narrowed := _narrowed(run, newest, suite), newest)
    ]
    if whole:
        return [max(whole, key=lambda run: (len(run.cases), len(run.arms)))]
    if not _is_alone(newest):
        return [newest]
    own = {_key(arm) for arm in newest.arms}
    beside = [_without(_narrowed(run, newest, suite), own) for run in others]
    largest = max(beside, key=lambda run: (bool(run.arms), len(run.cases)), default=newest)
    if largest is newest or not largest.arms:
        return [newest]
    return sorted((newest, largest), key=lambda run: len(run.rows), reverse=True)


def note_on(runs: Sequence[MeasuredRun], newest: MeasuredRun) -> Reason | None:
    """Return the note that says which runs count, None if that is just the newest."""
    if [run.info.run_id for run in runs] == [newest.info.run_id]:
        return None
    parts = [f"{run.info.run_id} ({_number(len(run.cases))})" for run in runs]
    text = f"from run{'s' * (len(runs) > 1)} {', '.join(parts)}"
    if all(run.info.run_id != newest.info.run_id for run in runs):
        text += f"; the newest, {newest.info.run_id}, has {_number(len(newest.cases))} of that"
    named: list[Json] = [
        {"run": run.info.run_id, "cases": len(run.cases), "arms": len(run.arms)} for run in runs
    ]
    return Reason(Code.ALL_STORED, text, {"runs": named, "newest": newest.info.run_id})


def _number(cases: int) -> str:
    return "1 case" if cases == 1 else f"{cases:,} cases"


def like(run: MeasuredRun, other: MeasuredRun) -> MeasuredRun:
    """Return what a run has by one scorer, of the arms and cases that it has by another."""
    arms = {id_of: place for place, id_of in enumerate(map(_place, run.arms))}
    places = [arms[_place(arm)] for arm in other.arms]
    digests = {case.digest for case in other.cases}
    kept = [place for place, case in enumerate(run.cases) if case.digest in digests]
    return replace(_only(run, places, kept), part=other.part)


def _measured(store: Store, run_ids: Sequence[str], newest: MeasuredRun) -> Iterator[MeasuredRun]:
    """Read runs by the scorer of the newest one; one that has no such scorer is left out."""
    for run_id in run_ids:
        with suppress(PromptlabError):
            yield store.measured(run_id, newest.scorer.label)


def _has_more(run: MeasuredRun, newest: MeasuredRun) -> bool:
    """Return whether a run has all cases and arms of the newest one, and more."""
    arms, of_newest = ({_key(arm) for arm in each.arms} for each in (run, newest))
    cases, some = _cases(run), _cases(newest)
    if not (arms >= of_newest and cases >= some and run.repeats >= newest.repeats):
        return False
    return cases > some or (_is_alone(newest) and arms > of_newest)


def _is_alone(run: MeasuredRun) -> bool:
    """Return whether a run is of one version, of which there is nothing to compare it with.

    On a holdout, only what was named is looked at.
    """
    return len({arm.arm.digest for arm in run.arms}) == 1 and run.split != "holdout"


def _without(run: MeasuredRun, keys: Set[tuple[object, ...]]) -> MeasuredRun:
    """Return a run without these arms."""
    return _only(run, [at for at, arm in enumerate(run.arms) if _key(arm) not in keys], None)


def _cases(run: MeasuredRun) -> frozenset[str]:
    return frozenset(case.digest for case in run.cases)


def _same_scorer(run: MeasuredRun, newest: MeasuredRun) -> bool:
    a, b = run.scorer, newest.scorer
    return (a.name, a.version, a.params, a.identity, a.reduce) == (
        (b.name, b.version, b.params, b.identity, b.reduce)
    )


def _narrowed(run: MeasuredRun, newest: MeasuredRun, suite: CurrentSuite) -> MeasuredRun:
    """Return a run with the arms that the newest has, on cases of the suite.

    If that is of one version alone, the others of the suite stand beside it.
    """
    own, cases = {_key(arm) for arm in newest.arms}, suite.side(newest.split)
    alone = _is_alone(newest)
    beside = {_conditions(arm) for arm in newest.arms if alone and not arm.arm.off}
    places = [
        place
        for place, arm in enumerate(run.arms)
        if _key(arm) in own
        or (arm.arm.digest in suite.texts and not arm.arm.off and _conditions(arm) in beside)
    ]
    kept = [place for place, case in enumerate(run.cases) if case.digest in cases]
    return _only(run, places, kept)


def _only(run: MeasuredRun, arms: Sequence[int], cases: Sequence[int] | None) -> MeasuredRun:
    run = run if len(arms) == len(run.arms) else only_arms(run, arms)
    return run if cases is None or len(cases) == len(run.cases) else _only_cases(run, cases)


def _place(arm: MeasuredArm) -> tuple[object, ...]:
    """Return what tells an arm from all others of its run."""
    return (*_key(arm), arm.arm.prompt)


def _key(arm: MeasuredArm) -> tuple[object, ...]:
    return arm.arm.digest, arm.arm.off, *_conditions(arm)


def _conditions(arm: MeasuredArm) -> tuple[object, ...]:
    return arm.arm.backend, arm.backend_digest, arm.arm.sampling


def _only_cases(run: MeasuredRun, places: Sequence[int]) -> MeasuredRun:
    at = {place: new for new, place in enumerate(places)}
    return replace(
        run,
        cases=tuple(run.cases[place] for place in places),
        rows=placed(run.rows, "case", places),
        others={
            label: [(arm, at[case], score) for arm, case, score in scores if case in at]
            for label, scores in run.others.items()
        },
        labels=[(arm, at[case], label) for arm, case, label in run.labels if case in at],
    )
