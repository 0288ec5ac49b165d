"""A year of minutes for ten perpetuals on four accounts: every mechanic on, a ten-rule playbook, one core.

The baseline is a hand-written scalar loop over the same data that does far less: price profit, funding and tiers, no
orders, no rules, no records, no checks. `value` is with rules that fire rarely; `others` tells what a strategy that sits at
a limit, and breaks a rule in 1 % and in 10 % of bars, costs.
"""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np

from benchmarks.document import median, publish, seconds
from perpbook.engine.backtest import Journey, backtest
from perpbook.engine.outcome import Outcome
from perpbook.kernels.jit import kernel
from perpbook.kernels.journal import RULE
from perpbook.kernels.tape import Tape
from perpbook.kernels.types import Floats, Integers
from perpbook.model.account import Account, Balance
from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.book import Book
from perpbook.playbook.load import parse_playbook
from perpbook.strategies.table import Leg, TargetTable
from perpbook.terms.load import load_terms

BARS, MINUTE_NS, HOUR_NS = 525_600, 60_000_000_000, 3_600_000_000_000
COINS = ("BTC", "ETH", "SOL", "XRP", "ADA")
ACCOUNTS = (("binance-a", "binance"), ("binance-b", "binance"), ("hl-a", "hyperliquid"), ("hl-b", "hyperliquid"))

OVER = 0.2015
"""What two legs of one asset are sent to where rules are to fire: a little over its cap of 0.4, so that the trades are small
and the book lives."""

PLAYBOOK = """
schema_version = 1
name = "ten rules"
[leverage]
asset = { default = 0.6, BTC = 0.4 }
account = { gross = 4.0, net = 4.0 }
book = { gross = 2.5, net = 1.0 }
[survival]
moves = [0.05, 0.10, 0.15]
kinds = ["joint", "asset"]
buffer = 0.25
[guardrails]
position_loss = 0.05
daily_drawdown = 0.10
weekly_drawdown = 0.15
take_profit = [{ gain = 0.5, close = 0.25 }, { gain = 1.0, close = 0.5 }]
slack = 0.0
cooldown_minutes = 0.0
[funding]
daily_cap = 0.01
[rebalance]
cadence = "weekly"
drift = 0.05
"""


def example_bars(count: int = BARS) -> Bars:
    """Ten seeded walks of minutes with funding every eight hours."""
    chance = np.random.default_rng(1)
    shape = (10, count)
    close = 100 * np.exp(np.cumsum(chance.normal(size=shape) * 6e-4, axis=1))
    opens = np.concatenate([np.full((10, 1), 100.0), close[:, :-1]], axis=1)
    high = np.maximum(opens, close) * (1 + np.abs(chance.normal(size=shape)) * 3e-4)
    low = np.minimum(opens, close) * (1 - np.abs(chance.normal(size=shape)) * 3e-4)
    start = 1_600_041_600_000_000_000 // (24 * HOUR_NS) * 24 * HOUR_NS
    open_ns = start + MINUTE_NS * np.arange(count, dtype=np.int64)
    times = np.arange(start, open_ns[-1] + 1, 8 * HOUR_NS, dtype=np.int64)
    settlements = tuple(
        Settlements(
            times_ns=times,
            rates=chance.normal(size=times.size) * 1e-4,
            interval_ns=np.full(times.size, 8 * HOUR_NS, dtype=np.int64),
        )
        for _ in range(10)
    )
    series = [SeriesKey(venue="binance", symbol=f"{coin}USDT") for coin in COINS]
    series += [SeriesKey(venue="hyperliquid", symbol=coin) for coin in COINS]
    return Bars(
        bar_ns=MINUTE_NS, open_ns=open_ns, series=tuple(series), open=np.ascontiguousarray(opens), high=high, low=low,
        close=close, stale=np.zeros(shape, dtype=np.uint8), settlements=settlements, simulated=True, source="benchmark",
    )  # fmt: skip


def example_legs(bars: Bars) -> tuple[Leg, ...]:
    """Each contract in one of its venue's two accounts."""
    out = []
    for number, key in enumerate(bars.series):
        own = [name for name, venue in ACCOUNTS if venue == key.venue]
        out.append(Leg(account=own[number % 2], venue=key.venue, symbol=key.symbol))
    return tuple(out)


def journey(bars: Bars, every: int | None = None) -> Journey:
    """Long five, short five, twice a tenth of the book each; `every` so many bars one leg is sent over its cap."""
    legs = example_legs(bars)
    weekly = 7 * 1440
    step = weekly if every is None else every
    bar = np.arange(0, bars.count, step, dtype=np.int64)
    exposure = np.tile(np.where(np.arange(10) < 5, 0.15, -0.15), (bar.size, 1))
    if every is not None:
        exposure[1:] = np.nan
        exposure[1:, [0, 5]] = OVER, -OVER
    from perpbook.playbook.schedule import due_bars

    playbook = parse_playbook(PLAYBOOK, "benchmark")
    assert playbook.rebalance is not None
    book = Book(
        as_of_ns=int(bars.open_ns[0]),
        source="benchmark",
        accounts=tuple(
            Account(
                id=name,
                venue=venue,
                collateral=(Balance(asset="USDT" if venue == "binance" else "USDC", amount=250_000.0),),
            )
            for name, venue in ACCOUNTS
        ),
    )
    return Journey(
        book=book,
        terms={venue: load_terms(venue) for venue in ("binance", "hyperliquid")},
        bars=bars,
        playbook=playbook,
        targets=TargetTable(bar=bar, legs=legs, exposure=exposure),
        due=due_bars(playbook.rebalance, bars.open_ns, bars.bar_ns),
    )


@kernel
def scalar_loop(
    tape: Tape, size: Floats, account: Integers, cash: Floats, rates: Floats, deductions: Floats, curve: Floats
) -> int:
    """Price profit, funding and tiered margin of fixed positions, bar by bar; counts bars with a dead account."""
    positions, accounts, bars = size.size, cash.size, tape.close.shape[1]
    cursor, dead = 0, 0
    equity, need = np.zeros(8), np.zeros(8)
    for t in range(bars):
        while cursor < tape.funding_bar.size and tape.funding_bar[cursor] <= t:
            for c in range(positions):
                cash[account[c]] -= size[c] * tape.open[c, t] * tape.funding_rate[c, cursor]
            cursor += 1
        for k in range(accounts):
            equity[k], need[k] = cash[k], 0.0
        total = 0.0
        for i in range(positions):
            adverse = tape.low[i, t] if size[i] > 0.0 else tape.high[i, t]
            notional = abs(size[i]) * adverse
            margin = notional * rates[i, 0] - deductions[i, 0]
            for k in range(1, rates.shape[1]):
                margin = max(margin, notional * rates[i, k] - deductions[i, k])
            equity[account[i]] += size[i] * (adverse - 100.0)
            need[account[i]] += margin
            total += size[i] * (tape.close[i, t] - 100.0)
        for k in range(accounts):
            total += cash[k]
            if equity[k] < need[k]:
                dead += 1
        curve[t] = total
    return dead


def bare(bars: Bars) -> Any:
    """The scalar loop on the benchmark's own data, ready to call."""
    from perpbook.engine.backtest import prepare

    ready = prepare(journey(bars))
    slots = ready.arrangement.slots
    size = np.where(np.arange(10) < 5, 2_000.0, -2_000.0)
    account = np.zeros(10, dtype=np.int64)
    account[slots.rows.column] = slots.rows.account
    rates, deductions = np.zeros((10, 6)), np.zeros((10, 6))
    rates[:] = [0.004, 0.005, 0.01, 0.025, 0.05, 0.1]
    deductions[:] = np.concatenate([[0.0], np.cumsum(np.array([5e4, 2.5e5, 1e6, 5e6, 2e7]) * np.diff(rates[0]))])
    curve = np.empty(bars.count)
    return lambda: scalar_loop_from(ready.reel.tape, size, account, rates, deductions, curve)


def scalar_loop_from(
    tape: Tape, size: Floats, account: Integers, rates: Floats, deductions: Floats, curve: Floats
) -> int:
    """The loop from fresh cash."""
    return scalar_loop(tape, size, account, np.full(4, 250_000.0), rates, deductions, curve)


def peak_bytes(bars: Bars, run: Journey) -> tuple[int, int]:
    """Most memory a run takes beside its input, and the input's size."""
    tracemalloc.start()
    backtest(run)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    arrays = (bars.open, bars.high, bars.low, bars.close, bars.stale, bars.open_ns)
    return peak, sum(array.nbytes for array in arrays)


def share_fired(outcome: Outcome) -> float:
    """Share of bars at whose close a rule acted."""
    bars: int = outcome.curve.shape[1]
    return int(np.unique(outcome.what[outcome.what[:, 1] == RULE, 0]).size) / bars


def main() -> None:
    """Measure and print."""
    bars = example_bars()
    work = bars.count * 10 / 1e6
    others = {}
    loop = bare(bars)
    for name, every in (("rules fire in 1 % of bars", 10_080), ("rules fire in 10 % of bars", 140)):
        run = journey(bars, every)
        fired = share_fired(backtest(run))
        others[name] = {"value": work / median(seconds(lambda run=run: backtest(run))), "fired": fired}  # type: ignore[misc]
    run = journey(bars)
    fired = share_fired(backtest(run))
    ours = seconds(lambda: backtest(run))
    theirs = seconds(loop)
    peak, given = peak_bytes(bars, run)
    publish(
        {
            "name": "backtest_bars",
            "unit": "M bar-events/s",
            "value": work / median(ours),
            "baseline": {"name": "bare scalar loop: price, funding, tiers", "value": work / median(theirs)},
            "floor": None,
            "ratio": median(theirs) / median(ours),
            "fired": fired,
            "others": others,
            "memory": {"peak_bytes_beside_input": peak, "input_bytes": given, "ratio": (peak + given) / given},
        },
        ("numpy", "numba", "perpbook"),
    )


if __name__ == "__main__":
    main()
