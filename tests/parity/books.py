"""Seeded books through every kernel, each result an array with a name: what the two modes must agree on.

Run as `python -m tests.parity.books FILE.npz small|sums|decisions`; `PERPBOOK_KERNELS` chooses the mode. Nothing here knows
which it is. Small are kernels that are compiled in seconds: notionals, depth and options; sums are margin, liquidation and
stress; decisions are what rules make of them, four times as much to compile.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from perpbook.kernels import black, depth, implied, jit, lanes, liquidation, margin, notional, scale
from perpbook.kernels.types import Holdings
from perpbook.margin.assess import Assessed
from perpbook.model.account import Account, Balance, MarginMode, Position
from perpbook.model.book import Book, LayerBalance
from perpbook.model.market import Depth, Market, Quote, Snapshot
from perpbook.model.units import from_iso
from perpbook.playbook.decision import decide_on
from perpbook.playbook.load import parse_playbook
from perpbook.runs.check import assess_under
from perpbook.terms.load import load_terms
from tests.parity.minds import by_field, of_time

SEEDS = range(20)
NOW = from_iso("2026-11-22T12:00:00Z")
Arrays = Iterator[tuple[str, Any]]

CONTRACTS = {
    "binance": (("BTCUSDT", 90_000.0), ("ETHUSDT", 3_000.0), ("1000BONKUSDT", 0.02)),
    "bybit": (("BTCUSDT", 90_000.0), ("BTCUSD", 90_000.0)),
    "deribit": (("BTC-PERPETUAL", 90_000.0), ("BTC_USDC-PERPETUAL", 90_000.0)),
    "drift": (("SOL-PERP", 150.0),),
    "dydx": (("BTC-USD", 90_000.0), ("SOL-USD", 150.0)),
    "gmx": (("BTC/USD", 90_000.0),),
    "hyperliquid": (("BTC", 90_000.0), ("ETH", 3_000.0)),
    "okx": (("BTC-USDT-SWAP", 90_000.0), ("ETH-USD-SWAP", 3_000.0)),
}

PLAYBOOK = """
schema_version = 1
[capital]
sleeves = [{ name = "core", tags = ["core"], min = 0.2, max = 0.6 }]
[margin]
isolated = ["core"]
[leverage]
asset = { default = 1.5, BTC = 2.0 }
account = { gross = 3.0, net = 2.0, effective = 4.0 }
book = { gross = 2.5, net = 1.0, effective = 3.0 }
[survival]
moves = [0.05, 0.15, 0.4]
kinds = ["joint", "asset", "beta", "broken"]
buffer = 0.25
[guardrails]
position_loss = 0.02
[venues]
max_share = 0.3
[layers]
max_share = 0.4
[liquidity]
max_depth_share = 0.5
"""


def seeded_snapshot(seed: int) -> Snapshot:
    """A few accounts on real venues: both sides, hedges, coins, one isolated, some with depth."""
    draw = np.random.default_rng(seed)
    quotes = {}
    for venue, contracts in CONTRACTS.items():
        for symbol, price in contracts:
            mark = price * float(draw.uniform(0.97, 1.03))
            levels = [(k, float(draw.uniform(0.1, 5.0)) * 1e5 / mark) for k in (1, 2, 3)]
            book = Depth(
                bids=tuple((mark * (1 - k * 1e-3), size) for k, size in levels),
                asks=tuple((mark * (1 + k * 1e-3), size) for k, size in levels),
            )
            quotes[venue, symbol] = Quote(
                venue=venue, symbol=symbol, mark_price=mark, oracle_price=mark * 0.9995,
                open_interest=float(draw.uniform(1e6, 1e9)) / mark, depth=book if draw.random() < 0.5 else None,
            )  # fmt: skip
    names = draw.choice(sorted(CONTRACTS), size=int(draw.integers(1, 6)))
    accounts = tuple(seeded_account(draw, number, str(venue), quotes) for number, venue in enumerate(names))
    layers = (LayerBalance(layer="layer-1", balance=Balance(asset="USDC", amount=30_000.0)),)
    return Snapshot(
        book=Book(as_of_ns=NOW, source="parity", accounts=accounts, layers=layers),
        market=Market(
            as_of_ns=NOW, source="parity", quotes=quotes, betas={"ETH": 1.2, "SOL": 1.6},
            asset_prices={"BTC": 90_100.0, "ETH": 3_003.0, "SOL": 150.5},
        ),
    )  # fmt: skip


def seeded_account(draw: np.random.Generator, number: int, venue: str, quotes: dict[tuple[str, str], Quote]) -> Account:
    contracts = CONTRACTS[venue] if draw.random() < 0.7 else CONTRACTS[venue][:1]
    terms, positions, gross = load_terms(venue), [], 0.0
    for symbol, price in contracts:
        dollars = float(10.0 ** draw.uniform(3, 7.5)) * (1 if draw.random() < 0.5 else -1)
        gross += abs(dollars)
        quantity = dollars if terms.contracts[symbol].contract.is_inverse else dollars / price
        entry = price * float(draw.uniform(0.9, 1.1))
        leverage = 10.0 if draw.random() < 0.5 else None
        positions.append(
            Position(symbol=symbol, quantity=quantity, entry_price=entry, leverage=leverage, tags=("core",))
        )
    settles = sorted({terms.contracts[symbol].contract.settle for symbol, _ in contracts})
    worth = {"BTC": 90_100.0, "ETH": 3_003.0}
    share = gross / float(draw.choice([1.0, 3.0, 10.0, 40.0])) / len(settles)
    return Account(
        id=f"{venue}-{number}", venue=venue, layer="layer-1" if number % 2 else "layer-2",
        mode=MarginMode.ISOLATED if len(contracts) == 1 else MarginMode.CROSS, positions=tuple(positions),
        collateral=tuple(Balance(asset=asset, amount=share / worth.get(asset, 1.0)) for asset in settles),
    )  # fmt: skip


def of_assessment(assessed: Assessed) -> Arrays:
    """Margin, liquidation, stress as the product runs them."""
    for name in assessed.measures.__slots__:
        value = getattr(assessed.measures, name)
        fields = value._asdict().items() if name == "lines" else [("", value)]
        yield from ((f"measures.{name}{field}", array) for field, array in fields)
    for name in ("prices", "equity", "maintenance", "fraction"):
        yield f"grid.{name}", getattr(assessed.grid, name)


def of_decision(assessed: Assessed) -> Arrays:
    decision = decide_on(assessed, parse_playbook(PLAYBOOK, "playbook"))
    for part in (decision.state, decision.raw, decision.proposals):
        for name, array in part._asdict().items():
            yield from by_field(f"{type(part).__name__}.{name}", array)
    yield "findings", np.array([(one.measured, one.limit, one.used) for one in decision.findings])


def of_kernels(held: Holdings, prices: Any, draw: np.random.Generator) -> Arrays:
    """What the product runs only now and then, or with other shapes: sizes, many lanes, rays, depth."""
    size = draw.uniform(0.0, 1.5, held.delta.size)
    lines = margin.lines_at(held, size)
    yield from ((f"lines_at.{name}", array) for name, array in lines._asdict().items())
    many = np.ascontiguousarray(prices[:, None] * np.exp(draw.normal(0.0, 0.3, (prices.size, 5_003))))
    equity, maintenance = np.empty((held.cash.size, 5_003)), np.empty((held.cash.size, 5_003))
    lanes.stress_grid(lanes.in_order_of_slope(lines), many, equity, maintenance)
    yield from (("stress_grid.equity", equity), ("stress_grid.maintenance", maintenance))
    out = np.empty(held.cash.size)
    scale.largest_scales(held, np.ascontiguousarray(many[:, :7]), 0.3, out)
    yield "largest_scales", out
    fractions = np.empty((held.cash.size, 25))
    directions = np.ascontiguousarray(many[:, :25] - prices[:, None])
    liquidation.first_deaths(lines, prices, directions, fractions)
    yield "first_deaths", fractions
    moves, betas = np.empty((held.cash.size, 2)), draw.uniform(-0.5, 2.0, prices.size)
    liquidation.joint_moves(lines, prices, betas, moves)
    yield "joint_moves", moves


def of_small_kernels(draw: np.random.Generator) -> Arrays:
    quantities, entries = draw.normal(0.0, 10.0, 501), draw.uniform(1.0, 100.0, 501)
    prices, inverse = draw.uniform(1.0, 100.0, 501), (draw.random(501) < 0.5).astype(np.uint8)
    values, profits = np.empty(501), np.empty(501)
    notional.notionals(quantities, prices, inverse, values)
    notional.unrealized_pnls(quantities, entries, prices, inverse, profits)
    yield from (("notionals", values), ("unrealized_pnls", profits))
    levels, sizes = np.sort(draw.uniform(99.0, 101.0, 30)), draw.uniform(0.1, 2.0, 30)
    yield from of_options(draw)
    yield "walk", np.array([depth.walk(levels, sizes, float(wanted)) for wanted in np.linspace(0.01, 60.0, 40)])


def of_options(draw: np.random.Generator) -> Arrays:
    count = 200
    forwards, years = draw.uniform(10.0, 1e5, count), draw.uniform(0.0, 3.0, count)
    strikes, volatilities = forwards * np.exp(draw.uniform(-2.0, 2.0, count)), draw.uniform(0.01, 2.0, count)
    discounts, calls = draw.uniform(0.8, 1.0, count), (draw.random(count) < 0.5).astype(np.uint8)
    greeks, implied_by = np.empty((5, count)), np.empty(count)
    black.black_greeks(forwards, strikes, years, volatilities, discounts, calls, greeks)
    implied.implied_volatilities(greeks[0].copy(), forwards, strikes, years, discounts, calls, implied_by)
    yield from (("black_greeks", greeks), ("implied_volatilities", implied_by))


def results(seed: int, part: str) -> Arrays:
    """Every array of one seeded book in one part."""
    draw = np.random.default_rng(1_000 + seed)
    if part == "small":
        yield from of_small_kernels(draw)
        return
    snapshot = seeded_snapshot(seed)
    terms = {account.venue: load_terms(account.venue) for account in snapshot.book.accounts}
    assessed = assess_under(snapshot, parse_playbook(PLAYBOOK, "playbook"), terms)
    if part == "decisions":
        yield from of_decision(assessed)
        yield from of_time(seed)
        return
    yield from of_assessment(assessed)
    yield from of_kernels(assessed.arrays.held, assessed.arrays.prices, draw)


def main(path: Path, part: str) -> None:
    found = {f"{seed}.{name}": array for seed in SEEDS for name, array in results(seed, part)}
    np.savez(path, **found)
    print(jit.mode(), hasattr(lanes.stress_grid, "py_func"), len(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
