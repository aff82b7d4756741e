"""How many wordings a practice takes: the formula by hand, and whether what it promises is held."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from promptlab.analysis.planning import Aim
from promptlab.analysis.texts import Texts, sources_of, wordings_to_show
from promptlab.stats.power import minimum_detectable_effect
from promptlab.stats.wordings import Spread, Uncertainty, spread, with_wordings

AIM = Aim(0.1, 0.05)
CASES = 200
# MS_W 2, MS_E .2, five wordings a side: a variance between wordings of (2 - .2)/200.
SIDE = Spread(between=2.0, rest=0.2, df=4, share=0.2, cases=CASES)
TEXTS = Texts((SIDE, SIDE), number=5, case=0.3, paired=False)


def test_what_the_pilot_shows() -> None:
    assert TEXTS.likely == pytest.approx(sqrt(1.8 / CASES))
    # 8 degrees of freedom together: chi-squared's quantile .2 is 4.5936.
    assert TEXTS.upper == pytest.approx(sqrt((2 * 8 / 4.59357) - 0.2) / sqrt(CASES), rel=1e-5)
    variance = 2 * 1.8 * 0.2 / CASES
    assert TEXTS.variance == pytest.approx(variance)
    assert TEXTS.share == pytest.approx(variance / (variance + 0.3 / CASES))


def test_as_many_on_as_many_cases_show_what_the_pilot_would() -> None:
    sure = with_wordings(Uncertainty(0.3 / CASES, CASES - 1), (SIDE, SIDE), 4)
    shown = minimum_detectable_effect(sqrt(sure.variance), 0.05, 0.8, df=sure.df)
    assert TEXTS.shown_by(5, CASES, AIM) == pytest.approx(shown)
    assert TEXTS.shown_by(10, CASES, AIM) < shown
    assert TEXTS.shown_by(5, 2 * CASES, AIM) < shown


def test_the_least_number() -> None:
    aim = Aim(0.15, 0.05)
    number = wordings_to_show(TEXTS, CASES, aim)
    assert number is not None
    assert TEXTS.shown_by(number, CASES, aim, upper=True) <= 0.15
    assert TEXTS.shown_by(number - 1, CASES, aim, upper=True) > 0.15
    assert wordings_to_show(TEXTS, CASES, Aim(0.9, 0.05)) == 3  # fewer are named, not drawn
    assert wordings_to_show(TEXTS, CASES, Aim(0.01, 0.05)) is None  # by its cases alone
    assert wordings_to_show(TEXTS, CASES, Aim(0.05, 0.05, margin=0.05)) is None


def test_wordings_that_do_not_differ_need_no_more() -> None:
    even = Spread(between=0.1, rest=0.2, df=4, share=0.2, cases=CASES)
    texts = Texts((even, even), number=5, case=0.05, paired=False)
    assert (texts.variance, texts.share) == (0.0, 0.0)
    assert [source.name for source in sources_of(texts)] == ["cases"]


def test_repeats_are_a_source_where_they_are_known() -> None:
    repeated = Texts((SIDE, SIDE), 5, 0.3, paired=False, repeats=2, noise=0.2)
    shares = {source.name: source.share for source in sources_of(repeated)}
    assert set(shares) == {"cases", "repeats", "wordings"}
    assert shares["repeats"] == pytest.approx(0.1 / (0.3 + 2 * 1.8 * 0.2))


@pytest.mark.slow
def test_the_promised_power_is_about_held() -> None:
    """Pilots of five wordings a side; then as many as each asks for, truly apart by the effect."""
    chance, found, runs = np.random.default_rng(5), 0, 300  # noqa: TID251 - seeded
    for _ in range(runs):
        texts, *_ = _drawn(chance, 5, 0.0)
        number = wordings_to_show(texts, CASES, AIM)
        if number is None:
            number = 200
        sure, delta = _drawn(chance, min(number, 200), AIM.effect)[1:]
        critical = minimum_detectable_effect(1.0, AIM.alpha, 0.5, df=sure.df)
        found += delta / sqrt(sure.variance) > critical
    assert 0.78 <= found / runs <= 0.99


def _drawn(
    chance: np.random.Generator,  # noqa: TID251 - its type alone
    number: int,
    effect: float,
) -> tuple[Texts, Uncertainty, float]:
    """Draw a table of wordings by cases for each side, and judge the difference of their means."""
    sides = [
        shift + chance.normal(0, 0.1, (number, 1)) + chance.normal(0, 0.4, (number, CASES))
        for shift in (0.0, effect)
    ]
    d = sides[1].mean(axis=0) - sides[0].mean(axis=0)
    case = float(d.var(ddof=1))
    spreads = tuple(spread(side) for side in sides)
    sure = with_wordings(Uncertainty(case / CASES, CASES - 1), spreads, number - 1)
    return Texts(spreads, number, case, paired=False), sure, float(d.mean())
