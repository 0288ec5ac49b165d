"""The rules on funding rates in a run: every bar ticked gives the same, and what they do is what the settlements say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.drill import example
from perpbook.engine.backtest import Fills, Journey
from perpbook.engine.drill import run_drill
from perpbook.examples.catalogue import book_file
from perpbook.kernels import journal
from perpbook.kernels.drill import RULES
from perpbook.kernels.in_force import HALF_LIFE_NS, expect, left_today
from perpbook.kernels.state import (
    FUNDING_EXPECTED,
    FUNDING_FLIP,
    FUNDING_MOVED,
    FUNDING_PROJECTED,
    FUNDING_SKEW,
)
from perpbook.model.account import Account, Balance, MarginMode, Position
from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.book import Book
from perpbook.model.event import EventKind
from perpbook.model.units import DAY_NS, HOUR_NS, from_iso
from perpbook.model.verdict import Status
from perpbook.playbook.decision import decide_on
from perpbook.playbook.load import parse_playbook
from perpbook.runs.check import run_check
from perpbook.strategies.table import Leg
from perpbook.terms.load import load_terms
from tests.runs import laws
from tests.runs.futures import paths_are_backtests

START, MIDNIGHT = from_iso("2024-03-01T05:00:00Z"), from_iso("2024-03-01T00:00:00Z")
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


def funded_journey(seed: int, bars: int = 120) -> Journey:
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


@pytest.mark.parametrize("seed", range(8))
def test_rules_on_rates_keep_the_laws_of_the_tick(seed: int) -> None:
    laws.judge(funded_journey(seed))


def test_every_rule_on_rates_acts_in_the_seeded_runs() -> None:
    every = sum((fired(laws.travel(funded_journey(seed))) for seed in range(8)), Counter())
    assert {FUNDING_PROJECTED, FUNDING_FLIP, FUNDING_EXPECTED, FUNDING_MOVED} <= set(every), every


# What they do, on rates that stay


def still_journey(rules: str, rates: tuple[float, float], money: float = 90_000.0, bars: int = 60) -> laws.Run:
    """A long of 2 BTC on Hyperliquid at a price that stands still, and an account on Binance that may trade; rates a year."""
    open_ns = MIDNIGHT + HOUR_NS * np.arange(bars, dtype=np.int64)
    flat = np.full((2, bars), 60_000.0)
    settled = []
    for yearly, hours in zip(rates, (1, 8), strict=True):
        times = open_ns[(open_ns // HOUR_NS) % hours == 0]
        rate = yearly * hours / (365 * 24)
        settled.append(
            Settlements(
                times_ns=times, rates=np.full(times.size, rate), interval_ns=np.full(times.size, hours * HOUR_NS)
            )
        )
    keys = (SeriesKey(venue="hyperliquid", symbol="BTC"), SeriesKey(venue="binance", symbol="BTCUSDT"))
    accounts = (
        account("hyperliquid", "BTC", 2.0, Balance(asset="USDC", amount=90_000.0)),
        account("binance", "BTCUSDT", 0.0, Balance(asset="USDT", amount=money)),
    )
    history = Bars(
        bar_ns=HOUR_NS, open_ns=open_ns, series=keys, open=flat, high=flat.copy(), low=flat.copy(), close=flat.copy(),
        stale=np.zeros(flat.shape, dtype=np.uint8), settlements=tuple(settled),
    )  # fmt: skip
    journey = Journey(
        book=Book(as_of_ns=MIDNIGHT, source="still", accounts=accounts),
        terms={key.venue: load_terms(key.venue) for key in keys},
        bars=history,
        playbook=parse_playbook(f"schema_version = 1\n[funding]\n{rules}", "still"),
        legs=tuple(Leg(account=key.venue, venue=key.venue, symbol=key.symbol) for key in keys),
    )
    return laws.travel(journey)


def sizes(run: laws.Run) -> list[float]:
    """What is held at the end, on Hyperliquid and on Binance."""
    return [float(run.ready.body.holding.rows.quantity[row]) for row in run.ready.arrangement.positions]


DEAR = "expected_max = 0.2\n"


@pytest.mark.parametrize(
    ("rules", "rates", "held"),
    [
        ('response = "close"', (0.5, 0.1), [0.0, 0.0]),
        ('response = "rotate"', (0.5, 0.1), [0.0, 2.0]),
        ('response = "rotate"', (0.5, 0.6), [0.0, 0.0]),
        ('response = "move"', (0.5, 0.1), [0.0, 2.0]),
        ('response = "move"', (0.5, 0.6), [2.0, 0.0]),
        ('response = "move"\npayback_days = 0.1', (0.5, 0.1), [2.0, 0.0]),
        ('response = "move"', (0.19, 0.1), [2.0, 0.0]),
    ],
)
def test_what_is_dear_is_closed_or_moved_as_the_playbook_says(
    rules: str, rates: tuple[float, float], held: list[float]
) -> None:
    assert sizes(still_journey(DEAR + rules, rates)) == held


@pytest.mark.parametrize("money", [500.0, 3_500.0, 39_000.0])
def test_a_move_that_finds_no_room_leaves_the_direction_where_it_is(money: float) -> None:
    run = still_journey(DEAR + 'response = "move"', (0.5, 0.1), money=money)
    refused = run.outcome.what[run.outcome.what[:, 1] == journal.REFUSED]
    assert sizes(run) == [2.0, 0.0] and not refused.size


def test_a_move_asks_for_room_under_the_accounts_cap() -> None:
    capped = DEAR + 'response = "move"\n[leverage.account]\ngross = 1.4\n'
    assert sizes(still_journey(capped, (0.5, 0.1), money=90_000.0)) == [0.0, 2.0]
    assert sizes(still_journey(capped, (0.5, 0.1), money=80_000.0)) == [2.0, 0.0]


def test_a_flip_needs_a_settlement_received_first() -> None:
    assert sizes(still_journey("flip_after = 2", (0.5, 0.1))) == [2.0, 0.0]


@pytest.mark.parametrize("yearly", [0.5, 3.0])
def test_a_day_under_a_projected_cap_pays_no_more(yearly: float) -> None:
    cap = 0.0005
    run = still_journey(f"projected_cap = {cap}", (yearly, 0.1), bars=24 * 5)
    paid = [-event.cash for event in run.outcome.events() if event.kind is EventKind.FUNDING and event.tick >= 24]
    alone = 2 * 60_000.0 * yearly / 365
    assert 0.0 < sum(paid) <= 4 * cap * 180_000.0 and sum(paid) < 4 * alone


@given(st.integers(0, 10**6), st.sampled_from([1, 2, 4, 8, 24]), st.integers(0, 100))
def test_settlements_left_in_a_day_are_those_that_come(minute: int, hours: int, later: int) -> None:
    settled, interval = minute * 60 * 10**9, hours * HOUR_NS
    now = settled + later * HOUR_NS // 7
    midnight = (now // DAY_NS + 1) * DAY_NS
    coming = [at for at in range(settled + interval, midnight, interval) if at >= now]
    assert left_today(settled, interval, now) == len(coming)


@given(st.lists(st.floats(-1e-3, 1e-3), min_size=1, max_size=20), st.sampled_from([1, 8]))
def test_what_is_expected_lies_among_what_was(rates: list[float], hours: int) -> None:
    row = np.array([rates])
    intervals = np.full(row.shape, hours * HOUR_NS)
    out = np.empty(row.shape)
    expect(row, intervals, 0.5 ** (intervals / HALF_LIFE_NS), out)
    yearly = row * 365 * 24 / hours
    for n in range(row.size):
        past = yearly[0, : n + 1]
        assert past.min() - 1e-12 <= out[0, n] <= past.max() + 1e-12
    weights = 0.5 ** (intervals[0, 0] / HALF_LIFE_NS * np.arange(row.size - 1, -1, -1))
    weights[1:] *= 1.0 - 0.5 ** (intervals[0, 0] / HALF_LIFE_NS)
    assert out[0, -1] == pytest.approx(float(weights @ yearly[0]), abs=1e-12)


def test_a_skew_alert_is_a_finding_and_no_trade() -> None:
    found = run_check(book_file("hedged"))
    rules = parse_playbook("schema_version = 1\n[funding]\nskew_alert = 0.1\n", "p.toml")
    decision = decide_on(found.assessed, rules)
    told = [one for one in decision.findings if one.rule == "funding.skew_alert"]
    assert {one.subject for one in told} == {"BTC @ hl-long", "BTCUSDT @ binance-short"}
    assert [one.measured for one in told] == pytest.approx([0.0000125 * 24 * 365, 0.00015 * 3 * 365], rel=1e-9)
    assert all(one.status is Status.BREACH for one in told)
    assert FUNDING_SKEW not in decision.proposals.reason


RATES = ("flip_after = 1\nexpected_max = 0.02", "projected_cap = 0.00001", 'expected_max = 0.01\nresponse = "move"')


@pytest.mark.parametrize("rules", RATES)
def test_an_imagined_future_is_the_backtest_of_it(rules: str) -> None:
    drill = example(3, steps=30)
    playbook = parse_playbook(f"schema_version = 1\n[funding]\n{rules}\n", "drill")
    changed = replace(drill, journey=replace(drill.journey, playbook=playbook, due=None))
    paths_are_backtests(changed, range(3))
    assert run_drill(changed, threads=1).figures[:, RULES].sum() > 0.0
