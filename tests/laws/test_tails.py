"""Laws of tail statistics: bounds, orders and what must not move them."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, stdtr

from perpbook.tails import null, shortfall
from perpbook.tails.bootstrap import one_draw
from perpbook.tails.counts import binned, edges_for, kendall_of, tables, tail_dependence_of
from perpbook.tails.dependence import tail_dependence
from perpbook.tails.nearest import nearest_correlation, shrunk_correlation
from perpbook.tails.pareto import fit_peaks, peaks_shortfall
from tests.unit.tails_moves import moves

rhos = st.floats(-0.99, 0.99)
edges = st.floats(-4.0, 4.0)
levels = st.floats(0.001, 0.25)
seeds = st.integers(0, 10_000)


@given(edges, edges, rhos)
def test_a_joint_probability_lies_between_its_bounds(a: float, b: float, rho: float) -> None:
    joint = null.bivariate_normal_cdf(a, b, rho)
    assert max(0.0, ndtr(a) + ndtr(b) - 1.0) - 1e-12 <= joint <= min(ndtr(a), ndtr(b)) + 1e-12
    assert math.isclose(joint, null.bivariate_normal_cdf(b, a, rho), abs_tol=1e-12)
    assert math.isclose(ndtr(a) - joint, null.bivariate_normal_cdf(a, -b, -rho), abs_tol=1e-12)


@given(edges, edges, rhos, st.floats(1.0, 30.0))
def test_students_joint_probability_is_whole_and_symmetric(a: float, b: float, rho: float, nu: float) -> None:
    joint = null.bivariate_student_cdf(a, b, rho, nu)
    assert math.isclose(joint, null.bivariate_student_cdf(b, a, rho, nu), abs_tol=1e-8)
    assert math.isclose(stdtr(nu, a) - joint, null.bivariate_student_cdf(a, -b, -rho, nu), abs_tol=1e-8)


@given(levels, rhos, rhos)
def test_dependence_at_a_level_grows_with_correlation(level: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    at_low, at_high = (null.tail_dependence_at_level(level, rho) for rho in (low, high))
    assert -1e-12 <= at_low <= at_high + 1e-9 and at_high <= 1.0 + 1e-12


@given(levels, st.floats(0.01, 0.99))
def test_a_tail_alone_lowers_gaussian_correlation(level: float, rho: float) -> None:
    assert 0.0 < null.gaussian_conditional_correlation(level, rho) < rho
    assert 0.0 < null.exceedance_correlation(-2.0, rho)[0] < rho


@given(levels, st.floats(1.1, 50.0), seeds)
def test_a_shortfall_is_not_below_its_value_at_risk(level: float, nu: float, seed: int) -> None:
    losses = -moves(400, 0.5, nu=nu, seed=seed)[0]
    pairs = [
        shortfall.normal_shortfall(level),
        shortfall.student_shortfall(level, nu),
        shortfall.historical_shortfall(losses, level),
    ]
    fit = fit_peaks(losses, float(np.quantile(losses, 0.7)))
    edge, mean = peaks_shortfall(fit, level)
    assert all(mean >= edge - 1e-12 for edge, mean in [*pairs, (edge[0], mean[0])])


@given(seeds, st.integers(1, 199))
def test_ranks_alone_make_tail_dependence(seed: int, count: int) -> None:
    x, y = moves(200, 0.6, nu=3.0, seed=seed)
    seen = tail_dependence(x, y, count)
    assert seen == tail_dependence(np.exp(x), np.arctan(y), count) == tail_dependence(y, x, count)
    assert max(0.0, 2.0 - 200 / count) - 1e-12 <= seen <= 1.0


@given(seeds, st.floats(1.0, 60.0))
def test_a_resample_has_as_many_rows_as_the_past(seed: int, block: float) -> None:
    drawn = one_draw(150, block, np.random.default_rng(seed))
    assert drawn.sum() == 150 and (drawn >= 0).all() and (drawn == np.rint(drawn)).all()


@given(seeds)
def test_a_weighted_sample_is_the_sample_of_repeated_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = moves(300, 0.5, nu=4.0, seed=seed)
    weight = one_draw(300, 4.0, rng)
    rows = np.repeat(np.arange(300), weight.astype(int))
    cells = edges_for(300, (0.10,))
    found = []
    for a, b, w in ((x, y, weight), (x[rows], y[rows], np.ones(rows.size))):
        orders = np.argsort(np.stack([a, b]), axis=1, kind="stable")
        first, second = binned(orders, w[None, :], cells)
        table = tables(first, second, w[None, :], cells.size + 1)
        at = int(np.searchsorted(cells, 0.10)) + 1
        found.append(
            (
                kendall_of(table)[0],
                tail_dependence_of(table, (table.sum(axis=2), table.sum(axis=1)), at, upper=False)[0],
            )
        )
    (tau, dependence), (tau_again, dependence_again) = found
    assert abs(tau - tau_again) < 0.03 and abs(dependence - dependence_again) < 0.25
    losses = shortfall.WorstRows(-x, 0.1).mean(weight[None, :])[1][0]
    assert math.isclose(losses, shortfall.historical_shortfall(-x[rows], 0.1)[1], rel_tol=1e-9)


@given(seeds, st.integers(2, 6))
def test_the_nearest_correlation_is_one_and_its_own_nearest(seed: int, size: int) -> None:
    raw = np.random.default_rng(seed).uniform(-1.0, 1.0, (size, size))
    matrix = 0.5 * (raw + raw.T)
    np.fill_diagonal(matrix, 1.0)
    found = nearest_correlation(matrix)
    assert np.linalg.eigvalsh(found)[0] >= -1e-9 and np.allclose(np.diag(found), 1.0)
    assert np.allclose(nearest_correlation(found), found, atol=1e-6)
    shrunk, share = shrunk_correlation(np.random.default_rng(seed).standard_normal((size, 50)))
    assert 0.0 <= share <= 1.0 and np.linalg.eigvalsh(shrunk)[0] >= -1e-12
