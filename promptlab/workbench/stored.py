"""All that is stored of what the newest run measured: that run, with earlier ones of its suite.

A quick look at a few cases does not hide what was measured before. Only what was measured alike
counts: the same suite and side of its holdout, cases that it still has, texts as they are today, by
the same scorer. What several runs share counts once, and a run that adds nothing is left out, so
that the evidence for the same answers is always the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from promptlab.analysis.measurements import only_arms
from promptlab.core.codes import Code
from promptlab.core.errors import PromptlabError
from promptlab.core.measured import AT, MeasuredArm, MeasuredRun
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
    if suite is None or not {case.digest for case in newest.cases} <= suite.cases:
        return [newest]
    runs, known = [newest], _answers(newest)
    for run_id in earlier:
        if store.answers_of(run_id) <= known:
            continue
        try:
            run = _narrowed(store.measured(run_id, newest.scorer.label), newest, suite)
        except PromptlabError:  # it has no such scorer
            continue
        if _same_scorer(run, newest) and not _answers(run) <= known:
            runs.append(run)
            known |= _answers(run)
    return _needed(runs)


def note_on(runs: Sequence[MeasuredRun], newest: MeasuredRun) -> Reason | None:
    """Return the note that says which runs count, None if that is just the newest."""
    if [run.info.run_id for run in runs] == [newest.info.run_id]:
        return None
    parts = [
        f"{run.info.run_id} ({len(run.cases):,} case{'s' * (len(run.cases) != 1)})" for run in runs
    ]
    text = f"from run{'s' * (len(runs) > 1)} {', '.join(parts)}"
    if all(run.info.run_id != newest.info.run_id for run in runs):
        text += f"; the newest, {newest.info.run_id}, adds no answer to that"
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


def _needed(runs: Sequence[MeasuredRun]) -> list[MeasuredRun]:
    """Return the runs in the order of their size, without those that add nothing to larger ones."""
    known: set[float] = set()
    needed: list[MeasuredRun] = []
    for run in sorted(runs, key=lambda run: len(run.rows), reverse=True):
        if not _answers(run) <= known or not needed:
            needed.append(run)
            known |= _answers(run)
    whole = needed[0].part
    return [replace(run, part=whole) for run in needed]


def _answers(run: MeasuredRun) -> set[float]:
    """Return the answers that were graded, by their numbers."""
    at = AT["generation"]
    return {number for row in run.rows if (number := row[at]) is not None}


def _same_scorer(run: MeasuredRun, newest: MeasuredRun) -> bool:
    a, b = run.scorer, newest.scorer
    return (a.name, a.version, a.params, a.identity, a.reduce) == (
        (b.name, b.version, b.params, b.identity, b.reduce)
    )


def _narrowed(run: MeasuredRun, newest: MeasuredRun, suite: CurrentSuite) -> MeasuredRun:
    """Return a run with the arms that the newest has, on cases of the suite.

    If that is of one version alone, the others of the suite stand beside it: there is nothing else
    to compare it with. On a holdout, only what was named is looked at.
    """
    own = {_key(arm) for arm in newest.arms}
    alone = len({arm.arm.digest for arm in newest.arms}) == 1 and newest.split != "holdout"
    beside = {_conditions(arm) for arm in newest.arms if alone and not arm.arm.off}
    places = [
        place
        for place, arm in enumerate(run.arms)
        if _key(arm) in own
        or (arm.arm.digest in suite.texts and not arm.arm.off and _conditions(arm) in beside)
    ]
    kept = [place for place, case in enumerate(run.cases) if case.digest in suite.cases]
    return _only(run, places, kept)


def _only(run: MeasuredRun, arms: Sequence[int], cases: Sequence[int]) -> MeasuredRun:
    run = run if len(arms) == len(run.arms) else only_arms(run, arms)
    return run if len(cases) == len(run.cases) else _only_cases(run, cases)


def _place(arm: MeasuredArm) -> tuple[object, ...]:
    """Return what tells an arm from all others of its run."""
    return (*_key(arm), arm.arm.prompt)


def _key(arm: MeasuredArm) -> tuple[object, ...]:
    return arm.arm.digest, arm.arm.off, *_conditions(arm)


def _conditions(arm: MeasuredArm) -> tuple[object, ...]:
    return arm.arm.backend, arm.backend_digest, arm.arm.sampling


def _only_cases(run: MeasuredRun, places: Sequence[int]) -> MeasuredRun:
    at = {place: new for new, place in enumerate(places)}

    def kept(rows: Sequence[Sequence[float | None]]) -> Iterator[tuple[float | None, ...]]:
        for arm, case, *rest in rows:
            if case in at:
                yield (arm, at[int(case)], *rest)

    return replace(
        run,
        cases=tuple(run.cases[place] for place in places),
        rows=list(kept(run.rows)),
        others={
            label: [(arm, at[case], score) for arm, case, score in scores if case in at]
            for label, scores in run.others.items()
        },
        labels=[(arm, at[case], label) for arm, case, label in run.labels if case in at],
    )
