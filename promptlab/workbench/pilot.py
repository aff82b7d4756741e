"""What earlier runs of a suite tell for planning: how much its differences vary, never their sign.

It reads spreads alone, so that planning is no look at the results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from promptlab.analysis.agreeing import Agreeing
from promptlab.analysis.answers import columns_of
from promptlab.analysis.compare import compare
from promptlab.analysis.conclude import spread_of
from promptlab.analysis.estimates import PracticeEffect
from promptlab.analysis.measurements import Measurements, join
from promptlab.analysis.planning import of_units
from promptlab.analysis.practices import practice_effects
from promptlab.analysis.prospect import Pilot, Row
from promptlab.analysis.showing import Shown, shown_by_backend
from promptlab.analysis.texts import Texts
from promptlab.analysis.wordings import spreads_of, wordings_of
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.measured import AT, MeasuredRun
from promptlab.core.reducers import MEAN
from promptlab.core.types import Plan
from promptlab.stats.variance import split_variance
from promptlab.store import Store

_READ = 20  # runs at most: what no newer one tells, older ones hardly do
_Key = tuple[str, tuple[str, ...], str]
"""An arm, whatever run it is in: its text, the practices switched off, its backend."""


def find_pilot(store: Store, plan: Plan, rule: Rule, *, practices: bool) -> Pilot | None:
    """Return the newest finished run of the plan's suite that tells how much differences vary.

    One that measured arms of this plan is preferred to one of other versions. `practices` asks for
    the effects of practices instead of those of versions.
    """
    others: Pilot | None = None
    wanted = {(arm.digest, arm.off, arm.backend) for arm in plan.arms}
    runs = (info for info in store.runs() if info.suite == plan.suite)
    for info in islice((info for info in runs if info.status == "finished"), _READ):
        try:
            run = store.measured(info.run_id, plan.primary)
        except PromptlabError:  # it was graded by other scorers
            continue
        pilot, own = _read(run, rule, wanted, practices=practices)
        if pilot is not None and own:
            return pilot
        others = others or pilot
    return others


def _read(
    run: MeasuredRun, rule: Rule, wanted: set[_Key], *, practices: bool
) -> tuple[Pilot | None, bool]:
    """Return what a run tells, None if nothing, and whether that is of arms that are wanted."""
    table = join([run])
    every = list(_practices(table, run, rule) if practices else _versions(table, run, rule))
    of_plan = [row for row, arms in every if arms <= wanted]
    rows = of_plan or [row for row, _ in every]
    if not rows:
        return None, False
    verdicts = all(arm.cells.is_verdict for arm in table.arms)
    pilot = Pilot(
        run_id=run.info.run_id,
        cases=len(table.cases),
        repeats=run.repeats,
        bounded=table.bounded,
        is_rate=table.bounded and verdicts,
        rows=tuple(rows),
    )
    return pilot, bool(of_plan)


def _versions(
    table: Measurements, run: MeasuredRun, rule: Rule
) -> Iterator[tuple[Row, frozenset[_Key]]]:
    """Yield the pairs of arms on each backend, or else of backends for each version."""
    arms = {(arm.label, arm.arm.backend): place for place, arm in enumerate(table.arms)}
    backends = {backend for _, backend in arms}
    by_version = len({label for label, _ in arms}) > 1
    try:
        comparisons = compare(table, rule, by="version" if by_version else "backend")
    except PromptlabError:  # there is nothing to compare
        return
    scores = _scores(run) if run.scorer.reduce == MEAN and run.repeats > 1 else None
    for one in comparisons:
        spread = one.spread
        sides = _places(arms, one.a, one.b, one.backend, backends)
        if spread is None or sides is None:
            continue
        split = None
        if scores is not None:
            split = split_variance(scores[sides[0]], scores[sides[1]])
            split = of_units(split, spread, run.repeats)
        keys = frozenset(_key(table, place) for place in sides)
        yield Row(one.a, one.b, one.backend, spread, split), keys


def _places(
    arms: dict[tuple[str, str], int], a: str, b: str, backend: str | None, backends: set[str]
) -> tuple[int, int] | None:
    """Return the arms of a comparison, None for one that pools several backends."""
    if backend is not None:
        return arms[a, backend], arms[b, backend]
    by_name = {f"{label} on {on}": place for (label, on), place in arms.items() if on in backends}
    return (by_name[a], by_name[b]) if a in by_name and b in by_name else None


def _practices(
    table: Measurements, run: MeasuredRun, rule: Rule
) -> Iterator[tuple[Row, frozenset[_Key]]]:
    """Yield the effect of each practice on these models."""
    try:
        effects = practice_effects(table, rule).effects
    except PromptlabError:  # no two arms differ in just one practice
        return
    every = frozenset(_key(table, place) for place in range(len(table.arms)))
    widest = {
        effect.practice: effect for effect in effects if effect.scope != "models in general"
    }  # on these models together, if there are several: it comes last
    for name, effect in widest.items():
        spread = spread_of(effect.effect)
        if spread is not None:
            texts = _texts(table, run, effect)
            row = Row(f"without {name}", f"with {name}", effect.backend, spread, texts=texts)
            yield row, every


def _texts(table: Measurements, run: MeasuredRun, effect: PracticeEffect) -> Texts | None:
    """Return how far the wordings of a practice lie apart, None where there are not several."""
    shown = shown_by_backend(table.arms, effect.practice)
    places = [one for name, one in shown.items() if effect.backend in (None, name)]
    wordings = wordings_of(places)
    arms = [arm for one in places for arm in (*one.with_it, *one.without)]
    where = np.all([~np.isnan(arm.cells.score) for arm in arms], axis=0)
    spreads = spreads_of(wordings, where)
    judged = effect.effect.inference
    alone = judged.parts[0] if isinstance(judged, Agreeing) else judged
    if not spreads or alone is None or alone.se is None:
        return None
    return Texts(
        spreads,
        number=min(wordings.with_it, wordings.without),
        case=alone.se**2 * spreads[0].cases,
        paired=wordings.between,
        repeats=run.repeats,
        noise=_noise(table, run, places),
    )


def _noise(table: Measurements, run: MeasuredRun, places: Sequence[Shown]) -> float | None:
    """Return the variance of the effect on a case that one repeat of each trial brings."""
    if run.repeats == 1 or run.scorer.reduce != MEAN or len(table.arms) != len(run.arms):
        return None
    scores, noise = _scores(run), 0.0
    for side in ([one.with_it for one in places], [one.without for one in places]):
        arms = [place for place, arm in enumerate(table.arms) if any(arm in of for of in side)]
        alone = [split_variance(scores[place], scores[place]).noise_a for place in arms]
        if any(each is None for each in alone):
            return None
        noise += sum(filter(None, alone)) / len(alone) ** 2
    return noise


def _key(table: Measurements, place: int) -> _Key:
    arm = table.arms[place].settings[0].arm
    return arm.digest, arm.off, arm.backend


def _scores(run: MeasuredRun) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return scores of shape (arms, cases, repeats), NaN where unknown."""
    columns = columns_of(run.rows)
    arm, case, repeat = (columns[AT[name]].astype(int) for name in ("arm", "case", "repeat"))
    repeats = max(run.repeats, int(repeat.max(initial=0)) + 1)
    scores = np.full((len(run.arms), len(run.cases), repeats), np.nan)
    scores[arm, case, repeat] = columns[AT["score"]]
    return scores
