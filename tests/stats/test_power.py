"""Planning: reference values, other people's code, and what must hold for any numbers."""

from __future__ import annotations

from math import ceil, inf, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from promptlab.stats.paired import mcnemar_exact, mcnemar_midp
from promptlab.stats.power import (
    cases_needed_binary,
    cases_needed_numeric,
    discordance_upper,
    mcnemar_power,
    minimum_detectable_effect,
    sd_upper,
    student_power,
    units_needed,
)

effects = st.floats(0.01, 0.3)


def test_cases_needed_reference() -> None:
    assert cases_needed_numeric(1 / 3, 0.03) == pytest.approx(969, abs=0.5)
    assert cases_needed_numeric(0.4, 0.05) == pytest.approx(502.3, abs=0.05)
    assert cases_needed_binary(0.2, 0.05) == pytest.approx(625.5, abs=0.05)
    assert cases_needed_binary(0.2, 0.1) == pytest.approx(154.6, abs=0.05)


@pytest.mark.parametrize(
    ("effect", "margin", "family", "cases"),
    [
        (0.05, 0.0, 1, 626),
        (0.05, 0.0, 4, 890),
        (0.05, 0.0, 20, 1192),
        (0.1, 0.05, 1, 619),
        (0.1, 0.05, 4, 881),
    ],
)
def test_cases_needed_in_a_family_and_beyond_a_margin(
    effect: float, margin: float, family: int, cases: int
) -> None:
    assert ceil(cases_needed_binary(0.2, effect, 0.05 / family, margin=margin)) == cases


@pytest.mark.parametrize(("sd", "family", "units"), [(0.2, 1, 34), (0.2, 5, 50), (0.16, 1, 23)])
def test_units_needed_by_t(sd: float, family: int, units: int) -> None:
    assert units_needed(sd, 0.1, 0.05 / family) == units
    assert units_needed(sd, -0.15, 0.05 / family, margin=0.05) == units


@given(st.floats(0.001, 3), effects, st.sampled_from([0.05, 0.01, 0.0025]))
def test_the_units_needed_are_the_fewest(sd: float, effect: float, alpha: float) -> None:
    n = units_needed(sd, effect, alpha)
    assert minimum_detectable_effect(sd / sqrt(n), alpha, df=n - 1) <= effect
    if n > 2:
        fewer = minimum_detectable_effect(sd / sqrt(n - 1), alpha, df=n - 2)
        assert fewer > effect
    assert n >= cases_needed_numeric(sd, effect, alpha)


@pytest.mark.parametrize(
    ("df", "family", "margin", "least"),
    [
        (14, 1, 0.0, 0.15064207),
        (14, 5, 0.0, 0.19224488),
        (5, 1, 0.0, 0.17450628),
        (199, 1, 0.02, 0.16076939),
    ],
)
def test_what_is_detectable(df: float, family: int, margin: float, least: float) -> None:
    alpha = 0.05 / family
    assert minimum_detectable_effect(0.05, alpha, df=df, margin=margin) == pytest.approx(least)
    # It is found about as often as promised, and half of it far less often.
    assert student_power(0.05, df, least, alpha, margin) == pytest.approx(0.8, abs=0.03)
    assert student_power(0.05, df, (least + margin) / 2, alpha, margin) < 0.45


def test_the_power_of_t_against_statsmodels() -> None:
    power = pytest.importorskip("statsmodels.stats.power").TTestPower()
    expected = power.power(0.5, 20, 0.05, alternative="larger")
    assert student_power(0.2 / sqrt(20), 19, 0.1, 0.1) == pytest.approx(expected)
    assert student_power(0.001, 19, 0.9) == 1.0
    assert student_power(0.05, 1e9, 0.14) == pytest.approx(stats.norm.sf(1.959964 - 2.8), abs=1e-6)


@pytest.mark.parametrize(
    ("n", "midp", "power"),
    [(100, False, 0.5444), (155, False, 0.7617), (199, False, 0.8734), (155, True, 0.8084)],
)
def test_power_reference(n: int, midp: bool, power: float) -> None:
    assert mcnemar_power(n, 0.2, 0.1, midp=midp) == pytest.approx(power, abs=5.1e-5)


@pytest.mark.parametrize("midp", [True, False])
@pytest.mark.parametrize("alpha", [0.05, 0.03125, 0.5])
def test_power_by_the_test_itself(midp: bool, alpha: float) -> None:
    """The same sum with the p-value of every table; some are exactly alpha."""
    n, p, effect = 24, 0.35, 0.2
    test = mcnemar_midp if midp else mcnemar_exact
    expected = sum(
        stats.binom.pmf(m, n, p) * stats.binom.pmf(b, m, (1 + effect / p) / 2)
        for m in range(n + 1)
        for b in range(m + 1)
        if test(b, m - b) <= alpha
    )
    assert mcnemar_power(n, p, effect, alpha, midp=midp) == pytest.approx(expected)


@given(st.integers(1, 300), st.floats(0, 1), st.floats(0, 1))
def test_power_is_a_probability_without_sides(n: int, p: float, share: float) -> None:
    exact = mcnemar_power(n, p, p * share, midp=False)
    midp = mcnemar_power(n, p, p * share)
    assert -1e-12 <= exact <= midp + 1e-12
    assert midp <= 1 + 1e-12
    assert mcnemar_power(n, p, -p * share) == pytest.approx(midp, abs=1e-12)


@given(st.integers(6, 300), st.floats(0.01, 1))
def test_the_exact_test_keeps_its_level(n: int, p: float) -> None:
    assert mcnemar_power(n, p, 0.0, midp=False) <= 0.05 + 1e-12
    assert mcnemar_power(n, p, 0.0) <= 0.06


def test_midp_exceeds_its_level_in_the_smallest_samples() -> None:
    """All of 5 cases differ: 5 to 0 has a mid-p of .03125 and happens twice as often."""
    assert mcnemar_power(5, 1.0, 0.0) == pytest.approx(2 / 2**5)


def test_the_formula_gives_the_power_it_promises() -> None:
    for p, effect in ((0.2, 0.1), (0.3, 0.08), (0.5, 0.2)):
        n = round(cases_needed_binary(p, effect))
        assert mcnemar_power(n, p, effect) == pytest.approx(0.8, abs=0.02)


def test_power_where_nothing_can_be_found() -> None:
    assert mcnemar_power(100, 0.0, 0.0) == 0.0
    assert mcnemar_power(5, 0.5, 0.2, midp=False) == 0.0  # 5 to 0 has p = .0625
    assert mcnemar_power(0, 0.5, 0.2) == 0.0
    assert mcnemar_power(10_000, 0.2, 0.05) > 0.999


def test_an_effect_larger_than_the_discordance_makes_it_larger() -> None:
    assert cases_needed_binary(0.02, 0.1) == cases_needed_binary(0.1, 0.1)
    assert mcnemar_power(50, 0.02, 0.1) == mcnemar_power(50, 0.1, 0.1)
    # All cases that differ are then won: power is the probability of enough of them.
    enough = float(stats.binom.sf(5, 50, 0.1))
    assert mcnemar_power(50, 0.1, 0.1, midp=False) == pytest.approx(enough)


@given(effects, st.floats(0.3, 1))
def test_sign_level_and_power(effect: float, p: float) -> None:
    n = cases_needed_binary(p, effect)
    assert cases_needed_binary(p, -effect) == n
    assert cases_needed_binary(p, effect, power=0.9) > n
    assert cases_needed_binary(p, effect, alpha=0.01) > n
    # The normal approximation with the same variance under both hypotheses requires slightly more.
    assert cases_needed_numeric(sqrt(p), effect) >= n


@given(effects, st.floats(0.01, 1))
def test_the_detectable_effect_inverts_the_cases_needed(effect: float, sd: float) -> None:
    n = cases_needed_numeric(sd, effect)
    assert minimum_detectable_effect(sd / sqrt(n), df=inf) == pytest.approx(effect)


def test_the_numeric_formula_against_statsmodels() -> None:
    power = pytest.importorskip("statsmodels.stats.power")
    expected = power.normal_power(0.05 / 0.4, 502.3283, 0.05)
    assert expected == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize("effect", [0.0, float("nan"), float("inf")])
def test_no_effect_needs_no_number_of_cases(effect: float) -> None:
    with pytest.raises(ValueError, match="no number of cases"):
        cases_needed_binary(0.2, effect)
    with pytest.raises(ValueError, match="no number of cases"):
        cases_needed_numeric(0.2, effect)


@pytest.mark.parametrize("effect", [0.05, -0.05, 0.02])
def test_nothing_beyond_a_margin_is_within_it(effect: float) -> None:
    for needed in (cases_needed_binary, units_needed):
        with pytest.raises(ValueError, match="no number of cases can show more than"):
            needed(0.2, effect, margin=0.05)


def test_what_is_not_a_share() -> None:
    with pytest.raises(ValueError, match="is not a share"):
        cases_needed_binary(1.2, 0.1)
    with pytest.raises(ValueError, match="is not a share"):
        mcnemar_power(10, 0.2, 1.1)


# Upper limits.


def test_limits_of_a_pilot() -> None:
    assert discordance_upper(14, 72) == pytest.approx(0.24434645)
    assert sd_upper(0.2, 20) == pytest.approx(0.23539454)


@given(st.integers(0, 200), st.integers(0, 200))
def test_the_limit_of_a_share_is_one_side_of_the_exact_interval(m: int, rest: int) -> None:
    n = m + rest
    limit = discordance_upper(m, n)
    assert m <= limit * n + 1e-9
    # Seen at that limit, as few as this would be seen in one of five samples.
    assert limit == 1.0 if m == n else stats.binom.cdf(m, n, limit) == pytest.approx(0.2)


def test_limits_without_data() -> None:
    assert discordance_upper(0, 0) == 1.0
    assert sd_upper(0.0, 1) is None
    with pytest.raises(ValueError, match="4 successes of 3"):
        discordance_upper(4, 3)


@given(st.floats(0.01, 10), st.integers(2, 1000))
def test_the_limit_of_a_spread(sd: float, n: int) -> None:
    limit = sd_upper(sd, n)
    assert limit == pytest.approx(sd * sqrt((n - 1) / stats.chi2.ppf(0.2, n - 1)))
    assert limit is not None
    assert limit > sd * 0.99
    wider = sd_upper(sd, n, 0.95)
    assert wider is not None
    assert wider > limit
