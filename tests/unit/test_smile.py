"""Smiles: what is fitted, that it allows no arbitrage, and volatility between expiries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.errors import InputError
from perpbook.model.option import OptionChain
from perpbook.options.chain import build_chain
from perpbook.options.smile import fit_surface
from perpbook.options.surface import Surface
from perpbook.options.svi import GRID, Points, Svi, arbitrage_of, fit_svi
from tests.unit.option_rows import ORIGIN, chain, rows, smile


@pytest.fixture(scope="module")
def surface() -> Surface:
    return fit_surface(chain())


def test_a_smile_that_quotes_lie_on_is_found(surface: Surface) -> None:
    for one in surface.smiles:
        near = np.linspace(-0.3, 0.3, 13)
        assert np.allclose(one.svi.variance(near), smile(one.years).variance(near), rtol=1e-4)
        assert one.error < 1e-4 and one.is_free_of_arbitrage


def test_quotes_of_both_sides_tell_the_same_smile_without_marks(surface: Surface) -> None:
    unmarked = [replace(one, mark_volatility=None) for one in rows(wide=0.01)]
    found = fit_surface(build_chain(unmarked, "BTC", ORIGIN))
    for ours, theirs in zip(found.smiles, surface.smiles, strict=True):
        assert ours.volatility() == pytest.approx(theirs.volatility(), abs=1e-3)


def test_the_density_is_what_g_says() -> None:
    """g is the density of ln(S/F) over a normal one's shape, so it integrates to one probability."""
    one, k = smile(0.4), np.linspace(-6.0, 6.0, 60_001)
    w = one.variance(k)
    lower = -k / np.sqrt(w) - 0.5 * np.sqrt(w)
    density = one.butterfly(k) / np.sqrt(2.0 * np.pi * w) * np.exp(-0.5 * lower**2)
    assert np.trapezoid(density, k) == pytest.approx(1.0, abs=1e-6)
    assert np.trapezoid(density * np.exp(k), k) == pytest.approx(1.0, abs=1e-6)


@settings(max_examples=6)
@given(seed=st.integers(0, 10_000), years=st.floats(0.01, 1.0))
def test_whatever_is_quoted_the_fit_allows_no_arbitrage(seed: int, years: float) -> None:
    chance = np.random.default_rng(seed)
    k = np.sort(chance.uniform(-0.8, 0.8, 15))
    variance = (0.5 + 0.3 * chance.uniform(-1.0, 1.0, k.size)) ** 2 * years
    before = smile(0.9 * years).variance
    found = fit_svi(Points(k=k, variance=variance, weight=np.ones(k.size), years=years), before)
    butterfly, calendar = arbitrage_of(found, before)
    assert butterfly >= 0.0 and calendar >= 0.0


def test_a_smile_with_arbitrage_is_told() -> None:
    steep = Svi(a=0.001, b=1.8, rho=0.0, m=0.1, sigma=0.01)
    assert arbitrage_of(steep, None)[0] < 0.0
    assert arbitrage_of(smile(0.1), smile(0.2).variance)[1] < 0.0
    assert arbitrage_of(smile(0.2), smile(0.1).variance)[1] > 0.0


def test_arbitrage_of_a_short_smile_is_found_between_wide_steps() -> None:
    turning = Svi(a=1e-5, b=0.02, rho=-0.5, m=0.005, sigma=0.002)
    assert turning.butterfly(GRID).min() > 0.0 and arbitrage_of(turning, None)[0] < 0.0
    flat = Svi(a=2e-5, b=1e-4, rho=0.0, m=0.0, sigma=0.1)
    dipping = Svi(a=2e-5, b=0.002, rho=0.0, m=0.01, sigma=1e-4)
    assert (dipping.variance(GRID) > flat.variance(GRID)).all() and arbitrage_of(dipping, flat.variance)[1] < 0.0


def test_total_variance_is_linear_in_time_between_expiries(surface: Surface) -> None:
    first, second = surface.smiles[:2]
    k = np.array([-0.2, 0.0, 0.1])
    middle = 0.3 * first.years + 0.7 * second.years
    found = surface.volatilities(k, np.full(3, middle)) ** 2 * middle
    assert np.allclose(found, 0.3 * first.svi.variance(k) + 0.7 * second.svi.variance(k), rtol=1e-9)
    before = surface.volatilities(k, np.full(3, 0.5 * first.years)) ** 2
    assert np.allclose(before, first.svi.variance(k) / first.years)
    last = surface.smiles[-1]
    assert np.allclose(surface.volatilities(GRID, np.full(GRID.size, 3.0)) ** 2, last.svi.variance(GRID) / last.years)


def test_expiries_without_enough_strikes_have_no_smile() -> None:
    found = [one for one in rows() if "14AUG26" not in one.name or "-6" in one.name.split("AUG26")[1]]
    few = fit_surface(build_chain(found, "BTC", ORIGIN))
    assert len(few.smiles) == 2 and "strikes with a volatility" in few.left_out[0]
    with pytest.raises(InputError, match="no expiry of BTC"):
        fit_surface(_without_marks(chain()))


def _without_marks(found: OptionChain) -> OptionChain:
    bare = [replace(one, quotes=tuple(replace(q, mark_volatility=None) for q in one.quotes)) for one in found.expiries]
    return replace(found, expiries=tuple(bare))
