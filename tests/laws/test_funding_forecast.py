"""Laws of forecasts: nothing knows the future, the choice is the rule's, intervals hold as often as they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.errors import DataError, InputError, MissingData, StaleData
from perpbook.funding.candidates import LAST, MODELS
from perpbook.funding.flips import PremiumLaw, first_flip
from perpbook.funding.forecast import forecast, outlook
from perpbook.funding.intervals import intervals
from perpbook.funding.rule import PremiumRule
from perpbook.funding.scores import pinball, scores_of
from perpbook.funding.walk_forward import Walk, walks
from perpbook.kernels.conformal import adaptive_quantiles
from perpbook.model.bars import Settlements
from perpbook.model.units import DAY_NS, HOUR_NS
from tests.laws.funding_series import (
    START,
    TERMS,
    autoregressive,
    clamped,
    joined,
    settled,
    slow_bounds,
    slow_choices,
)

FADING = settled(clamped(autoregressive(640, 11, level=4e-4, phi=0.85, noise=4e-4)))


@pytest.fixture(scope="module")
def walk() -> Walk:
    return walks(FADING, [DAY_NS], TERMS)[0]


def up_to(history: Settlements, rows: int) -> Settlements:
    return Settlements(
        times_ns=history.times_ns[:rows], rates=history.rates[:rows], interval_ns=history.interval_ns[:rows]
    )


@pytest.mark.parametrize("rows", [200, 487, 601])
def test_a_walk_says_at_an_origin_what_a_history_that_ends_there_says(walk: Walk, rows: int) -> None:
    short = walks(up_to(FADING, rows), [DAY_NS], TERMS)[0]
    at = int(np.flatnonzero(walk.origin_ns == short.origin_ns[-1])[0])
    assert np.allclose(short.predicted[:, -1], walk.predicted[:, at], rtol=1e-9, atol=1e-15)
    assert short.chosen[-1] == walk.chosen[at]
    assert np.isnan(short.realised[-1]) and short.scale[-1] == pytest.approx(walk.scale[at])


def test_the_model_trusted_is_the_rules(walk: Walk) -> None:
    assert walk.chosen.tolist() == slow_choices(walk)
    assert {LAST} < {MODELS[one] for one in walk.chosen}


def test_no_model_is_trusted_where_none_beats_the_last_value() -> None:
    steps = 3e-5 * np.random.default_rng(12).standard_normal(500).cumsum()
    found = walks(settled(steps), [DAY_NS], None)[0]
    scores = scores_of(found)
    assert scores is not None
    trusted = np.bincount(found.chosen, minlength=len(MODELS)) / found.chosen.size
    losing = [MODELS.index(one.model) for one in scores.models if one.absolute_ratio > 1.05]
    assert losing and trusted[losing].sum() < 0.05


def test_realised_sums_are_of_the_settlements_after_the_origin(walk: Walk) -> None:
    for at in (0, 100, walk.origin_ns.size - 4):
        due = [
            rate
            for time, rate in zip(FADING.times_ns, FADING.rates, strict=True)
            if walk.origin_ns[at] < time <= walk.due_ns[at]
        ]
        assert len(due) == 3 and walk.realised[at] == pytest.approx(sum(due))


def test_simple_models_are_what_their_names_say(walk: Walk) -> None:
    at, rates = 300, FADING.rates
    row = int(np.flatnonzero(FADING.times_ns == walk.origin_ns[at])[0])
    slow = rates[0]
    for rate in rates[1 : row + 1]:
        slow += (1.0 - 0.5 ** (1.0 / 6.0)) * (rate - slow)
    told = dict(zip(MODELS, walk.predicted[:, at], strict=True))
    assert told["last"] == pytest.approx(3 * rates[row])
    assert told["mean_7d"] == pytest.approx(3 * rates[row - 20 : row + 1].mean())
    assert told["ewma_2d"] == pytest.approx(3 * slow)


def test_an_interval_that_changed_is_forecast_in_its_own_steps() -> None:
    old = settled(autoregressive(150, 13, level=1e-4, noise=2e-5))
    new = settled(autoregressive(100, 14, level=1e-5, noise=2e-6), hours=1.0, start_ns=int(old.times_ns[-1]))
    found = outlook(joined(old, new), horizon_ns=DAY_NS, now_ns=int(new.times_ns[-1]), model="last")
    assert found.walk is not None and set(found.walk.interval_ns.tolist()) == {8 * HOUR_NS, HOUR_NS}
    assert found.forecast.interval_ns == HOUR_NS
    assert found.forecast.mean == pytest.approx(24 * new.rates[-1])


@given(st.integers(0, 50), st.floats(0.02, 0.4), st.integers(5, 40), st.integers(1, 5))
def test_conformal_bounds_are_those_of_sorting_anew(seed: int, miss: float, window: int, delay: int) -> None:
    draw = np.random.default_rng(seed)
    errors = np.where(draw.random(90) < 0.1, np.nan, draw.normal(size=90).round(1))
    known = np.maximum(np.arange(90) - delay, 0)
    room, out = np.empty(window + 1), np.empty(90)
    adaptive_quantiles(errors, known, miss, 0.03, window, 5, room, out)
    assert np.allclose(out, slow_bounds(errors, known.tolist(), miss, 0.03, window, 5), equal_nan=True)


@pytest.mark.parametrize("miss", [0.05, 0.2])
def test_bounds_of_exchangeable_errors_are_missed_as_often_as_meant(miss: float) -> None:
    errors = np.random.default_rng(15).standard_t(3, 3_000)
    room, out = np.empty(201), np.empty(errors.size)
    adaptive_quantiles(errors, np.arange(errors.size), miss, 0.02, 200, 30, room, out)
    missed = (errors > out)[np.isfinite(out)]
    assert abs(missed.mean() - miss) < 3.0 * (miss * (1 - miss) / missed.size) ** 0.5


def test_intervals_of_a_steady_process_hold_as_often_as_they_say(walk: Walk) -> None:
    for level in (0.8, 0.9):
        held = intervals(walk, walk.trusted, level).held(walk.realised)
        assert abs(np.nanmean(held) - level) < 0.04


def test_a_wider_level_never_gives_a_narrower_interval(walk: Walk) -> None:
    narrow, wide = (intervals(walk, walk.trusted, level) for level in (0.7, 0.95))
    told = np.isfinite(narrow.low) & np.isfinite(wide.low)
    assert np.mean((wide.high - wide.low >= narrow.high - narrow.low)[told]) > 0.999


def test_pinball_of_the_bounds_by_hand(walk: Walk) -> None:
    drawn = intervals(walk, walk.trusted, 0.9)
    at = int(np.flatnonzero(np.isfinite(drawn.low))[0])
    outcome = walk.realised.copy()
    outcome[at] = drawn.high[at] + 1.0
    over_low, over_high = outcome[at] - drawn.low[at], 1.0
    assert pinball(drawn, outcome)[at] == pytest.approx(0.5 * (0.05 * over_low + 0.95 * over_high))


def test_mirrored_funding_is_forecast_mirrored() -> None:
    plain = settled(autoregressive(240, 16, level=3e-4, noise=1e-4))
    mirrored = Settlements(times_ns=plain.times_ns, rates=-plain.rates, interval_ns=plain.interval_ns)
    one, other = (forecast(each, horizon_ns=DAY_NS, now_ns=int(plain.times_ns[-1])) for each in (plain, mirrored))
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low), rel=1e-6)
    assert one.model == other.model and one.flip == pytest.approx(other.flip)


def test_a_horizon_without_a_settlement_costs_nothing_for_sure() -> None:
    told = forecast(FADING, horizon_ns=HOUR_NS, now_ns=int(FADING.times_ns[-1]) + HOUR_NS, terms=TERMS)
    assert (told.mean, told.low, told.high, told.flip) == (0.0, 0.0, 0.0, 0.0)


def test_a_horizon_that_no_interval_divides_has_no_walk() -> None:
    assert walks(up_to(FADING, 120), [4 * HOUR_NS], TERMS) == ()
    assert [one.horizon_ns for one in walks(up_to(FADING, 120), [4 * HOUR_NS, DAY_NS], TERMS)] == [DAY_NS]


def test_only_settlements_within_the_horizon_count() -> None:
    history = up_to(FADING, 140)
    now = int(history.times_ns[-1]) + HOUR_NS
    for hours, settlements in ((7, 1), (14, 1), (15, 2), (24, 3)):
        told = forecast(history, horizon_ns=hours * HOUR_NS, now_ns=now, model="last")
        assert told.mean == pytest.approx(settlements * history.rates[-1])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"horizon_ns": 0}, InputError, "horizon"),
        ({"level": 1.0}, InputError, "level"),
        ({"model": "oracle"}, InputError, "premium_level"),
        ({"now_ns": START}, MissingData, "import"),
        ({"now_ns": int(FADING.times_ns[-1]) + 9 * DAY_NS}, StaleData, "newer funding"),
        ({"horizon_ns": 200 * DAY_NS}, DataError, "shorter horizon"),
    ],
)
def test_what_cannot_be_forecast_says_why(change: dict, error: type[Exception], words: str) -> None:
    asked = {"horizon_ns": DAY_NS, "now_ns": int(FADING.times_ns[-1])} | change
    with pytest.raises(error, match=words):
        forecast(FADING, terms=TERMS, venue="binance", symbol="BTCUSDT", **asked)


def test_a_short_history_is_forecast_by_its_last_value() -> None:
    told = forecast(settled(autoregressive(60, 17)), horizon_ns=8 * HOUR_NS, now_ns=START + 480 * HOUR_NS, terms=TERMS)
    assert told.model == LAST and told.low < told.mean < told.high and told.half_life_ns is None


LAW = PremiumLaw(mean=8e-4, variance=0.0, level=8e-4, persistence=0.9, noise=0.0, step_ns=8 * HOUR_NS)


def test_a_premium_that_stays_never_flips_and_one_that_must_does() -> None:
    rule, chance = PremiumRule(interest=1e-4, clamp=5e-4), np.random.default_rng(18)
    assert first_flip(LAW, rule, 3e-4, 9, chance).chance == 0.0
    falls = PremiumLaw(mean=8e-4, variance=0.0, level=-1e-3, persistence=0.5, noise=0.0, step_ns=8 * HOUR_NS)
    found = first_flip(falls, rule, 3e-4, 9, chance)
    assert found.by_step.tolist() == [0.0] + [1.0] * 8 and found.median_ns == 16 * HOUR_NS


def test_the_chance_of_a_flip_in_one_step_is_students() -> None:
    from scipy.special import stdtr

    law = PremiumLaw(mean=3e-4, variance=0.0, level=0.0, persistence=0.5, noise=2e-4, step_ns=HOUR_NS)
    found = first_flip(law, PremiumRule(), 3e-4, 5, np.random.default_rng(19), paths=40_000)
    exact = float(stdtr(3.0, -1.5e-4 / 2e-4 * 3.0**0.5))
    assert abs(found.by_step[0] - exact) < 4 * (exact * (1 - exact) / 40_000) ** 0.5
    assert (np.diff(found.by_step) >= 0).all()


def test_a_level_that_follows_makes_a_flip_likelier_than_one_that_stays() -> None:
    stays = PremiumLaw(mean=1e-3, variance=0.0, level=1e-3, persistence=0.3, noise=2e-4, step_ns=8 * HOUR_NS)
    chances = [
        first_flip(replace(stays, follow=follow), PremiumRule(), 1e-3, 90, np.random.default_rng(20)).chance
        for follow in (0.0, 0.5)
    ]
    assert chances[0] < 0.2 < chances[1]
