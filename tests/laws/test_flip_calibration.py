"""Laws of corrected chances: order is kept, nothing is looked up in the future, and what is too sure becomes less so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.funding.calibration import (
    FEWEST,
    MOST,
    Outcomes,
    corrected,
    corrected_flip,
    past_outcomes,
)
from perpbook.funding.flips import Flip
from perpbook.funding.series import snapped
from perpbook.funding.walk_forward import walks
from perpbook.history.importing import import_files
from perpbook.history.lake import Lake
from perpbook.history.load import read_settlements
from perpbook.history.recognise import Naming
from perpbook.model.units import DAY_NS, HOUR_NS
from perpbook.terms.load import load_terms
from tests.laws.funding_series import START, TERMS, autoregressive, clamped, settled
from tests.unit.history_lakes import real_data

HISTORY = settled(clamped(autoregressive(1_500, 5, level=1e-4, phi=0.8, noise=4e-4)))


def outcomes(drawn: np.ndarray, true: np.ndarray, seed: int = 1, weight: float = 1.0) -> Outcomes:
    came = np.random.default_rng(seed).random(drawn.size) < true
    return Outcomes(drawn=drawn, flipped=came.astype(np.float64), weight=weight)


def brier(chances: np.ndarray, came: np.ndarray) -> float:
    return float(np.mean((chances - came) ** 2))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 1.0))
def test_a_likelier_flip_stays_likelier(seed: int, weight: float) -> None:
    rng = np.random.default_rng(seed)
    past = outcomes(rng.random(80), rng.random(80), seed, weight)
    found = corrected(np.linspace(0.0, 1.0, 50), past)
    assert (np.diff(found) >= 0.0).all() and (found > 0.0).all() and (found < 1.0).all()


def test_chances_that_are_right_stay_and_those_too_sure_come_in() -> None:
    drawn, levels = np.random.default_rng(2).random(MOST), np.array([0.05, 0.5, 0.95])
    right = corrected(levels, outcomes(drawn, drawn))
    sure = corrected(levels, outcomes(drawn, 0.5 + 0.4 * (drawn - 0.5)))
    assert right == pytest.approx(levels, abs=0.04)
    assert sure[0] > 0.09 and sure[2] < 0.91 and sure[1] == pytest.approx(0.5, abs=0.06)


def test_a_contract_that_flips_more_than_it_is_told_is_told_more() -> None:
    drawn = np.full(100, 0.3)
    often = corrected(drawn[:1], outcomes(drawn, np.full(100, 0.6)))
    assert 0.4 < often[0] < 0.6 and corrected(drawn[:1], outcomes(drawn, np.full(100, 0.1)))[0] < 0.25


def test_too_few_outcomes_change_nothing_and_overlapping_ones_change_less() -> None:
    drawn, few = np.full(100, 0.3), np.full(FEWEST - 1, 0.3)
    assert corrected(few[:1], outcomes(few, np.ones(few.size)))[0] == 0.3
    heavy, light = (corrected(drawn[:1], outcomes(drawn, np.ones(100), weight=weight))[0] for weight in (1.0, 0.05))
    assert 0.3 < light < heavy


def test_outcomes_are_those_that_a_slow_count_finds() -> None:
    walk = walks(HISTORY, [2 * DAY_NS], TERMS)[0]
    found = past_outcomes(walk, HISTORY, np.random.default_rng(1))
    slow: list[tuple[int, float]] = []
    for row in np.flatnonzero(np.isfinite(walk.law).all(axis=0) & (walk.rate != 0.0))[::-1].tolist():
        start = int(walk.origin_ns[row])
        if start + 2 * DAY_NS <= walk.origin_ns[-1] and (not slow or slow[-1][0] - start >= 2 * DAY_NS):
            inside = (HISTORY.times_ns > start) & (HISTORY.times_ns <= start + 2 * DAY_NS)
            slow.append((start, float((HISTORY.rates[inside] * walk.rate[row] < 0.0).any())))
    assert found.flipped.tolist() == [one for _, one in slow[:MOST][::-1]] and found.weight == 1.0
    assert brier(found.drawn, found.flipped) < brier(np.full(found.drawn.size, found.flipped.mean()), found.flipped)


def test_what_came_later_is_not_looked_at() -> None:
    end = int(HISTORY.times_ns[1_200])
    cut = replace(
        HISTORY, times_ns=HISTORY.times_ns[:1_201], rates=HISTORY.rates[:1_201], interval_ns=HISTORY.interval_ns[:1_201]
    )
    walk = walks(cut, [2 * DAY_NS], TERMS)[0]
    spoilt = replace(HISTORY, rates=np.where(HISTORY.times_ns > end, -9.0, HISTORY.rates))
    one, other = (past_outcomes(walk, past, np.random.default_rng(1)) for past in (cut, spoilt))
    assert (one.flipped == other.flipped).all() and (one.drawn == other.drawn).all()


def test_a_flip_keeps_its_least_and_a_rate_of_nothing_has_none() -> None:
    drawn = np.full(100, 0.3)
    flip = Flip(sign=1, by_step=np.array([0.1, 0.3, 0.45]), step_ns=HOUR_NS, median_ns=None)
    often = corrected_flip(flip, outcomes(drawn, np.full(100, 0.6)), 0.0)
    assert often.chance > 0.5 and often.median_ns in (2 * HOUR_NS, 3 * HOUR_NS)
    assert corrected_flip(flip, outcomes(drawn, np.full(100, 0.3)), 0.9).chance == 0.9
    still = replace(flip, sign=0, by_step=np.zeros(3))
    assert corrected_flip(still, outcomes(drawn, np.ones(100)), 0.0) is still


@pytest.mark.slow
def test_corrected_chances_of_recorded_hourly_rates_tell_more(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    files = [real_data() / "funding" / "funding.parquet"]
    import_files(files, lake, Naming(), now_ns=START, tell=lambda *_: None)
    held = lake.held(kind="funding", venue="hyperliquid", symbol="DOGE-USDC")[0]
    history = snapped(read_settlements(lake, held))
    walk = walks(history, [7 * DAY_NS], load_terms("hyperliquid").funding)[0]
    past = past_outcomes(walk, history, np.random.default_rng(3))
    half = past.drawn.size // 2
    before = Outcomes(drawn=past.drawn[:half], flipped=past.flipped[:half], weight=past.weight)
    later, came = past.drawn[half:], past.flipped[half:]
    assert brier(corrected(later, before), came) < brier(later, came)
