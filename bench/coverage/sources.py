"""Where scores come from that users have: passes, marks and numbers of arms that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
import scipy

from bench.coverage.draws import Chance, Floats, Ints

BASE = 0.6  # mean score of the arms


@dataclass(frozen=True, slots=True)
class Changed:
    """Two arms that differ on a share of the cases: wholly (a pass became a failure), or in part.

    A partial change is of any size between 0 and 1, all alike likely.
    """

    share: float
    whole: bool = True

    def scores(self, chance: Chance, groups: Ints, means: Sequence[float]) -> Floats:
        """Return scores of two arms whose means differ as `means` do, of shape (2, cases, 1)."""
        n, truth = groups.size, means[1] - means[0]
        wins = 0.5 + truth / (2 * self.share * (1.0 if self.whole else 0.5))
        signs = np.where(chance.random(n) < wins, 1.0, -1.0)
        sizes = np.ones(n) if self.whole else chance.random(n)
        d = np.where(chance.random(n) < self.share, signs * sizes, 0.0)
        room = 1 - np.abs(d)  # below or above the change
        start = np.round(chance.random(n)) if self.whole else chance.random(n)
        low = room * start
        before = np.where(d < 0, low - d, low)
        return np.stack([before, before + d])[:, :, None]


@dataclass(frozen=True, slots=True)
class Latent:
    """Arms that find cases easy or hard; a score is, or a pass has the probability of, Phi(eta).

    eta = mean + group + case + repeat, normal with these standard deviations; `alike` is the
    correlation between arms of what groups and cases add. Then the mean score is exactly
    Phi(mean/√(1 + sum of variances)). `points` is the number of marks that a score is the share
    of: 1 is pass or fail, 0 a score without steps.
    """

    points: int
    repeats: int = 1
    alike: float = 0.5
    case: float = 1.0
    repeat: float = 0.5
    group: float = 0.0

    def scores(self, chance: Chance, groups: Ints, means: Sequence[float]) -> Floats:
        """Return scores of arms with these means, of shape (arms, cases, repeats)."""
        cases, arms = groups.size, len(means)
        spread = sqrt(1 + self.case**2 + self.repeat**2 + self.group**2)
        eta = self.case * self._mixed(chance, arms, cases)
        if self.group:
            eta += self.group * self._mixed(chance, arms, int(groups.max()) + 1)[:, groups]
        eta += spread * np.array([NormalDist().inv_cdf(mean) for mean in means])[:, None]
        noise = self.repeat * chance.standard_normal((arms, cases, self.repeats))
        return self._graded(chance, eta[:, :, None] + noise)

    def _mixed(self, chance: Chance, arms: int, size: int) -> Floats:
        common, own = chance.standard_normal(size), chance.standard_normal((arms, size))
        mixed: Floats = sqrt(self.alike) * common + sqrt(1 - self.alike) * own
        return mixed

    def _graded(self, chance: Chance, eta: Floats) -> Floats:
        share: Floats = scipy.special.ndtr(eta)
        if self.points == 0:
            return share
        if self.points == 1:
            return (chance.random(eta.shape) < share).astype(np.float64)
        return chance.binomial(self.points, share) / self.points
