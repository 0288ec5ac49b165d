"""Shortfalls agree where they should, and say so where they do not hold; hedges and matrices of known moves."""

from __future__ import annotations

import numpy as np
import pytest

from perpbook.errors import InputError
from perpbook.tails.bootstrap import Resampling
from perpbook.tails.hedge import hedge_report
from perpbook.tails.losses import Method, Shortfall, shortfalls
from perpbook.tails.nearest import check_correlation_matrix, nearest_correlation, reordered
from perpbook.tails.pareto import fit_peaks, peaks_shortfall
from perpbook.tails.shortfall import (
    cornish_fisher_shortfall,
    historical_shortfall,
    normal_shortfall,
    student_shortfall,
)
from perpbook.tails.stressed import Window, blended, stressed_matrix
from perpbook.tails.student import fit_student_moves
from tests.unit.tails_moves import HOW, NAMES, joint, moves


def by_method(found: tuple[Shortfall, ...]) -> dict[Method, Shortfall]:
    return {one.method: one for one in found if one.side == "lower"}


def test_all_methods_agree_on_gaussian_moves() -> None:
    values = moves(8_000, 0.5, seed=3)
    found = by_method(shortfalls(joint(values), "BTC", 0.05, HOW, np.random.default_rng(1)))
    for method, one in found.items():
        if method is Method.CORNISH_FISHER:
            continue
        assert one.expected.low is not None and one.expected.high is not None, one
        assert one.expected.low < 0.01 * normal_shortfall(0.05)[1] * 1.02
        assert one.expected.high > 0.01 * normal_shortfall(0.05)[1] * 0.98
    assert found[Method.HISTORICAL].expected.points == 400 and found[Method.PEAKS].expected.points == 800


def test_the_normal_figure_is_too_small_for_fat_tails() -> None:
    values = moves(8_000, 0.5, nu=3.0, seed=3)
    found = by_method(shortfalls(joint(values), "BTC", 0.01, HOW, np.random.default_rng(1)))
    truth = 0.01 * student_shortfall(0.01, 3.0)[1]
    for method in (Method.STUDENT, Method.HISTORICAL, Method.PEAKS):
        one = found[method].expected
        assert one.low is not None and one.high is not None and one.low < truth < one.high, method
    normal = found[Method.NORMAL].expected
    assert normal.high is not None and normal.high < truth
    assert found[Method.CORNISH_FISHER].expected.value is None
    assert "outside its domain" in found[Method.CORNISH_FISHER].expected.why


def test_cornish_fisher_is_the_normal_without_skew_and_refuses_what_is_no_distribution() -> None:
    assert cornish_fisher_shortfall(0.05, 0.0, 0.0) == pytest.approx(normal_shortfall(0.05))
    assert cornish_fisher_shortfall(0.05, -0.3, 1.0)[1] > normal_shortfall(0.05)[1]
    with pytest.raises(InputError, match="does not hold at skew -3"):
        cornish_fisher_shortfall(0.05, -3.0, 1.0)


def test_cornish_fisher_holds_for_mildly_fat_tails() -> None:
    values = moves(8_000, 0.5, nu=12.0, seed=3)
    found = by_method(shortfalls(joint(values), "BTC", 0.05, HOW, np.random.default_rng(1)))
    one = found[Method.CORNISH_FISHER].expected
    truth = 0.01 * student_shortfall(0.05, 12.0)[1]
    assert one.value == pytest.approx(truth, rel=0.04) and one.low is not None and one.low < truth * 1.04


def test_cornish_fisher_is_the_mean_of_its_own_quantiles() -> None:
    edges = [cornish_fisher_shortfall(level, -0.3, 1.0)[0] for level in (np.arange(4_000) + 0.5) / 4_000 * 0.05]
    assert np.mean(edges) == pytest.approx(cornish_fisher_shortfall(0.05, -0.3, 1.0)[1], rel=1e-3)


def test_a_tail_without_a_mean_has_no_shortfall() -> None:
    losses = (np.random.default_rng(1).pareto(0.6, 4_000)) * 0.01
    fit = fit_peaks(losses, float(np.quantile(losses, 0.9)))
    assert fit.shape[0] > 1.0 and np.isinf(peaks_shortfall(fit, 0.01)[1][0])
    found = by_method(shortfalls(joint(np.stack([-losses, losses[::-1]])), "BTC", 0.05, HOW, np.random.default_rng(1)))
    assert found[Method.PEAKS].expected.value is None
    assert found[Method.PEAKS].expected.why.startswith("infinite")
    with pytest.raises(InputError, match="infinite at 1 and below"):
        student_shortfall(0.05, 1.0)


def test_peaks_and_student_find_the_law_they_came_from() -> None:
    rng = np.random.default_rng(2)
    heavy = fit_peaks(rng.pareto(4.0, 20_000), 0.0)
    assert heavy.shape[0] == pytest.approx(0.25, abs=0.03)
    assert heavy.scale[0] == pytest.approx(0.25, rel=0.04)
    light = fit_peaks(rng.uniform(0.0, 1.0, 5_000) ** 0.5 * -1.0, -2.0)
    assert light.shape[0] < 0.0
    fit = fit_student_moves(0.01 * rng.standard_t(4.0, 20_000), np.ones((1, 20_000)))
    assert fit.nu[0] == pytest.approx(4.0, rel=0.08) and fit.scale[0] == pytest.approx(0.01, rel=0.03)


def test_the_historical_figure_takes_the_last_row_in_part() -> None:
    losses = np.arange(1.0, 11.0)
    assert historical_shortfall(losses, 0.25) == pytest.approx((8.0, (10.0 + 9.0 + 4.0) / 2.5))


def test_few_tail_rows_give_no_shortfall() -> None:
    found = shortfalls(joint(moves(400, 0.5)), "BTC", 0.01, HOW, np.random.default_rng(1))
    assert {one.expected.value for one in found} == {None}
    assert "insufficient: 4 points, 20 needed" in {one.expected.why for one in found}


def test_a_straight_line_hedge_is_the_same_in_the_tail() -> None:
    returns = joint(moves(6_000, 0.8, seed=4))
    found = hedge_report(returns, ("ETH", "BTC"), 0.10, HOW, np.random.default_rng(1))
    for tail in found.tails:
        for one in (tail.beta, tail.correlation, tail.unhedged):
            assert one.excess.low is not None and one.excess.high is not None
            assert one.excess.low - 0.03 < 0.0 < one.excess.high + 0.03
    assert found.tails[0].unhedged.null == pytest.approx(1.0 - 0.8**2, abs=0.03)
    assert found.shortfall_left.null == pytest.approx(0.6, abs=0.03)


def test_a_hedge_that_fails_in_a_fall_is_seen_to() -> None:
    values = moves(6_000, 0.8, seed=4)
    falls = values[1] < np.quantile(values[1], 0.1)
    values[0, falls] = 0.01 * np.random.default_rng(1).standard_normal(falls.sum())
    found = hedge_report(joint(values), ("ETH", "BTC"), 0.10, HOW, np.random.default_rng(1))
    left = found.tails[0].unhedged
    assert left.estimate.value is not None and left.estimate.value > 0.9
    assert left.p_value is not None and left.p_value < 0.01
    with pytest.raises(InputError, match="no hedge of itself"):
        hedge_report(joint(values), ("ETH", "ETH"), 0.10, HOW, np.random.default_rng(1))


def test_conditioning_alone_is_undone() -> None:
    found = stressed_matrix(joint(moves(6_000, 0.6, names=NAMES, seed=6)), HOW, np.random.default_rng(1))
    assert found.stressed is not None and found.points == 600
    for pair in found.pairs:
        assert pair.seen.estimate.value is not None and pair.seen.estimate.value < 0.45
        assert pair.seen.excess.low is not None and pair.seen.excess.high is not None
        assert pair.seen.excess.low - 0.03 < 0.0 < pair.seen.excess.high + 0.03
        assert pair.implied.value == pytest.approx(0.6, abs=0.07)
    check_correlation_matrix(np.array(found.stressed), NAMES)


def test_a_crisis_has_its_own_correlation_or_too_few_bars() -> None:
    values = moves(2_000, 0.2, seed=6)
    values[:, 1_000:1_200] = moves(200, 0.95, seed=7)
    returns = joint(values)
    hours = returns.times_ns
    crises = (
        Window(name="crash", start_ns=int(hours[999]), end_ns=int(hours[1_199])),
        Window(name="blink", start_ns=int(hours[999]), end_ns=int(hours[1_004])),
    )
    crash, blink = stressed_matrix(returns, HOW, np.random.default_rng(1), windows=crises).windows
    assert crash.correlation.points == 200
    assert crash.correlation.value == pytest.approx(np.asarray(np.corrcoef(values[:, 1_000:1_200]))[0, 1])
    assert blink.correlation.why == "insufficient: 5 points, 20 needed"
    with pytest.raises(InputError, match="ends before it begins"):
        Window(name="none", start_ns=1, end_ns=1)


def test_a_tail_of_too_few_rows_makes_no_stressed_matrix() -> None:
    found = stressed_matrix(joint(moves(260, 0.5)), Resampling(mean_block=3.0), np.random.default_rng(1), level=0.05)
    assert found.stressed is None and found.why == "insufficient: 13 points, 20 needed"


@pytest.mark.parametrize(
    ("matrix", "names", "said"),
    [
        ([[1.0, 0.5], [0.5, 1.0]], ("BTC",), "2 by 2 does not fit 1 series"),
        ([[1.0, 0.5], [0.4, 1.0]], ("BTC", "ETH"), "the other way round"),
        ([[1.0, 1.5], [1.5, 1.0]], ("BTC", "ETH"), "between -1 and 1"),
        ([[1.0, 0.5], [0.5, 0.9]], ("BTC", "ETH"), "ETH with itself is 0.9"),
        ([[1.0, 0.5], [0.5, 1.0]], ("BTC", "BTC"), "named twice"),
        ([[1.0, 0.9, 0.9], [0.9, 1.0, -0.9], [0.9, -0.9, 1.0]], NAMES, "eigenvalue of -0.8"),
        ([[1.0, np.nan], [np.nan, 1.0]], ("BTC", "ETH"), "not a number"),
    ],
)
def test_what_is_no_correlation_matrix_is_refused(matrix: list[list[float]], names: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_correlation_matrix(np.array(matrix), names)


def test_a_mislabelled_matrix_is_refused_and_a_shuffled_one_put_in_order() -> None:
    matrix = np.array([[1.0, 0.1, 0.2], [0.1, 1.0, 0.3], [0.2, 0.3, 1.0]])
    found = reordered(matrix, ("ETH", "SOL", "BTC"), NAMES)
    assert found[0, 1] == 0.2 and found[1, 2] == 0.1 and found[0, 2] == 0.3
    with pytest.raises(InputError, match="it lacks SOL and has DOGE beside"):
        reordered(matrix, ("ETH", "DOGE", "BTC"), NAMES)


def test_a_blend_of_an_invalid_tail_is_made_valid() -> None:
    broken = np.array([[1.0, 0.9, 0.9], [0.9, 1.0, -0.9], [0.9, -0.9, 1.0]])
    found = blended(broken, np.eye(3), 0.1, NAMES)
    check_correlation_matrix(found, NAMES)
    assert np.allclose(found, nearest_correlation(0.9 * broken + 0.1 * np.eye(3)))
    with pytest.raises(InputError, match="between 0 and 1"):
        blended(broken, np.eye(3), 1.1, NAMES)
