"""A hundred thousand weeks of one book: ten assets by the hour, twenty positions on four accounts, ten rules, one core.

The book is one that its playbook fits: rules act in a few weeks of a hundred. `restless` is a book two thirds as large again,
in which they act in every third or fourth week; `alone` is that book without a playbook. `floor` is the paths alone: drawn
and thrown away. The baseline is NumPy, all paths of a chunk at once, with prices, funding, equity and tiered margin of
fixed positions, and neither rules nor venues' procedures.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.backtest_bars import COINS, HOUR_NS
from benchmarks.document import median, publish, seconds
from perpbook.engine.backtest import Journey
from perpbook.engine.drill import Drill, run_drill
from perpbook.kernels.drill import FIRST, RULES
from perpbook.kernels.jit import kernel
from perpbook.kernels.paths import BOOTSTRAP, CLOSE, Brush, Jumps, Source, Steps, empty_steps, fill_path, new_brush
from perpbook.model.account import Account, Balance, Position
from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.book import Book
from perpbook.playbook.load import parse_playbook
from perpbook.terms.load import load_terms

PATHS, STEPS, ROWS = 100_000, 168, 17_520
ACCOUNTS = (("binance-a", "binance"), ("binance-b", "binance"), ("hl-a", "hyperliquid"), ("hl-b", "hyperliquid"))
SIZES = (
    (800.0, 500.0, 400.0, 300.0, 300.0),
    (-300.0, 400.0, -200.0, 200.0, 300.0),
    (-700.0, -500.0, -300.0, -300.0, -200.0),
    (200.0, -300.0, 200.0, -200.0, -100.0),
)
CASH = 45_000.0
FITTING = 0.6
"""Of those sizes: the book that its playbook fits."""

PLAYBOOK = """
schema_version = 1
name = "ten rules"
[leverage]
asset = { default = 1.6 }
account = { gross = 8.0, net = 8.0 }
book = { gross = 5.5, net = 2.0 }
[survival]
moves = [0.05, 0.10]
kinds = ["joint", "asset"]
buffer = 0.25
[guardrails]
position_loss = 0.06
daily_drawdown = 0.10
weekly_drawdown = 0.15
take_profit = [{ gain = 0.25, close = 0.25 }, { gain = 0.5, close = 0.5 }]
[funding]
daily_cap = 0.01
"""

START = 1_600_041_600_000_000_000 // (24 * HOUR_NS) * 24 * HOUR_NS


def example_source() -> Source:
    """Two years of seeded hours with fat tails, five assets on two venues each: ten prices."""
    chance = np.random.default_rng(4)
    market = chance.standard_t(3, size=ROWS) * 2.5e-3
    own = chance.standard_t(3, size=(5, ROWS)) * 2e-3
    basis = chance.normal(size=(10, ROWS)) * 2e-4
    moves = np.concatenate([market + own, market + own]) + basis
    pool = np.empty((10, ROWS, 4))
    pool[:, :, 0] = np.exp(moves - moves.mean(axis=1, keepdims=True))
    pool[:, :, 1] = np.maximum(pool[:, :, 0], 1.0) * (1 + np.abs(chance.normal(size=(10, ROWS))) * 1e-3)
    pool[:, :, 2] = np.minimum(pool[:, :, 0], 1.0) * (1 - np.abs(chance.normal(size=(10, ROWS))) * 1e-3)
    pool[:, :, 3] = chance.normal(size=(10, ROWS)) * 2e-5
    none = np.zeros(0)
    return Source(
        kind=BOOTSTRAP, pool=np.ascontiguousarray(pool.transpose(1, 0, 2)), restart=1 / 24, drift=np.zeros(10),
        root=np.zeros((0, 0)), nu=0.0,
        table=np.zeros((0, 0)), recursion=np.zeros((0, 6)), given=np.zeros((0, 0, 0)), funding=none, bridge=np.zeros(10),
        jumps=Jumps(0.0, 0.0, 0.0, none, none, none),
    )  # fmt: skip


def example_stage(steps: int = STEPS) -> Bars:
    """A week of hours at a price of 100."""
    series = [SeriesKey(venue="binance", symbol=f"{coin}USDT") for coin in COINS]
    series += [SeriesKey(venue="hyperliquid", symbol=coin) for coin in COINS]
    flat = np.full((10, steps), 100.0)
    times = np.arange(START + 8 * HOUR_NS, START + steps * HOUR_NS, 8 * HOUR_NS, dtype=np.int64)
    hourly = np.arange(START + HOUR_NS, START + steps * HOUR_NS, HOUR_NS, dtype=np.int64)
    funding = [
        Settlements(times_ns=one, rates=np.zeros(one.size), interval_ns=np.full(one.size, length))
        for one, length in ((times, 8 * HOUR_NS), (hourly, HOUR_NS))
    ]
    return Bars(
        bar_ns=HOUR_NS, open_ns=START + HOUR_NS * np.arange(steps, dtype=np.int64), series=tuple(series), open=flat,
        high=flat.copy(), low=flat.copy(), close=flat.copy(), stale=np.zeros(flat.shape, dtype=np.uint8),
        settlements=(funding[0],) * 5 + (funding[1],) * 5, simulated=True, source="benchmark",
    )  # fmt: skip


def example_book(scale: float = 1.0) -> Book:
    """Mostly long on one venue and short on the other, five contracts in each of four accounts."""
    accounts = []
    for (name, venue), sizes in zip(ACCOUNTS, SIZES, strict=True):
        symbols = [f"{coin}USDT" if venue == "binance" else coin for coin in COINS]
        accounts.append(
            Account(
                id=name,
                venue=venue,
                collateral=(Balance(asset="USDT" if venue == "binance" else "USDC", amount=CASH),),
                positions=tuple(
                    Position(symbol=symbol, quantity=scale * size, entry_price=100.0)
                    for symbol, size in zip(symbols, sizes, strict=True)
                ),
            )
        )
    return Book(as_of_ns=START, source="benchmark", accounts=tuple(accounts))


def example(paths: int = PATHS, steps: int = STEPS, scale: float = 1.0) -> Drill:
    """The whole drill."""
    journey = Journey(
        book=example_book(scale),
        terms={venue: load_terms(venue) for venue in ("binance", "hyperliquid")},
        bars=example_stage(steps),
        playbook=parse_playbook(PLAYBOOK, "benchmark"),
    )
    return Drill(journey=journey, source=example_source(), paths=paths, seed=1)


@kernel
def paths_alone(source: Source, first: int, last: int, brush: Brush, steps: Steps) -> float:
    """Draw paths and keep a sum of where they end, so that nothing is left out."""
    total = 0.0
    for path in range(first, last):
        fill_path(source, 1, path, brush, steps)
        total += steps.close[0, steps.close.shape[1] - 1]
    return total


def numpy_drill(source: Source, paths: int, chunk: int = 5_000) -> int:
    """The same weeks by NumPy: fixed positions, funding, and tiered margin of four accounts; how many accounts die."""
    chance = np.random.default_rng(1)
    rates = np.array([0.004, 0.005, 0.01, 0.025, 0.05, 0.1])
    deductions = np.concatenate([[0.0], np.cumsum(np.array([5e4, 2.5e5, 1e6, 5e6, 2e7]) * np.diff(rates))])
    sizes = np.array(SIZES)[:, :, None]
    dead, pool = 0, np.ascontiguousarray(source.pool.transpose(1, 0, 2))
    for _ in range(0, paths, chunk):
        row = chance.integers(ROWS, size=chunk)
        level, cash = np.full((10, chunk), 100.0), np.full((4, chunk), CASH)
        gone = np.zeros((4, chunk), dtype=bool)
        for t in range(STEPS):
            fresh = chance.random(chunk) < source.restart
            row = np.where(fresh, chance.integers(ROWS, size=chunk), (row + 1) % ROWS)
            drawn = pool[:, row]
            high, low = level * drawn[:, :, 1], level * drawn[:, :, 2]
            level = level * drawn[:, :, CLOSE]
            for account, held in enumerate(sizes):
                first = 0 if account < 2 else 5
                adverse = np.where(held > 0, low[first : first + 5], high[first : first + 5])
                if t % (8 if first == 0 else 1) == 0:
                    paid = held * level[first : first + 5] * drawn[first : first + 5, :, 3]
                    cash[account] -= (paid * (8 if first == 0 else 1)).sum(axis=0)
                notional = np.abs(held) * adverse
                need = (notional[:, :, None] * rates - deductions).max(axis=2).sum(axis=0)
                gone[account] |= cash[account] + (held * (adverse - 100.0)).sum(axis=0) < need
        dead += int(gone.sum())
    return dead


def told(drill: Drill, repeat: int = 3) -> dict[str, float]:
    """One drill: seconds, and how much happens in it."""
    spent = seconds(lambda: run_drill(drill, threads=1), repeat=repeat)
    found = run_drill(drill, threads=1)
    return {
        "seconds": median(spent),
        "seconds_least": min(spent),
        "liquidated": float((found.figures[:, FIRST] < STEPS).mean()),
        "rules_acted": float((found.figures[:, RULES] > 0).mean()),
    }


def main() -> None:
    """Measure and print."""
    drill, restless = example(scale=FITTING), example()
    alone = replace(restless, journey=replace(restless.journey, playbook=None))
    ours = told(drill)
    brush, steps = new_brush(10, STEPS), empty_steps(10, STEPS)
    bare = seconds(lambda: paths_alone(drill.source, 0, PATHS, brush, steps))
    share = 20
    theirs = [share * one for one in seconds(lambda: numpy_drill(drill.source, PATHS // share), repeat=3)]
    publish(
        {
            "name": "drill",
            "unit": "seconds",
            "value": ours["seconds"],
            "baseline": {"name": f"NumPy, {PATHS // share:,} paths times {share}", "value": median(theirs)},
            "floor": {"name": "the paths alone", "value": median(bare)},
            "ratio": median(theirs) / ours["seconds"],
            "paths": PATHS,
            "steps": STEPS,
            "fitting": ours,
            "restless": told(restless),
            "alone": told(alone),
        },
        ("numpy", "numba", "perpbook"),
    )


if __name__ == "__main__":
    main()
