"""What a difference consists of: form and content, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import ndtri

from bench.coverage.draws import Chance, Drawn, Floats
from bench.coverage.frame import Keep, Setting
from bench.coverage.judge import Seen, Told, compare_rows, marks_of
from promptlab.analysis.causes import Part
from promptlab.core.decision import Verdict

ALIKE = 0.5  # correlation between the arms, of both parts


@dataclass(frozen=True, slots=True)
class Graded:
    """Two arms: how often an answer can be graded, and how often it is right if it can."""

    gradable: tuple[float, float]
    right: tuple[float, float]

    @property
    def parts(self) -> tuple[float, float]:
        """Return the true parts of form and content."""
        (g_a, g_b), (r_a, r_b) = self.gradable, self.right
        return (g_b - g_a) * (r_a + r_b) / 2, (r_b - r_a) * (g_a + g_b) / 2

    @property
    def means(self) -> tuple[float, float]:
        """Return the true mean scores."""
        (g_a, g_b), (r_a, r_b) = self.gradable, self.right
        return g_a * r_a, g_b * r_b


@dataclass(frozen=True, slots=True)
class Decomposed:
    """A run, and its true parts."""

    drawn: Drawn
    parts: tuple[float, float]


def graded(chance: Chance, source: Graded, n: int) -> Decomposed:
    """Draw answers of both arms, which find the same cases hard."""
    gradable = _passes(chance, source.gradable, n)
    scores = gradable * _passes(chance, source.right, n)
    quantities = {"gradable": gradable}
    return Decomposed(Drawn(scores, source.means, quantities=quantities), source.parts)


def _passes(chance: Chance, shares: Sequence[float], n: int) -> Floats:
    common, own = chance.standard_normal(n), chance.standard_normal((2, n))
    latent = np.sqrt(ALIKE) * common + np.sqrt(1 - ALIKE) * own
    passed: Floats = (latent < ndtri(np.array(shares))[:, None]).astype(np.float64)
    return passed


def conclude(one: Decomposed) -> Seen:
    """Return both parts as rows, as `promptlab compare` tells them."""
    rows = compare_rows(one.drawn)
    causes = rows[0].causes
    assert causes is not None
    told = [
        _told(part, truth)
        for part, truth in zip((causes.form, causes.content), one.parts, strict=True)
    ]
    marks = {"intervals are shown": float(causes.content is not None and bool(causes.content.ci))}
    return Seen(tuple(told), one.drawn.rule, None, {**marks_of(rows), **marks})


def _told(part: Part | None, truth: float) -> Told:
    """Return a part as a row; a reader takes it for decided where its interval leaves out 0."""
    if part is None or part.ci is None:
        return Told(truth, None, None, "undecided")
    verdict: Verdict = "better" if part.ci[0] > 0 else "worse" if part.ci[1] < 0 else "undecided"
    return Told(truth, part.delta, part.ci, verdict)


def settings() -> Iterator[Setting[Decomposed]]:
    """Yield the settings: arms that differ in form, in content, in both, in neither."""
    for n in (40, 60, 100, 200):
        for gradable in ((0.25, 0.93), (0.6, 0.9), (0.8, 0.97), (0.7, 0.7)):
            for right in ((0.5, 0.5), (0.65, 0.8), (0.85, 0.7)):
                source = Graded(gradable, right)
                few = n * min(gradable) < 20  # intervals are hardly ever shown
                yield Setting(
                    f"gradable {gradable[0]:g} and {gradable[1]:g}, right {right[0]:g} and"
                    f" {right[1]:g}, n {n}",
                    partial(graded, source=source, n=n),
                    Keep(None if few else 0.93, false=None, stated=("intervals are shown",)),
                    conclude,
                    None,
                )
