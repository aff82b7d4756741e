"""What a run amounts to: kept with it once it has ended, computed from its results otherwise.

Kept figures are never stale: triggers of the schema take them away with whatever changes a result,
and whoever adds results does so himself (`statements.FORGET_FIGURES`). They are only ever stored
together with what was read for them, as of one moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, astuple, dataclass, fields
from math import isclose
from typing import Any

from promptlab.core.errors import StoreError
from promptlab.core.results import ArmOutcomes, ArmScores, Sum
from promptlab.core.types import Outcome
from promptlab.store import aggregates
from promptlab.store.connection import Connection, to_keep
from promptlab.store.encode import from_json, to_json
from promptlab.store.liveness import has_ended
from promptlab.store.reduced import reduced

VERSION = 2
"""How figures are computed and written. Kept ones of another version are computed again."""

_DIGITS = 1e-9

_KEPT = f"""
SELECT arms FROM run_figures WHERE run = :run AND part = :part AND version = {VERSION}
"""

_SUMMARIES = f"""
SELECT run, summary FROM run_figures
WHERE part = 'null' AND version = {VERSION} AND run IN (SELECT value FROM json_each(:runs))
"""

_KEEP = f"""
INSERT OR REPLACE INTO run_figures (run, part, version, summary, arms)
VALUES (:run, :part, {VERSION}, :summary, :arms)
"""

# Not by outcome: that would sort all trials.
_COUNTS = f"""
SELECT run, min(cached), {", ".join(f"sum(outcome = '{outcome}')" for outcome in Outcome)}
FROM trials WHERE run IN (SELECT value FROM json_each(:runs)) GROUP BY run
"""

_PAID = """
SELECT run, sum(cost_usd), CASE WHEN count(cost_usd) THEN count(*) - count(cost_usd) ELSE 0 END
FROM generations WHERE run IN (SELECT value FROM json_each(:runs)) GROUP BY run
"""

_SCORES = tuple(field.name for field in fields(ArmScores))


@dataclass(frozen=True, slots=True)
class Summary:
    """How the trials of a run ended. `paid` is the known cost of its own answers, None without any.

    `all_cached` is None for a run without trials; `unpriced` counts answers of unknown cost, among
    others whose cost is known.
    """

    outcomes: Mapping[Outcome, int]
    all_cached: bool | None = None
    paid: float | None = None
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What the arms of a run amount to, on all of its cases or on those with one tag."""

    outcomes: tuple[ArmOutcomes, ...]
    scores: tuple[ArmScores, ...]


def figures(connection: Connection, run: int, tag: str | None = None) -> Figures:
    """Return the figures of a run: those that were kept, or new ones, kept if the run is over."""
    kept = connection.value(_KEPT, run=run, part=to_json(tag))
    if kept is not None:
        return _from_json(kept)
    computed = _keep(connection, run, tag) if has_ended(connection, run) else None
    return _computed(connection, run, tag) if computed is None else computed


def keep_figures(connection: Connection, run: int) -> None:
    """Compute and keep the figures of a run that has ended, unless others write meanwhile."""
    _keep(connection, run, None)


def summaries(connection: Connection, runs: Sequence[int]) -> dict[int, Summary]:
    """Return how the trials of each of these runs ended."""
    rows = connection.rows(_SUMMARIES, runs=to_json(runs))
    kept = {run: _summary_from_json(text) for run, text in rows}
    return {**_summarized(connection, [run for run in runs if run not in kept]), **kept}


def keep_summaries(connection: Connection, runs: Sequence[int]) -> None:
    """Keep how the trials of these runs ended, where that is not known and the run is over."""
    known = {run for run, _ in connection.rows(_SUMMARIES, runs=to_json(runs))}
    missing = [run for run in runs if run not in known and has_ended(connection, run)]
    if not missing:
        return
    with suppress(StoreError), closing(to_keep(connection)) as own, own.if_unchanged():
        for run, summary in _summarized(own, missing).items():
            own.execute(_KEEP, run=run, part="null", summary=_summary_to_json(summary), arms=None)


def wrong_figures(connection: Connection) -> Iterator[str]:
    """Yield the runs whose kept figures are not those of their results."""
    sql = "SELECT run, part, summary, arms FROM run_figures"
    sql += f" WHERE version = {VERSION} AND rows IS NULL"
    for run, part, summary, arms in connection.all(sql):
        [true] = _summarized(connection, [run]).values()
        same = _same(from_json(summary), from_json(_summary_to_json(true)))
        if arms is not None and same:
            now = _computed(connection, run, from_json(part))
            same = _same(from_json(arms), from_json(_to_json(now)))
        if not same:
            run_id = connection.value("SELECT run_id FROM runs WHERE id = :run", run=run)
            yield f"run {run_id}: its kept figures are not those of its results"


def _same(kept: Any, now: Any) -> bool:
    """Return whether two JSON values are equal, but for the last digits of sums.

    Another version of SQLite may add in another order.
    """
    if isinstance(kept, float) and isinstance(now, float):
        return isclose(kept, now, rel_tol=_DIGITS, abs_tol=_DIGITS)
    if isinstance(kept, dict) and isinstance(now, dict):
        return kept.keys() == now.keys() and all(_same(kept[key], now[key]) for key in kept)
    if isinstance(kept, list) and isinstance(now, list):
        return len(kept) == len(now) and all(map(_same, kept, now))
    return bool(kept == now)


def _keep(connection: Connection, run: int, tag: str | None) -> Figures | None:
    """Compute figures and keep them, if the database takes them; None if it cannot be opened."""
    computed = None
    with suppress(StoreError), closing(to_keep(connection)) as own, own.if_unchanged():
        computed = _computed(own, run, tag)
        summary = _summary(own, run, computed) if tag is None else _summarized(own, [run])[run]
        own.execute(
            _KEEP,
            run=run,
            part=to_json(tag),
            summary=_summary_to_json(summary),
            arms=_to_json(computed),
        )
    return computed


def _computed(connection: Connection, run: int, tag: str | None) -> Figures:
    scores = reduced(connection, run, aggregates.arm_scores(connection, run, tag), tag)
    outcomes = aggregates.arm_outcomes(connection, run) if tag is None else ()
    return Figures(tuple(outcomes), tuple(scores))


def _summary(connection: Connection, run: int, computed: Figures) -> Summary:
    """Return how the trials of a run ended, from the figures of all of them."""
    arms = computed.outcomes
    outcomes = {outcome: sum(arm.outcomes[outcome] for arm in arms) for outcome in Outcome}
    all_cached = all(arm.cached == arm.trials for arm in arms) if arms else None
    _, *paid = connection.row(_PAID, runs=to_json([run])) or (run, None, 0)
    return Summary(outcomes, all_cached, *paid)


def _summarized(connection: Connection, runs: Sequence[int]) -> dict[int, Summary]:
    if not runs:
        return {}
    numbers = to_json(runs)
    ended: dict[int, tuple[bool | None, Mapping[Outcome, int]]] = {}
    for run, all_cached, *counts in connection.rows(_COUNTS, runs=numbers):
        ended[run] = bool(all_cached), dict(zip(Outcome, counts, strict=True))
    paid = {run: rest for run, *rest in connection.rows(_PAID, runs=numbers)}
    none: tuple[None, Mapping[Outcome, int]] = (None, dict.fromkeys(Outcome, 0))
    found = {}
    for run in runs:
        all_cached, outcomes = ended.get(run, none)
        found[run] = Summary(outcomes, all_cached, *paid.get(run, (None, 0)))
    return found


def _summary_to_json(summary: Summary) -> str:
    return to_json(asdict(summary))


def _summary_from_json(text: str) -> Summary:
    stored = from_json(text)
    outcomes = {Outcome(name): number for name, number in stored["outcomes"].items()}
    return Summary(outcomes, stored["all_cached"], stored["paid"], stored["unpriced"])


def _to_json(computed: Figures) -> str:
    """Return figures as JSON: of each arm its values, in the order of its fields."""
    return to_json(
        {
            "outcomes": [astuple(ended) for ended in computed.outcomes],
            "scores": [astuple(scores) for scores in computed.scores],
        }
    )


def _from_json(text: str) -> Figures:
    stored = from_json(text)
    return Figures(
        tuple(_outcomes(*row) for row in stored["outcomes"]),
        tuple(_scores(*row) for row in stored["scores"]),
    )


def _outcomes(arm: int, trials: int, outcomes: Any, cached: int, *sums: Any) -> ArmOutcomes:
    ended = {Outcome(name): number for name, number in outcomes.items()}
    tokens_in, tokens_out, latency, cost = (Sum(*each) for each in sums)
    return ArmOutcomes(arm, trials, ended, cached, tokens_in, tokens_out, latency, cost)


def _scores(*values: Any) -> ArmScores:
    named: dict[str, Any] = dict(zip(_SCORES, values, strict=True))
    return ArmScores(**{**named, "groups": tuple(map(tuple, named["groups"]))})
