"""Tail dependence finds fat tails where they are, none where there are none, and nothing on too few points."""

from __future__ import annotations

import numpy as np
import pytest

from perpbook.errors import InputError
from perpbook.model.units import DAY_NS, HOUR_NS
from perpbook.tails.bootstrap import Resampling, usual_resampling
from perpbook.tails.calm import calm_and_stress
from perpbook.tails.copula import fit_student
from perpbook.tails.dependence import pair_tails, tail_dependence
from perpbook.tails.returns import LEAST_ROWS, ewma_filtered, joint_returns
from tests.unit.tails_moves import HOW, NAMES, bars, joint, moves


def test_a_return_needs_a_price_of_its_own_at_both_ends() -> None:
    values = moves(400, 0.5)
    stale = np.zeros((2, 401))
    stale[1, 100] = 1
    found = joint_returns(bars(values, stale=stale))
    kept = np.delete(np.arange(400), [99, 100])
    assert np.allclose(found.values, values[:, kept])
    assert "2 of 400 bars are left out" in found.notes[0]


def test_a_thin_series_is_left_out_and_named() -> None:
    values = moves(600, 0.5, names=NAMES)
    values[1, ::4] = 0.0
    found = joint_returns(bars(values), names=NAMES)
    assert found.names == ("BTC", "SOL")
    assert "ETH is left out: it did not move in 25% of its bars" in found.notes[0]


def test_one_series_and_too_little_history_are_refused() -> None:
    with pytest.raises(InputError, match="two series at least"):
        joint_returns(bars(moves(600, 0.5)[:1]))
    with pytest.raises(InputError, match=f"{LEAST_ROWS - 10} bars of its own"):
        joint_returns(bars(moves(LEAST_ROWS - 10, 0.5)))
    with pytest.raises(InputError, match="two series at least"):
        pair_tails(joint(moves(600, 0.5)[:1]), HOW, np.random.default_rng(1))
    with pytest.raises(InputError, match="too few for blocks"):
        pair_tails(joint(moves(300, 0.5)), Resampling(mean_block=200.0), np.random.default_rng(1))


def test_blocks_are_a_day_of_hours_at_least() -> None:
    assert usual_resampling(1_000, HOUR_NS).mean_block == 24.0
    assert usual_resampling(64_000, HOUR_NS).mean_block == pytest.approx(40.0)
    assert usual_resampling(1_000, DAY_NS).mean_block == pytest.approx(10.0)
    with pytest.raises(InputError, match="1,000 at least"):
        Resampling(mean_block=5.0, draws=999)


def test_the_filter_divides_by_what_was_known_the_bar_before() -> None:
    values = moves(1_000, 0.5)
    values -= values.mean(axis=1, keepdims=True)
    found = ewma_filtered(joint(values))
    variance = (values[:, :100] ** 2).mean(axis=1)
    for row in range(1_000):
        if row >= 100:
            assert np.allclose(found.values[:, row - 100], values[:, row] / np.sqrt(variance))
        variance = 0.97 * variance + 0.03 * values[:, row] ** 2
    assert found.filtered and found.times_ns[0] == 101 * HOUR_NS


def test_fat_joint_tails_stand_out_of_the_gaussian_null() -> None:
    (found,) = pair_tails(joint(moves(4_000, 0.6, nu=3.0)), HOW, np.random.default_rng(2), levels=(0.05,))
    fall = next(one for one in found.dependence if one.side == "lower")
    assert fall.estimate.points == 200 and fall.null is not None and fall.excess.low is not None
    assert fall.excess.low > 0.0 and fall.p_value is not None and fall.p_value < 0.05
    assert found.student.nu.low is not None and found.student.nu.high is not None
    assert found.student.nu.low < 3.0 < found.student.nu.high
    assert found.student.gain > 20.0


@pytest.mark.parametrize("seeds", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_gaussian_moves_are_seldom_found_to_have_an_excess(seeds: int) -> None:
    judged, surprising = 0, 0
    for seed in range(seeds):
        (found,) = pair_tails(joint(moves(1_500, 0.6, seed=seed)), HOW, np.random.default_rng(2), levels=(0.10,))
        for one in (*found.dependence, *found.exceedance, *found.conditional):
            assert one.p_value is not None and one.excess.low is not None and one.excess.high is not None
            judged += 1
            surprising += one.p_value < 0.05
        assert found.student.nu.high is not None and found.student.nu.high > 30.0
    assert judged == 6 * seeds and surprising <= judged / 8


def test_the_tail_of_few_rows_is_called_insufficient() -> None:
    (found,) = pair_tails(joint(moves(500, 0.6)), HOW, np.random.default_rng(2), levels=(0.025, 0.05))
    at = {one.estimate.level: one for one in found.dependence if one.side == "lower"}
    assert at[0.025].estimate.value is None and at[0.025].p_value is None
    assert at[0.025].estimate.why == "insufficient: 13 points, 20 needed"
    assert at[0.05].estimate.value is not None


def test_the_same_seed_gives_the_same_intervals() -> None:
    returns = joint(moves(300, 0.6))
    first, again, other = (pair_tails(returns, HOW, np.random.default_rng(seed), levels=(0.10,)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_what_is_counted_in_cells_is_what_ranks_say() -> None:
    values = moves(2_000, 0.5, nu=4.0)
    (found,) = pair_tails(joint(values), HOW, np.random.default_rng(1))
    for one in found.dependence:
        sign = 1.0 if one.side == "lower" else -1.0
        assert one.estimate.level is not None
        count = round(one.estimate.level * 2_000)
        assert one.estimate.value == pytest.approx(tail_dependence(sign * values[0], sign * values[1], count))


def test_a_copula_without_moves_is_refused() -> None:
    with pytest.raises(InputError, match="does not move"):
        fit_student(np.zeros(100), moves(100, 0.5)[0])


def test_a_rolling_comparison_sees_correlation_that_comes_with_volatility() -> None:
    calm, wild = moves(2_160, 0.2), 3.0 * moves(240, 0.95, seed=3)
    same = np.concatenate([moves(2_160, 0.6), 3.0 * moves(240, 0.6, seed=3)], axis=1)
    apart, alike = (
        calm_and_stress(joint(one), HOW, np.random.default_rng(4)).pairs[0]
        for one in (np.concatenate([calm, wild], axis=1), same)
    )
    assert apart.difference.low is not None and apart.difference.low > 0.5
    assert alike.difference.low is not None and alike.difference.high is not None
    assert alike.difference.low < 0.15 and alike.difference.high > -0.15
    with pytest.raises(InputError, match="20 are needed"):
        calm_and_stress(joint(moves(400, 0.5)), HOW, np.random.default_rng(4))
