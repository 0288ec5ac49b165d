"""A sweep: a thousand playbooks over a year of hours of one asset, on two cores.

The baseline is the same runs one at a time through the engine's front door, on one core.
"""

from __future__ import annotations

import numpy as np

from benchmarks.document import median, publish, seconds
from perpbook.engine.backtest import Journey, backtest, prepare
from perpbook.engine.variants import run_figures, set_key, variant_figures
from perpbook.kernels.sweep import END
from perpbook.model.account import Account, Balance
from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.book import Book
from perpbook.playbook.load import parse_playbook
from perpbook.strategies.table import Leg, TargetTable
from perpbook.terms.load import load_terms

VARIANTS, BARS, HOUR_NS = 1_000, 8_760, 3_600_000_000_000

PLAYBOOK = """
schema_version = 1
name = "sweep"
[leverage]
asset = { default = 3.0 }
account = { gross = 3.0 }
book = { gross = 3.0, net = 3.0 }
[survival]
moves = [0.05, 0.10]
[guardrails]
position_loss = 0.30
weekly_drawdown = 0.25
take_profit = [{ gain = 0.4, close = 0.5 }]
[funding]
daily_cap = 0.01
"""


def example() -> Journey:
    """One perpetual, long the whole book, sent back to that every 60 days."""
    chance = np.random.default_rng(2)
    close = 20_000 * np.exp(np.cumsum(chance.normal(size=(1, BARS)) * 6e-3, axis=1))
    opens = np.concatenate([[[20_000.0]], close[:, :-1]], axis=1)
    high = np.maximum(opens, close) * (1 + np.abs(chance.normal(size=close.shape)) * 2e-3)
    low = np.minimum(opens, close) * (1 - np.abs(chance.normal(size=close.shape)) * 2e-3)
    start = 1_600_041_600_000_000_000 // (24 * HOUR_NS) * 24 * HOUR_NS
    open_ns = start + HOUR_NS * np.arange(BARS, dtype=np.int64)
    times = open_ns[::8].copy()
    funding = Settlements(
        times_ns=times, rates=chance.normal(size=times.size) * 1e-4, interval_ns=np.full(times.size, 8 * HOUR_NS)
    )
    bars = Bars(
        bar_ns=HOUR_NS, open_ns=open_ns, series=(SeriesKey(venue="binance", symbol="BTCUSDT"),), open=opens, high=high,
        low=low, close=close, stale=np.zeros(close.shape, dtype=np.uint8), settlements=(funding,), simulated=True,
        source="benchmark",
    )  # fmt: skip
    bar = np.arange(0, BARS, 60 * 24, dtype=np.int64)
    leg = Leg(account="main", venue="binance", symbol="BTCUSDT")
    collateral = (Balance(asset="USDT", amount=100_000.0),)
    return Journey(
        book=Book(
            as_of_ns=start, source="benchmark", accounts=(Account(id="main", venue="binance", collateral=collateral),)
        ),
        terms={"binance": load_terms("binance")},
        bars=bars,
        playbook=parse_playbook(PLAYBOOK, "benchmark"),
        targets=TargetTable(bar=bar, legs=(leg,), exposure=np.full((bar.size, 1), 1.0)),
    )


def main() -> None:
    """Measure and print."""
    journey = example()
    assert journey.playbook is not None
    chance = np.random.default_rng(3)
    varied = {
        "leverage.account.gross": chance.uniform(1.6, 4.0, VARIANTS),
        "guardrails.position_loss": chance.uniform(0.1, 0.9, VARIANTS),
        "guardrails.weekly_drawdown": chance.uniform(0.1, 0.5, VARIANTS),
    }
    ready = prepare(journey)
    figures = variant_figures(journey.playbook, ready.play.names, ready.play.scenarios, varied)
    found = run_figures(journey, figures, split=BARS * 7 // 10)
    from dataclasses import replace

    for number in (0, 1, VARIANTS - 1):
        playbook = journey.playbook
        for key, values in varied.items():
            playbook = set_key(playbook, key, float(values[number]))
        assert backtest(replace(journey, playbook=playbook)).equity[-1] == found[number, END]
    ours = seconds(lambda: run_figures(journey, figures, split=BARS * 7 // 10))
    one = seconds(lambda: backtest(journey))
    publish(
        {
            "name": "sweep",
            "unit": "variants/s",
            "value": VARIANTS / median(ours),
            "baseline": {"name": "one run at a time through backtest()", "value": 1.0 / median(one)},
            "floor": None,
            "ratio": VARIANTS / median(ours) * median(one),
            "bars": BARS,
            "threads": 2,
        },
        ("numpy", "numba", "perpbook"),
    )


if __name__ == "__main__":
    main()
