"""From a seed a journey: accounts on real venues, near to and far from death, with a playbook, targets and orders."""

from __future__ import annotations

import numpy as np

from perpbook.engine.arrange import Frictions
from perpbook.engine.backtest import Fills, Journey
from perpbook.model.account import Account, Balance, MarginMode, Order, Position
from perpbook.model.bars import Bars
from perpbook.model.book import Book, LayerBalance, Transfer
from perpbook.model.market import STABLECOINS
from perpbook.playbook.load import parse_playbook
from perpbook.playbook.schedule import due_bars
from perpbook.playbook.schema import Playbook
from perpbook.strategies.table import Leg, TargetTable
from perpbook.terms.find import find_contract
from perpbook.terms.load import load_terms
from perpbook.terms.terms import VenueTerms
from tests.runs.paths import Chance, seeded_bars
from tests.runs.playbooks import seeded_playbook

CONTRACTS = {
    "binance": (("BTCUSDT", "BTC"), ("ETHUSDT", "ETH"), ("SOLUSDT", "SOL")),
    "binance-coinm": (("BTCUSD_PERP", "BTC"),),
    "bitmex": (("XBTUSD", "BTC"),),
    "bybit": (("BTCUSDT", "BTC"), ("ETHUSDT", "ETH"), ("BTCUSD", "BTC")),
    "deribit": (("BTC-PERPETUAL", "BTC"), ("BTC_USDC-PERPETUAL", "BTC"), ("SOL_USDC-PERPETUAL", "SOL")),
    "drift": (("SOL-PERP", "SOL"), ("BTC-PERP", "BTC")),
    "dydx": (("BTC-USD", "BTC"), ("SOL-USD", "SOL"), ("ETH-USD", "ETH")),
    "gmx": (("BTC/USD", "BTC"), ("ETH/USD", "ETH")),
    "hyperliquid": (("BTC", "BTC"), ("ETH", "ETH"), ("SOL", "SOL")),
    "okx": (("BTC-USDT-SWAP", "BTC"), ("ETH-USDT-SWAP", "ETH"), ("ETH-USD-SWAP", "ETH")),
}
HEDGES = {"binance": ("BTC", 0.95), "drift": ("SOL", 0.9)}
"""Venues that take a coin as collateral of linear contracts, with its weight."""

Series = tuple[str, str, str]
Chosen = tuple[str, MarginMode, tuple[tuple[str, str], ...]]


def seeded_journey(seed: int, longest: int = 3_000) -> Journey:
    """A run of at most `longest` bars. The same seed and length give the same journey."""
    draw = np.random.default_rng(seed)
    chosen = [choose_account(draw) for _ in range(int(draw.integers(1, 5)))]
    venues = list(dict.fromkeys(venue for venue, _, _ in chosen))
    terms = {venue: load_terms(venue) for venue in venues}
    series = list(dict.fromkeys((venue, symbol, asset) for venue, _, some in chosen for symbol, asset in some))
    bars = seeded_bars(draw, series, longest)
    accounts, hedged = [], False
    for number, one in enumerate(chosen):
        coin = not hedged and all(other not in HEDGES or other == one[0] for other in venues) and one[0] in HEDGES
        accounts.append(seeded_account(draw, number, one, bars, terms[one[0]], coin and draw.random() < 0.5))
        hedged = hedged or coin
    book = Book(
        as_of_ns=int(bars.open_ns[0]),
        source="seeded",
        accounts=tuple(accounts),
        layers=seeded_layers(draw),
        transfers=seeded_transfers(draw, bars, accounts),
    )
    playbook = parse_playbook(seeded_playbook(draw, venues), f"seed {seed}") if draw.random() < 0.9 else None
    return Journey(
        book=book,
        terms=terms,
        bars=bars,
        playbook=playbook,
        targets=seeded_targets(draw, chosen, bars.count),
        due=due_of(playbook, bars),
        betas={} if draw.random() < 0.5 else {"ETH": 1.3, "SOL": float(draw.choice([1.7, 6.0])), "BTC": 0.9},
        frictions=Frictions(half_spread=float(draw.choice([0.0, 1e-4, 2e-3])), impact=float(draw.choice([0.0, 1.0]))),
        fills=Fills(pessimistic=bool(draw.random() < 0.8), latency=int(draw.choice([0, 0, 1, 5]))),
        daily_volume=np.full((len(series), 200), 5e7) if draw.random() < 0.5 else None,
        seed=seed,
    )  # fmt: skip


def choose_account(draw: Chance) -> Chosen:
    """A venue, a margin mode and contracts."""
    venue = str(draw.choice(sorted(CONTRACTS)))
    every = CONTRACTS[venue]
    alone = venue == "gmx" or draw.random() < 0.3
    count = 1 if alone else int(draw.integers(1, len(every) + 1))
    some = tuple(every[k] for k in sorted(draw.choice(len(every), size=count, replace=False)))
    return venue, MarginMode.ISOLATED if alone else MarginMode.CROSS, some


def seeded_account(
    draw: Chance, number: int, chosen: Chosen, bars: Bars, terms: VenueTerms, with_coin: bool
) -> Account:
    """An account with the leverage of a saint or of a gambler."""
    venue, mode, contracts = chosen
    positions: list[Position] = []
    orders: list[Order] = []
    settles: set[str] = set()
    lost: dict[str, float] = {}
    gross = 0.0
    for symbol, _ in contracts:
        contract = find_contract(terms, symbol).contract
        price = float(bars.open[bars.column(venue, symbol), 0])
        settle = contract.settle
        settles.add(settle)
        if draw.random() < 0.85:
            dollars = float(10.0 ** draw.uniform(3, 6.5)) * (1.0 if draw.random() < 0.5 else -1.0)
            entry = price * float(draw.uniform(0.97, 1.03))
            quantity = dollars if contract.is_inverse else dollars / price
            setting = float(draw.choice([5.0, 20.0])) if draw.random() < 0.4 else None
            tags = ("core",) if draw.random() < 0.5 else ()
            positions.append(Position(symbol=symbol, quantity=quantity, entry_price=entry, leverage=setting, tags=tags))
            gross += abs(dollars)
            profit = quantity * (price / entry - 1.0) if contract.is_inverse else quantity * (price - entry)
            lost[settle] = lost.get(settle, 0.0) + max(-profit, 0.0)
            orders += seeded_orders(draw, symbol, price, contract.is_inverse) if draw.random() < 0.3 else []
    coins = {"BTC": price_of(bars, "BTC"), "ETH": price_of(bars, "ETH")}
    gross = gross or 50_000.0
    share = gross / float(draw.choice([0.7, 2.0, 5.0, 12.0])) / len(settles)
    collateral = [
        Balance(asset=asset, amount=(share + lost.get(asset, 0.0)) / coins.get(asset, 1.0)) for asset in sorted(settles)
    ]
    coin = HEDGES.get(venue, ("", 0.0))[0]
    if with_coin and any(asset == coin for _, asset in contracts):
        collateral.append(Balance(asset=coin, amount=0.5 * share / price_of(bars, coin)))
    return Account(
        id=f"{venue}-{number}", venue=venue, layer=f"layer-{number % 2}" if draw.random() < 0.7 else None, mode=mode,
        collateral=tuple(collateral), positions=tuple(positions), orders=tuple(orders),
    )  # fmt: skip


def price_of(bars: Bars, asset: str) -> float:
    """The first price of a coin in any series; 1 when no series is of it."""
    for key, row in zip(bars.series, bars.open, strict=True):
        if any(key.symbol == symbol and asset == base for symbol, base in CONTRACTS[key.venue]):
            return float(row[0])
    return 1.0


def seeded_orders(draw: Chance, symbol: str, price: float, inverse: bool) -> list[Order]:
    """One or two limit orders, some of which the first bars already cross."""
    out = []
    for _ in range(int(draw.integers(1, 3))):
        dollars = float(10.0 ** draw.uniform(2.5, 5.5)) * (1.0 if draw.random() < 0.5 else -1.0)
        away = float(draw.normal()) * 0.02
        quantity = dollars if inverse else dollars / price
        out.append(
            Order(
                symbol=symbol,
                quantity=quantity,
                limit_price=price * (1.0 + away),
                reduce_only=bool(draw.random() < 0.5),
            )
        )
    return out


def seeded_layers(draw: Chance) -> tuple[LayerBalance, ...]:
    if draw.random() < 0.6:
        return ()
    return (LayerBalance(layer="layer-0", balance=Balance(asset="USDC", amount=25_000.0)),)


def seeded_transfers(draw: Chance, bars: Bars, accounts: list[Account]) -> tuple[Transfer, ...]:
    """Money under way in what an account is margined in, some of it already due, some that never arrives."""
    out: list[Transfer] = []
    homes = [(one.id, balance.asset) for one in accounts for balance in one.collateral if balance.asset in STABLECOINS]
    if not homes:
        return ()
    while draw.random() < 0.4 and len(out) < 4:
        late = int(draw.integers(-5, bars.count)) * bars.bar_ns + int(draw.integers(0, bars.bar_ns))
        destination, asset = homes[int(draw.integers(0, len(homes)))]
        out.append(
            Transfer(
                asset=asset,
                amount=float(10.0 ** draw.uniform(2, 5)),
                source="bank",
                destination=destination,
                arrives_ns=None if draw.random() < 0.1 else int(bars.open_ns[0]) + late,
            )
        )
    return tuple(out)


def seeded_targets(draw: Chance, chosen: list[Chosen], bars: int) -> TargetTable | None:
    """Exposures decided now and then, with gaps; or none, and then the book is left to itself and its rules."""
    if draw.random() < 0.4:
        return None
    legs = tuple(
        Leg(account=f"{venue}-{number}", venue=venue, symbol=symbol)
        for number, (venue, _, some) in enumerate(chosen)
        for symbol, _ in some
    )
    times = np.unique(draw.integers(0, bars, size=int(draw.integers(1, 12))))
    shares = draw.normal(size=(times.size, len(legs))) * float(draw.choice([0.1, 0.5, 2.0]))
    shares[draw.random(shares.shape) < 0.3] = np.nan
    shares[draw.random(shares.shape) < 0.1] = 0.0
    return TargetTable(bar=times.astype(np.int64), legs=legs, exposure=shares)


def due_of(playbook: Playbook | None, bars: Bars) -> np.ndarray | None:
    if playbook is None or playbook.rebalance is None:
        return None
    return due_bars(playbook.rebalance, bars.open_ns, bars.bar_ns)
