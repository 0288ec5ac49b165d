"""Laws of what is modelled: AR(1) in closed form, the premium behind the clamp, two regimes, the grid of intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.funding.autoregression import BREAK_STATISTIC, AutoRegression, rolling_fits, unbiased
from perpbook.funding.regimes import fitted, guessed, maximised
from perpbook.funding.rule import PremiumRule, rule_of
from perpbook.funding.series import grid_of, rates_8h, snapped
from perpbook.kernels.premium import premium_filter
from perpbook.kernels.switching import expected_states
from perpbook.model.units import HOUR_NS
from tests.laws.funding_series import START, TERMS, autoregressive, clamped, joined, settled

RULE = PremiumRule(interest=1e-4, clamp=5e-4, cap=0.04)


@pytest.mark.parametrize("phi", [-0.3, 0.5, 0.97])
def test_the_closed_forms_are_what_simulation_gives(phi: float) -> None:
    law, start, steps, paths = AutoRegression(level=1.0, persistence=phi, noise=0.5), 3.0, 12, 40_000
    draw, now, total = np.random.default_rng(1), np.full(paths, start), np.zeros(paths)
    for _ in range(steps):
        now = law.level + phi * (now - law.level) + law.noise * draw.standard_normal(paths)
        total += now
    for seen, mean, deviation in (
        (now, law.mean(start, steps), law.deviation(steps)),
        (total, law.sum_mean(start, steps), law.sum_deviation(steps)),
    ):
        assert abs(seen.mean() - mean) < 4 * deviation / paths**0.5
        assert abs(seen.std() / deviation - 1.0) < 0.02
    assert abs(np.mean(now < 0) - law.chance_negative(start, steps)) < 0.01


def test_half_of_a_departure_is_gone_after_a_half_life() -> None:
    law = AutoRegression(level=0.0, persistence=0.5 ** (1 / 6), noise=1.0)
    assert law.half_life() == pytest.approx(6.0)
    assert law.mean(1.0, 6) == pytest.approx(0.5)
    assert AutoRegression(level=0.0, persistence=-0.2, noise=1.0).half_life() is None


def test_kendalls_correction_takes_most_of_the_bias_away() -> None:
    plain, corrected = [], []
    for seed in range(400):
        values = autoregressive(60, seed, level=0.0, phi=0.8, noise=1.0)
        x, y = values[:-1] - values[:-1].mean(), values[1:] - values[1:].mean()
        phi = np.array([x @ y / (x @ x)])
        plain.append(phi[0])
        corrected.append(unbiased(phi, np.array([59.0]))[0])
    assert abs(np.mean(corrected) - 0.8) < 0.4 * abs(np.mean(plain) - 0.8)


def slow_fit(rows: np.ndarray) -> tuple[float, float, bool]:
    """Level and plain phi of one window, and whether a dummy at any place beats the 5 % point, by least squares each."""
    x, y = rows[:-1], rows[1:]
    best, at = 0.0, 0
    for k in range(1, y.size):
        late = (np.arange(y.size) >= k).astype(float)
        if not 0.05 * y.size <= late.sum() <= 0.95 * y.size:
            continue
        both = np.column_stack([np.ones(y.size), x, late])
        coefficients = np.linalg.lstsq(both, y, rcond=None)[0]
        alone = np.column_stack([np.ones(y.size), x])
        left = y - alone @ np.linalg.lstsq(alone, y, rcond=None)[0]
        variance = left @ left / (y.size - 2)
        wald = coefficients[2] ** 2 / (variance * np.linalg.inv(both.T @ both)[2, 2])
        best, at = max((best, at), (wald, k))
    late = np.arange(y.size) >= (at if best > BREAK_STATISTIC else 0)
    means = np.where(late, x[late].mean(), x[~late].mean() if (~late).any() else 0.0)
    about = np.where(late, y[late].mean(), y[~late].mean() if (~late).any() else 0.0)
    dx, dy = x - means, y - about
    return float(y[late].mean()), float(dx @ dy / (dx @ dx)), best > BREAK_STATISTIC


@pytest.mark.parametrize(("shift", "moved"), [(0.0, False), (6.0, True)])
def test_rolling_fits_are_least_squares_with_a_dummy_at_every_place(shift: float, moved: bool) -> None:
    values = autoregressive(130, 3, level=1.0, phi=0.6, noise=1.0)
    values[80:] += shift
    at = np.array([99, 129])
    fits = rolling_fits(values, at, 90, shifts=True)
    for number, row in enumerate(at):
        level, phi, broke = slow_fit(values[row - 89 : row + 1])
        assert broke == moved
        assert fits.level[number] == pytest.approx(level)
        assert fits.persistence[number] == pytest.approx(float(unbiased(np.array([phi]), np.array([89.0]))[0]))


def test_a_fit_knows_nothing_of_later_rows() -> None:
    values = autoregressive(200, 4)
    changed = values.copy()
    changed[150:] = 9.0
    one, other = (rolling_fits(part, np.array([100, 149]), 60, shifts=True) for part in (values, changed))
    assert np.array_equal(one.level, other.level) and np.array_equal(one.persistence, other.persistence)


@pytest.mark.parametrize(
    ("premium", "rate"),
    [(0.0008, 0.0003), (0.0003, 0.0001), (-0.0004, 0.0001), (-0.0006, -0.0001), (0.0006, 0.0001), (0.0, 0.0001)],
)
def test_the_clamp_by_hand(premium: float, rate: float) -> None:
    assert RULE.settlement(premium, 8 * HOUR_NS) == pytest.approx(rate, abs=1e-15)
    assert RULE.settlement(premium, HOUR_NS) == pytest.approx(rate / 8, abs=1e-15)


def test_no_settlement_is_beyond_the_cap() -> None:
    assert RULE.settlement(1.0, HOUR_NS) == 0.04 and RULE.settlement(-1.0, HOUR_NS) == -0.04


@given(st.floats(-0.003, 0.003), st.floats(1e-6, 0.002))
def test_the_mean_rate_is_that_of_the_normal_premium(mean: float, deviation: float) -> None:
    grid = np.linspace(mean - 9 * deviation, mean + 9 * deviation, 40_001)
    density = np.exp(-0.5 * ((grid - mean) / deviation) ** 2)
    slow = float((RULE.rates_8h(grid) * density).sum() / density.sum())
    fast = RULE.expected_8h(np.array([mean]), np.array([deviation**2]))[0]
    assert fast == pytest.approx(slow, abs=1e-4 * deviation + 1e-9)


def test_interest_is_what_the_history_shows_again_and_again() -> None:
    assert rule_of(TERMS, np.array([0.0] * 9 + [1e-3])).interest == 0.0
    assert rule_of(TERMS, np.linspace(-1e-3, 1e-3, 99)).interest == 1e-4
    assert rule_of(None, np.zeros(9)) == PremiumRule()


def filtered(rates: np.ndarray, phi: float = 0.9, noise: float = 2e-4) -> tuple[np.ndarray, np.ndarray]:
    ones, mean, spread = np.ones(rates.size), np.empty(rates.size), np.empty((rates.size, 2))
    premium_filter(rates, 1e-4, 5e-4, 1e-4 * ones, phi * ones, noise * ones, mean, spread)
    return mean, spread


def test_a_rate_off_the_interest_shows_its_premium_and_one_at_it_only_where_it_lies() -> None:
    premium = autoregressive(500, 5, level=1e-4, phi=0.9, noise=2.5e-4)
    rates = clamped(premium)
    mean, spread = filtered(rates)
    seen = np.abs(rates - 1e-4) > 5e-8
    assert seen.any() and not seen.all()
    assert np.allclose(mean[seen], premium[seen], atol=1e-12) and not spread[seen, 0].any()
    assert (np.abs(mean[~seen] - 1e-4) <= 5e-4).all() and (spread[~seen, 0] > 0).all()


def test_one_hidden_step_is_a_truncated_normal() -> None:
    mean, spread = filtered(np.array([9e-4, 1e-4]))
    ahead = 1e-4 + 0.9 * (14e-4 - 1e-4)
    grid = np.linspace(-4e-4, 6e-4, 200_001)
    weight = np.exp(-0.5 * ((grid - ahead) / 2e-4) ** 2)
    slow = float((grid * weight).sum() / weight.sum())
    assert mean[1] == pytest.approx(slow, rel=1e-4)
    assert spread[1, 0] == pytest.approx(float(((grid - slow) ** 2 * weight).sum() / weight.sum()), rel=1e-3)


def test_the_hidden_premium_is_known_better_than_by_the_rate() -> None:
    premium = autoregressive(4_000, 6, level=2e-4, phi=0.95, noise=1.5e-4)
    rates = clamped(premium)
    mean, _ = filtered(rates, phi=0.95, noise=1.5e-4)
    hidden = np.abs(rates - 1e-4) < 1e-9
    assert np.abs(mean - premium)[hidden].mean() < 0.9 * np.abs(rates - premium)[hidden].mean()


def test_expectation_and_maximisation_never_make_a_series_less_likely() -> None:
    draw = np.random.default_rng(7)
    values = np.concatenate([draw.normal(0, 1, 200), draw.normal(4, 5, 60), draw.normal(0, 1, 140)])
    law, room, sums, likelihoods = guessed(values), np.empty(values.size), np.empty((2, 8)), []
    for _ in range(12):
        likelihoods.append(expected_states(values, law, room, sums))
        law = maximised(law, sums, 1e-6)
    assert (np.diff(likelihoods) > -1e-3).all(), "but for the state the series starts in, which the law sets"


def test_two_regimes_are_told_apart() -> None:
    draw = np.random.default_rng(8)
    values = np.concatenate([draw.normal(1, 0.5, 300), draw.normal(6, 3, 100), draw.normal(1, 0.5, 300)])
    law, room = fitted(values), np.empty(values.size)
    expected_states(values, law, room, np.empty((2, 8)))
    assert room[310:400].mean() > 0.8 and room[20:300].mean() < 0.2
    assert law[3] < law[4] and law[5] > 0.9


def test_sums_of_rates_are_what_they_were_however_intervals_change() -> None:
    draw = np.random.default_rng(9)
    first = settled(draw.normal(1e-4, 1e-4, 120))
    middle = settled(draw.normal(-1e-3, 1e-4, 36), hours=2.0, start_ns=int(first.times_ns[-1]))
    last = settled(draw.normal(1e-5, 1e-5, 400), hours=1.0, start_ns=int(middle.times_ns[-1]))
    past = snapped(joined(first, middle, last))
    for hours in (8, 2, 1):
        grid = grid_of(past, hours * HOUR_NS)
        inside = (past.times_ns > grid.times_ns[0] - grid.step_ns) & (past.times_ns <= grid.times_ns[-1])
        assert np.isfinite(grid.rates_8h).all()
        assert grid.part * grid.rates_8h.sum() == pytest.approx(past.rates[inside].sum(), rel=1e-9)
    assert grid_of(past, HOUR_NS).own.sum() == 400


def test_a_hole_is_not_filled_on_the_grid() -> None:
    past = settled(np.full(60, 1e-4))
    kept = np.delete(np.arange(60), [30, 31])
    holed = joined(type(past)(times_ns=past.times_ns[kept], rates=past.rates[kept], interval_ns=past.interval_ns[kept]))
    grid = grid_of(snapped(holed), 8 * HOUR_NS)
    assert np.flatnonzero(np.isnan(grid.rates_8h)).tolist() == [30, 31]


def test_rates_for_eight_hours() -> None:
    past = settled(np.array([1e-5, 2e-5]), hours=1.0, start_ns=START)
    assert rates_8h(past).tolist() == pytest.approx([8e-5, 16e-5])
