"""Coins off their peg in drills: margin feels those beside an account's own coin, and dollars feel all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perpbook.engine.drill import path_bars, replay_path, run_drill, scales_survived
from perpbook.kernels.drill import DEEPEST, END, LEAST
from perpbook.kernels.paths import Source
from perpbook.kernels.toll import DEBT, KEPT
from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.units import HOUR_NS
from perpbook.scenario import sources
from perpbook.scenario.filtered import filtered_source
from tests.unit.storm_drills import account, alone, fall_on, mark, with_weight

BTC = mark("binance", "BTCUSDT", 60_000)


def source_of(kind: str) -> Source:
    """A source of each kind for one price, from three hundred seeded hours."""
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(3).normal(size=(1, 300)) * 0.01, axis=1))
    none = Settlements(times_ns=np.zeros(0, np.int64), rates=np.zeros(0), interval_ns=np.zeros(0, np.int64))
    past = Bars(
        bar_ns=HOUR_NS, open_ns=HOUR_NS * np.arange(300, dtype=np.int64), series=(SeriesKey(venue="binance", symbol="BTCUSDT"),),
        open=close, high=close * 1.001, low=close * 0.999, close=close, stale=np.zeros(close.shape, dtype=np.uint8),
        settlements=(none,), simulated=True,
    )  # fmt: skip
    if kind == "bootstrap":
        return sources.bootstrap_source(past)
    if kind == "filtered":
        return filtered_source(past)
    if kind == "copula":
        return sources.copula_source(past, nu=4.0, correlation=np.eye(1))
    if kind == "student":
        return sources.student_source(np.array([0.01]), np.eye(1), 4.0)
    return sources.normal_source(np.array([0.01]), np.eye(1))


def falls(coin: str, to: float, more: str = "") -> str:
    return f'\n[[collateral]]\nasset = "{coin}"\nto = {to}\nover = "2h"\n{more}'


def on_usde(amount: float, coin: str = "USDE") -> list[str]:
    return [account("main", "binance", {coin: amount}, {"BTCUSDT": (1.0, 60_000)}), BTC]


@pytest.mark.parametrize(("to", "dies"), [(0.67, False), (0.65, True)])
def test_collateral_beside_the_own_coin_kills_by_its_fall_alone(tmp_path: Path, to: float, dies: bool) -> None:
    # 420 USDE at a weight of 0.9 are 378 dollars; 60,000 of notional need 60,000 x 0.5 % - 50 = 250, which is 378 x 0.6614.
    found = fall_on(tmp_path, on_usde(420), falls("USDe", to), terms=with_weight(tmp_path, "binance", "USDE", 0.9))
    assert found.died("main") is dies
    assert found.end("main") == pytest.approx(0.0 if dies else 378 * to)
    # Surplus is 378 x to - (300 x scale - 50).
    assert scales_survived(found.plan.drill)[0, 0] == pytest.approx((378 * to + 50) / 300, rel=1e-6)
    # The penalty, 1.2 % of 60,000, is more than is there; nobody is left with a debt of it.
    assert found.toll("main", DEBT) == 0.0


def test_bybit_too_closes_for_its_collateral(tmp_path: Path) -> None:
    parts = [account("main", "bybit", {"USDE": 560}, {"BTCUSDT": (1.0, 60_000)}), mark("bybit", "BTCUSDT", 60_000)]
    terms = with_weight(tmp_path, "bybit", "USDE", 0.9)
    # 60,000 x 0.5 % and the fee to close, at most 33, are needed of 504.
    assert not fall_on(tmp_path, parts, falls("USDe", 0.7), terms=terms).died("main")
    assert fall_on(tmp_path, parts, falls("USDe", 0.59), terms=terms).died("main")


def test_without_a_weight_it_counts_for_nothing_and_that_is_told(tmp_path: Path) -> None:
    parts = [account("main", "binance", {"USDE": 420, "USDT": 400}, {"BTCUSDT": (1.0, 60_000)}), BTC]
    found = fall_on(tmp_path, parts, falls("USDe", 0.65))
    assert found.end("main") == 400.0 and not found.died("main")
    assert any("counts for nothing by Binance USD-M's terms" in note for note in found.plan.notes)


def test_what_a_coin_is_called_changes_nothing(tmp_path: Path) -> None:
    first = fall_on(tmp_path, on_usde(500), falls("usde", 0.7), terms=with_weight(tmp_path, "binance", "USDE", 0.9))
    terms = with_weight(tmp_path, "binance", "FDUSD", 0.9)
    second = fall_on(tmp_path, on_usde(500, "FDUSD"), falls("FDUSD", 0.7), terms=terms)
    assert np.array_equal(first.found.figures, second.found.figures)


def test_a_coin_at_its_peg_is_worth_what_it_was_as_dollars(tmp_path: Path) -> None:
    terms = with_weight(tmp_path, "binance", "USDE", 0.9)
    gap = '\n[[price]]\nof = "BTC"\nmove = -0.001\nover = "2h"\n'
    still = fall_on(tmp_path, on_usde(500), gap, terms=terms)
    beside = fall_on(tmp_path, on_usde(500), gap + falls("USDe", 0.999999999999), terms=terms)
    assert len(still.plan.drill.journey.bars.series) == 1 and len(beside.plan.drill.journey.bars.series) == 2
    assert beside.found.figures == pytest.approx(still.found.figures, rel=1e-9, abs=1e-6)


def test_the_own_coin_leaves_margin_alone_and_takes_dollars_one_for_one(tmp_path: Path) -> None:
    parts = [
        account("hl", "hyperliquid", {"USDC": 10_000}, {"BTC": (1.0, 60_000)}),
        account("dydx", "dydx", {"USDC": 10_000}, {"BTC-USD": (-1.0, 60_000)}),
        mark("hyperliquid", "BTC", 60_000),
        mark("dydx", "BTC-USD", 60_000),
        '[[layers]]\nlayer = "arbitrum"\nasset = "USDC"\namount = 1000.0\n',
    ]
    gap = '[[price]]\nof = "BTC"\nmove = -0.05\nover = "3h"\n'
    found = fall_on(tmp_path, parts, falls("USDC", 0.88, gap))
    at_par = alone(found)
    assert not found.died("hl") and not found.died("dydx")
    assert found.end("hl") == 0.88 * at_par.end("hl") == pytest.approx(0.88 * 7_000)
    assert found.end("dydx") == 0.88 * at_par.end("dydx") == pytest.approx(0.88 * 13_000)
    assert found.found.figures[0, END] == pytest.approx(0.88 * 21_000)
    assert found.found.figures[0, LEAST] == pytest.approx(0.88 * 21_000)
    # From the start, at par: no close is higher.
    assert found.found.figures[0, DEEPEST] == pytest.approx(1 - 0.88)
    assert any("hl, dydx is worth that much less" in note for note in found.plan.notes)
    assert any("rules judge equity" in note for note in found.plan.unheard)


def test_the_catalogues_usde_kills_and_its_usdc_does_not(tmp_path: Path) -> None:
    terms = with_weight(tmp_path, "binance", "USDE", 0.9)
    hedge = account("hedge", "hyperliquid", {"USDC": 5_000}, {"BTC": (-1.0, 60_000)}) + mark(
        "hyperliquid", "BTC", 60_000
    )
    found = fall_on(tmp_path, [*on_usde(420), hedge], "usde-2025-10-10", terms=terms)
    assert found.died("main") and not found.died("hedge") and found.end("hedge") == 5_000.0
    found = fall_on(tmp_path, [*on_usde(420), hedge], "usdc-088", hours=7, terms=terms)
    assert not found.died("main") and not found.died("hedge")
    assert found.found.figures[0, LEAST] == pytest.approx(378 + 0.88 * 5_000)


def test_a_coin_is_priced_in_the_accounts_own_when_that_one_falls(tmp_path: Path) -> None:
    parts = [account("main", "binance", {"USDC": 1_000}, {"BTCUSDT": (1.0, 60_000)}), BTC]
    found = fall_on(tmp_path, parts, falls("USDT", 0.8))
    # 999.9 dollars of margin are 999.9 / 0.8 USDT; in dollars nothing is lost.
    assert found.end("main") == pytest.approx(999.9)
    assert found.found.figures[0, LEAST] == pytest.approx(999.9)


def test_money_under_way_is_in_the_book_until_it_arrives_and_after(tmp_path: Path) -> None:
    parts = [
        account("hl", "hyperliquid", {"USDC": 10_000}, {"BTC": (1.0, 60_000)}),
        mark("hyperliquid", "BTC", 60_000),
        '[[transfers]]\nasset = "USDC"\namount = 500.0\nsource = "arbitrum"\ndestination = "hl"\n'
        'arrives = "2026-11-20T14:30:00Z"\n',
    ]
    calm = fall_on(tmp_path, parts, "\n[[liquidity]]\nspread = 2.0\n")
    assert calm.found.figures[0, LEAST] == calm.found.figures[0, END] == 10_500.0
    found = fall_on(tmp_path, parts, falls("USDC", 0.9))
    assert found.found.figures[0, LEAST] == pytest.approx(9_450.0) and found.end("hl") == pytest.approx(9_450.0)


def test_coins_of_no_contract_in_the_book_move_with_their_own(tmp_path: Path) -> None:
    parts = [
        "[prices]\nBTC = 60000.0\n",
        account("main", "binance", {"BTC": 0.1}, {"ETHUSDT": (-1.0, 3_000)}),
        mark("binance", "ETHUSDT", 3_000),
    ]
    found = fall_on(tmp_path, parts, '\n[[price]]\nof = "BTC"\nmove = -0.2\n')
    # 0.1 BTC at a weight of 0.95 and 48,000 dollars.
    assert found.end("main") == pytest.approx(0.1 * 0.95 * 48_000)


def test_a_coin_without_any_contract_stands_but_for_its_storm(tmp_path: Path) -> None:
    terms = with_weight(tmp_path, "binance", "wBETH", 0.8)
    parts = ["[prices]\nwBETH = 3000.0\n", account("main", "binance", {"wBETH": 1.0}, {"BTCUSDT": (0.1, 60_000)}), BTC]
    gap = "\n[[price]]\nmove = -0.01\n"
    found = fall_on(tmp_path, parts, gap + falls("wBETH", 0.9), terms=terms)
    # 0.8 of 3,000 x 0.9, less 1 % of 6,000.
    assert found.end("main") == pytest.approx(0.8 * 2_700 - 60)
    assert any("wBETH is collateral and no contract prices it" in note for note in found.plan.notes)


def test_a_frozen_venue_keeps_its_share_at_the_end(tmp_path: Path) -> None:
    parts = [account("main", "binance", {"USDT": 1_000}, {"BTCUSDT": (1.0, 60_000)}), BTC]
    frozen = '\n[[outage]]\nvenue = "binance"\nkind = "frozen"\nfactor = 0.4\nat = "1h"\n'
    found = fall_on(tmp_path, parts, frozen)
    assert found.end("main") == 600.0 and found.toll("main", KEPT) == 400.0
    assert found.found.figures[0, END] == found.found.figures[0, LEAST] == 600.0
    assert not any("frozen" in words for words in found.plan.unheard)


def test_a_path_replayed_is_the_path_that_was_drilled(tmp_path: Path) -> None:
    terms = with_weight(tmp_path, "binance", "USDE", 0.9)
    parts = [*on_usde(900), account("hl", "hyperliquid", {"USDC": 5_000}, {"BTC": (-1.0, 60_000)})]
    parts.append(mark("hyperliquid", "BTC", 60_000))
    gap = '[[price]]\nof = "BTC"\nmove = -0.01\nover = "3h"\n'
    found = fall_on(tmp_path, parts, falls("USDe", 0.7, gap) + falls("USDC", 0.9), terms=terms)
    outcome = replay_path(found.plan.drill, 0)
    assert outcome.equity[-1] == found.found.figures[0, END] and outcome.equity.min() == found.found.figures[0, LEAST]
    assert np.array_equal(outcome.curve[:, -1], found.found.ends[0])
    assert np.array_equal(run_drill(found.plan.drill, threads=1).tolls, found.found.tolls)


@pytest.mark.parametrize("kind", ["bootstrap", "filtered", "copula", "student", "normal"])
def test_a_coin_beside_them_leaves_drawn_prices_as_they_are(tmp_path: Path, kind: str) -> None:
    terms = with_weight(tmp_path, "binance", "USDE", 0.9)
    parts = [account("main", "binance", {"USDE": 9_000, "USDT": 9_000}, {"BTCUSDT": (1.0, 60_000)}), BTC]
    beside = fall_on(tmp_path, parts, falls("USDe", 0.7), terms=terms).plan.drill
    without = fall_on(tmp_path, parts, falls("DAI", 0.7), terms=terms).plan.drill
    one, other = (path_bars(replace(drill, source=source_of(kind), paths=3), 2) for drill in (beside, without))
    assert len(one.series) == 2 and len(other.series) == 1 and one.close[1, -1] == pytest.approx(0.7)
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(getattr(one, name)[0], getattr(other, name)[0])
