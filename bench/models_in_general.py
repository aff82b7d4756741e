"""Models in general: an unweighted mean of their effects, or random effects by DL and HKSJ?

    python -m bench.models_in_general --runs 4000 --seed 9

Each run draws one practice on 5 to 12 models, the same 100 cases for all: passes, correlated by
case through a normal copula of .6. Both ways take the standard error of each model from its cases,
where fewer than six of them differ with two imagined ones. Both are never surer than the mean over
these very models, and take Student's t with one degree of freedom less than there are models. One
weighs models alike. The other weighs them by DerSimonian and Laird, with the standard error of
Hartung, Knapp, Sidik and Jonkman (`random_effects`).

Of models at the ceiling 99.5 % of the answers are right; the others gain 10 points. How many cases
differ on those says how much better the ceiling is measured: 29 % by the copula, else 20 or 12 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from promptlab.analysis.inference import RATES, infer
from promptlab.stats.meta import random_effects

Floats = NDArray[np.float64]
Chance = np.random.Generator  # noqa: TID251 - its type alone
CASES, ALIKE, FEW, CHECKED, CEILING = 100, 0.6, 6, 20, 0.995


@dataclass(frozen=True, slots=True)
class Row:
    """A setting: differences of shape (runs, models, cases), and the true mean effect."""

    label: str
    truth: float
    draw: Callable[[Chance, int], Floats]


def main() -> int:
    """Print a line for each setting and way."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=9)
    asked = parser.parse_args()
    print(
        f"numpy {np.__version__}, scipy {scipy.__version__}, {asked.runs:,} runs, seed {asked.seed}"
    )
    print(f"{'':48}{'covers':>10}{'half width':>12}{'bias':>8}{'found':>8}{'wrong':>8}")
    for place, row in enumerate(rows()):
        chance = np.random.default_rng([asked.seed, place])  # noqa: TID251 - seeded
        d = row.draw(chance, asked.runs)
        for name, mean, half in (("alike", *alike(d)), ("DL, HKSJ", *weighted(d))):
            covers = np.abs(mean - row.truth) <= half
            right = (mean > half) if row.truth > 0 else np.zeros(mean.shape, dtype=bool)
            wrong = (np.abs(mean) > half) & ~right
            error = float(np.sqrt(covers.mean() * (1 - covers.mean()) / covers.size))
            print(
                f"{row.label:38}{name:10}{covers.mean() * 100:6.1f}±{error * 100:.1f}"
                f"{half.mean() * 100:12.2f}{(mean.mean() - row.truth) * 100:+8.2f}"
                f"{right.mean() * 100:8.1f}{wrong.mean() * 100:8.1f}"
            )
    return 0


def rows() -> Iterator[Row]:
    """Yield the settings."""
    for number, ceiling in ((10, 5), (8, 3), (12, 3)):
        for differ in (None, 0.2, 0.12):
            told = "" if differ is None else f", {differ * 100:.0f} % differ"
            truth = 0.1 * (number - ceiling) / number
            yield Row(
                f"{ceiling} of {number} at the ceiling{told}",
                truth,
                at_the_ceiling(number, ceiling, differ),
            )
    for number in (5, 10):
        yield Row(f"{number}, each at the ceiling or not", 0.05, half_at_the_ceiling(number))
    for number in (5, 7, 10):
        for spread in (0.0, 0.02, 0.05, 0.1):
            yield Row(f"{number}, sd {spread * 100:g}", 0.05, spread_out(number, spread, 0.05))
    for number in (5, 10):
        yield Row(f"{number}, sd 5, no effect", 0.0, spread_out(number, 0.05, 0.0))


def copula(chance: Chance, before: Floats, effects: Floats) -> Floats:
    """Return differences of passes, of shape (runs, models, cases)."""
    runs, models = before.shape
    after = np.clip(before + effects, 0.0, 1.0)
    shares = np.stack([before, after], axis=2).reshape(runs, 2 * models, 1)
    latent = np.sqrt(ALIKE) * chance.standard_normal((runs, 1, CASES))
    latent = latent + np.sqrt(1 - ALIKE) * chance.standard_normal((runs, 2 * models, CASES))
    passed = (latent < scipy.special.ndtri(shares)).astype(np.float64)
    difference: Floats = passed[:, 1::2] - passed[:, 0::2]
    return difference


def at_the_ceiling(
    number: int, ceiling: int, differ: float | None
) -> Callable[[Chance, int], Floats]:
    """Return draws of models that gain 10 points, and of some at the ceiling."""
    gain = number - ceiling

    def draw(chance: Chance, runs: int) -> Floats:
        if differ is None:
            before = np.tile([0.6] * gain + [CEILING] * ceiling, (runs, 1))
            return copula(chance, before, np.tile([0.1] * gain + [0.0] * ceiling, (runs, 1)))
        u = chance.random((runs, number, CASES))
        won, lost = (differ + 0.1) / 2, (differ - 0.1) / 2
        d = np.where(u < won, 1.0, np.where(u < won + lost, -1.0, 0.0))
        rarely = np.where(u < 0.004, 1.0, np.where(u < 0.008, -1.0, 0.0))
        return np.where(np.arange(number)[:, None] < gain, d, rarely)

    return draw


def half_at_the_ceiling(number: int) -> Callable[[Chance, int], Floats]:
    """Return draws of models each of which is at the ceiling, or gains about 10, half and half."""

    def draw(chance: Chance, runs: int) -> Floats:
        above = chance.random((runs, number)) < 0.5
        gains = np.clip(chance.normal(0.1, 0.05, (runs, number)), -0.15, 0.35)
        return copula(chance, np.where(above, CEILING, 0.6), np.where(above, 0.0, gains))

    return draw


def spread_out(number: int, spread: float, mean: float) -> Callable[[Chance, int], Floats]:
    """Return draws of models whose effects are normal around a mean."""

    def draw(chance: Chance, runs: int) -> Floats:
        effects = np.clip(chance.normal(mean, spread, (runs, number)), mean - 0.35, mean + 0.35)
        return copula(chance, np.full((runs, number), 0.6), effects)

    return draw


def alike(d: Floats) -> tuple[Floats, Floats]:
    """Return the mean over models that weigh alike, and half the width of its interval."""
    models = d.shape[1]
    deltas = d.mean(axis=2)
    return deltas.mean(axis=1), _half(deltas.std(axis=1, ddof=1) / np.sqrt(models), d)


def weighted(d: Floats) -> tuple[Floats, Floats]:
    """Return the mean by random effects, and half the width of its interval."""
    deltas, errors = d.mean(axis=2), standard_errors(d)
    found = [random_effects(y, se) for y, se in zip(deltas, errors, strict=True)]
    known = np.array([one.se or 0.0 for one in found])  # none where all models are at the ceiling
    return np.array([one.mean for one in found]), _half(known, d)


def _half(errors: Floats, d: Floats) -> Floats:
    """Return t(k - 1) standard errors, which are no smaller than for these models."""
    over_models = d.mean(axis=1)
    least = over_models.std(axis=1, ddof=1) / np.sqrt(CASES)
    half: Floats = scipy.special.stdtrit(d.shape[1] - 1, 0.975) * np.maximum(errors, least)
    return half


def standard_errors(d: Floats) -> Floats:
    """Return the standard error of each model, checked on some runs against that of promptlab."""
    n, total, squares = CASES, d.sum(axis=2), (d**2).sum(axis=2)
    plain = np.sqrt((squares - total**2 / n) / (n - 1) / n)
    m = n + 2
    cautious = np.sqrt((squares + 2 - total**2 / m) / (m - 1) / m)
    errors: Floats = np.where((d != 0).sum(axis=2) < FEW, cautious, plain)
    for run in range(min(CHECKED, len(d))):
        for one, error in zip(d[run], errors[run], strict=True):
            se = infer(one, np.arange(CASES), RATES, seed=None).se
            if se is None or abs(se - error) > 1e-12:
                raise ValueError(f"promptlab has the standard error {se}, not {error}")
    return errors


if __name__ == "__main__":
    raise SystemExit(main())
