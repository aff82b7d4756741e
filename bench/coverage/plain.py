"""The method of before, as a reference: one interval a row, no allowance for what samples hide.

McNemar's mid-p with Tango's interval; Student's t, with fewer than 30 cases the larger p of it and
the sign-flip test; CR2 or CR3 over groups; two imagined cases where fewer than six differ. p is
Holm's over the family, but the interval is that of one row. (Commit dc1810e.)
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import numpy as np

from bench.coverage.draws import Drawn, Floats, Ints
from bench.coverage.judge import Seen, Told
from promptlab.core.decision import Rule, Verdict
from promptlab.stats.clusters import cluster_mean, evenness
from promptlab.stats.intervals import Interval
from promptlab.stats.multiplicity import holm
from promptlab.stats.paired import mcnemar_midp, paired_t, sign_flip
from promptlab.stats.tango import tango

tango = lru_cache(maxsize=100_000)(tango)  # the same tables come again and again
mcnemar_midp = lru_cache(maxsize=100_000)(mcnemar_midp)
FEW_CASES, FEW_GROUPS, FEW_DIFFER, SMALL, EVEN = 15, 5, 6, 30, 0.75


def plainly(drawn: Drawn) -> Seen:
    """Compare the arms of one backend by the plain method."""
    scores = drawn.scores if drawn.scores.ndim == 3 else drawn.scores[:, :, None]
    known = ~np.isnan(scores)
    counts = known.sum(axis=2)
    means = np.where(known, scores, 0.0).sum(axis=2) / np.where(counts, counts, np.nan)
    groups = np.arange(means.shape[1]) if drawn.groups is None else drawn.groups
    bounded = bool(np.all((scores[known] >= 0) & (scores[known] <= 1)))
    binary = bounded and bool(np.all(np.isin(scores[known], (0.0, 1.0))))
    pairs = [(0, arm) for arm in range(1, len(means))]
    if not drawn.baseline:
        pairs = list(combinations(range(len(means)), 2))
    found = []
    for a, b in pairs:
        shared = ~np.isnan(means[a] + means[b])
        before, after = means[a][shared], means[b][shared]
        whole = binary and bool(np.all(np.isin(np.append(before, after), (0.0, 1.0))))
        d = np.where(np.abs(after - before) < 1e-12, 0.0, after - before)
        truth = drawn.means[b] - drawn.means[a]
        found.append((truth, d, groups[shared], *effect(d, groups[shared], whole, bounded)))
    adjusted = holm(np.array([p for *_, p in found], dtype=float))
    rows = []
    for (truth, d, placed, ci, _), p in zip(found, adjusted, strict=True):
        told = verdict(d, placed, ci, float(p), drawn.rule)
        margin = drawn.no_worse
        no_worse = margin is not None and ci is not None and ci[0] > -margin
        rows.append(Told(float(truth), float(d.mean()), ci, told, no_worse and not few(d, placed)))
    return Seen(tuple(rows), drawn.rule, drawn.no_worse)


def effect(d: Floats, groups: Ints, whole: bool, bounded: bool) -> tuple[Interval | None, float]:
    """Return the interval of a mean difference, and p (NaN if there is none)."""
    n, n_groups = d.size, len(np.unique(groups))
    wins, losses = int((d > 0).sum()), int((d < 0).sum())
    if n_groups < n:
        found = cluster_mean(d, groups, jackknife=evenness(groups) < EVEN)
    elif whole:
        return tango(n, wins, losses), mcnemar_midp(wins, losses)
    else:
        found = paired_t(d)
    p = found.p
    if n_groups == n and (n < SMALL or p is None):
        p = max(p or 0.0, sign_flip(d))
    if bounded and (wins + losses < FEW_DIFFER or found.se is None) and n_groups > 1:
        apart = np.append(groups, groups.max() + np.array([1, 2]))
        found = cluster_mean(np.append(d, (1.0, -1.0)), apart)
    if found.low is None or found.high is None:
        return None, np.nan if p is None else p
    low, high = found.low, found.high
    return (max(low, -1.0), min(high, 1.0)) if bounded else (low, high), np.nan if p is None else p


def few(d: Floats, groups: Ints) -> bool:
    """Say whether there were too few cases or groups, or one group too large."""
    sizes = np.unique(groups, return_counts=True)[1]
    grouped = sizes.size < d.size
    return d.size < FEW_CASES or (
        grouped and (sizes.size < FEW_GROUPS or bool(sizes.max() > d.size / 2))
    )


def verdict(d: Floats, groups: Ints, ci: Interval | None, p: float, rule: Rule) -> Verdict:
    """Return the verdict of before."""
    if few(d, groups):
        return "refused"
    least, told = rule.min_effect, "undecided"
    if ci is not None and p <= rule.alpha and (ci[0] > least or ci[1] < -least):
        told = "better" if ci[0] > least else "worse"
    elif ci is not None and -least < ci[0] and ci[1] < least:
        return "equivalent"
    return "refused" if np.count_nonzero(d) < FEW_DIFFER else told  # type: ignore[return-value]
