"""The rules on funding rates in a run: every bar ticked gives the same, and what they do is what the settlements say."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from perpbook.engine.backtest import Fills, Journey
from perpbook.kernels import journal
from perpbook.kernels.state import (
    FUNDING_EXPECTED,
    FUNDING_FLIP,
    FUNDING_MOVED,
    FUNDING_PROJECTED,
)
from perpbook.model.account import Account, Balance, MarginMode, Position
from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.book import Book
from perpbook.model.units import HOUR_NS, from_iso
from perpbook.playbook.load import parse_playbook
from perpbook.terms.load import load_terms
from tests.runs import laws

START = from_iso("2024-03-01T05:00:00Z")
PLACES = (("binance", "BTCUSDT", 8), ("hyperliquid", "BTC", 1), ("bybit", "BTCUSD", 8))


def rates_of(draw: np.random.Generator, hours: int, bars: int) -> Settlements:
    """Rates that wander around nothing, one at every so many hours."""
    times = START - START % (8 * HOUR_NS) + np.arange(0, bars + 8, hours, dtype=np.int64) * HOUR_NS
    steps = draw.normal(0.0, 0.4, times.size)
    level = np.zeros(times.size)
    for n in range(1, times.size):
        level[n] = 0.9 * level[n - 1] + steps[n]
    rates = np.round(level * 2e-4 * hours / 8, 6)
    return Settlements(times_ns=times, rates=rates, interval_ns=np.full(times.size, hours * HOUR_NS))


def bars_of(draw: np.random.Generator, bars: int) -> Bars:
    """Hourly bars of one coin on three venues, and their funding."""
    close = 60_000.0 * np.exp(np.cumsum(draw.normal(0.0, 0.004, bars)))
    opens = np.concatenate([[60_000.0], close[:-1]])
    prices = np.stack([np.stack([opens, np.maximum(opens, close), np.minimum(opens, close), close])] * len(PLACES))
    return Bars(
        bar_ns=HOUR_NS, open_ns=START + HOUR_NS * np.arange(bars, dtype=np.int64),
        series=tuple(SeriesKey(venue=venue, symbol=symbol) for venue, symbol, _ in PLACES),
        open=np.ascontiguousarray(prices[:, 0]), high=np.ascontiguousarray(prices[:, 1]),
        low=np.ascontiguousarray(prices[:, 2]), close=np.ascontiguousarray(prices[:, 3]),
        stale=np.zeros((len(PLACES), bars), dtype=np.uint8),
        settlements=tuple(rates_of(draw, hours, bars) for _, _, hours in PLACES),
    )  # fmt: skip


def account(venue: str, symbol: str, held: float, collateral: Balance) -> Account:
    own = (Position(symbol=symbol, quantity=held, entry_price=60_000.0),) if held else ()
    return Account(
        id=venue, venue=venue, layer=None, mode=MarginMode.CROSS, collateral=(collateral,), positions=own, orders=()
    )


def funded_journey(seed: int, bars: int = 250) -> Journey:
    """Two accounts or three that hold a coin, or may; a playbook of rules on rates alone."""
    draw = np.random.default_rng(seed)
    side = float(draw.choice([-1.0, 1.0]))
    money = [
        Balance(asset="USDT", amount=90_000.0),
        Balance(asset="USDC", amount=90_000.0),
        Balance(asset="BTC", amount=2.0),
    ]
    sizes = [side * float(draw.choice([1.0, 2.0])), -side * float(draw.choice([0.1, 1.0])), side * 30_000.0]
    accounts = [account(*place[:2], size, coin) for place, size, coin in zip(PLACES, sizes, money, strict=True)]
    lines = [
        f"projected_cap = {draw.uniform(2e-4, 1.5e-3):.6f}" if draw.random() < 0.4 else "",
        f"flip_after = {draw.integers(1, 5)}" if draw.random() < 0.6 else "",
        f"expected_max = {draw.uniform(0.02, 0.3):.3f}" if draw.random() < 0.6 else "",
        f'response = "{draw.choice(["close", "rotate", "move", "move"])}"', "payback_days = 60", "skew_alert = 0.1",
    ]  # fmt: skip
    text = "schema_version = 1\n[guardrails]\ncooldown_minutes = 120\n[funding]\n" + "\n".join(lines)
    return Journey(
        book=Book(as_of_ns=START, source="seeded", accounts=tuple(accounts)),
        terms={venue: load_terms(venue) for venue, _, _ in PLACES}, bars=bars_of(draw, bars),
        playbook=parse_playbook(text, f"seed {seed}"), seed=seed,
        fills=Fills(latency=int(draw.choice([0, 2]))),
    )  # fmt: skip


def fired(run: laws.Run) -> Counter[int]:
    """How many orders each rule started."""
    what = run.outcome.what
    return Counter(what[what[:, 1] == journal.RULE, 4].tolist())


@pytest.mark.parametrize("seed", range(12))
def test_rules_on_rates_keep_the_laws_of_the_tick(seed: int) -> None:
    laws.judge(funded_journey(seed))


def test_every_rule_on_rates_acts_in_the_seeded_runs() -> None:
    every = sum((fired(laws.travel(funded_journey(seed))) for seed in range(12)), Counter())
    assert {FUNDING_PROJECTED, FUNDING_FLIP, FUNDING_EXPECTED, FUNDING_MOVED} <= set(every), every
