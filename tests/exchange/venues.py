"""Small simulated venues, and what may be done to them, drawn by Hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import strategies as st

from perpbook.model.account import Account, Balance, Position
from perpbook.model.order import OrderReport, OrderRequest, TimeInForce
from perpbook.simulation.exchange import Exchange
from perpbook.simulation.happened import Numbered
from perpbook.simulation.ladder import DepthProfile
from perpbook.simulation.market import Prices
from perpbook.simulation.setting import QueueRule
from perpbook.terms.load import load_terms

START_NS = 1_795_000_000 * 10**9
MINUTE_NS = 60 * 10**9
MARKS = {
    "hyperliquid": {"BTC": 60_000.0, "ETH": 3_000.0, "SOL": 150.0},
    "dydx": {"BTC-USD": 60_000.0, "ETH-USD": 3_000.0, "SOL-USD": 150.0},
    "binance": {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0, "SOLUSDT": 150.0},
    "bybit": {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0},
    "okx": {"BTC-USDT-SWAP": 60_000.0, "ETH-USDT-SWAP": 3_000.0},
}
THIN = DepthProfile(levels=6, half_spread=0.0002, step=0.0003, notional=40_000.0, half_life_ns=30 * 10**9)


def trader(venue: str, name: str, cash: float, *holds: tuple[str, float, float]) -> Account:
    """An account with cash and positions (symbol, quantity, entry price)."""
    return Account(
        id=name,
        venue=venue,
        collateral=(Balance(asset=load_terms(venue).settle, amount=cash),),
        positions=tuple(Position(symbol=symbol, quantity=held, entry_price=entry) for symbol, held, entry in holds),
    )


def some_accounts(venue: str, leverage: float = 5.0) -> tuple[Account, ...]:
    """A long, a short and a hedged account, each some times leveraged, and one that holds nothing."""
    marks = MARKS[venue]
    first, second = list(marks)[:2]
    held, hedge = leverage * 20_000.0 / marks[first], leverage * 10_000.0 / marks[second]
    size, other = round(held, 2), round(hedge, 1)
    return (
        trader(venue, "long", 20_000.0, (first, size, marks[first])),
        trader(venue, "short", 20_000.0, (second, -other, marks[second]), (first, -0.1, marks[first])),
        trader(venue, "pair", 10_000.0, (first, size, marks[first]), (second, -other, marks[second] * 1.01)),
        trader(venue, "idle", 50_000.0),
    )


def some_venue(venue: str = "hyperliquid", leverage: float = 5.0, order: int = 1, **options: object) -> Exchange:
    """A venue with these accounts; `order` -1 gives them in reverse."""
    return Exchange(
        load_terms(venue),
        some_accounts(venue, leverage)[::order],
        START_NS,
        {symbol: Prices(mark=mark) for symbol, mark in MARKS[venue].items()},
        **{"profile": THIN, **options},  # type: ignore[arg-type]
    )


def one_account(venue: str, *holds: tuple[str, float, float], cash: float = 10_000.0, **options: object) -> Exchange:
    """A venue with one account, `me`, and one that only has money, `you`."""
    accounts = (trader(venue, "me", cash, *holds), trader(venue, "you", 1e6))
    prices = {symbol: Prices(mark=mark) for symbol, mark in MARKS[venue].items()}
    return Exchange(load_terms(venue), accounts, START_NS, prices, **options)  # type: ignore[arg-type]


Act = tuple[str, int, int, int, int, int, bool]
"""What, account, contract, size in lots of the venue, price in tenths of a per cent off the mark, time in force, reduce-only."""

KINDS = ("move", "move", "move", "place", "place", "place", "place", "cancel", "pay", "book")


def script_of(seed: int, length: int = 40) -> list[Act]:
    """A long script: prices wander off, so that accounts die in some."""
    chance = np.random.default_rng(seed)
    drift = int(chance.integers(-2, 3)) * 3
    rows = chance.integers([0, 0, 0, 1, -12, 0, 0, 0], [len(KINDS), 4, 3, 41, 13, 3, 10, 2], (length, 8)).tolist()
    return [
        (KINDS[what], account, contract, lots if is_buy else -lots, off + drift * (what < 3), in_force, reduces < 4)
        for what, account, contract, lots, off, in_force, reduces, is_buy in rows
    ]


scripts = st.integers(0, 2**32).map(script_of)
rules = st.sampled_from(list(QueueRule))


def perform(
    exchange: Exchange, script: Sequence[Act], after: Callable[[], None] = lambda: None, numbered: int = 0
) -> list[Numbered]:
    """Go through a script, acts counted from `numbered`; everything that happened. `after` is called after each act."""
    happened: list[Numbered] = []
    for number, act in enumerate(script, numbered):
        _one(exchange, act, number)
        happened += exchange.drain()
        after()
    return happened


def _one(exchange: Exchange, act: Act, number: int) -> None:
    what, account, contract, lots, off, _, _ = act
    name = sorted(exchange.accounts)[account % len(exchange.accounts)]
    symbol = exchange.symbols[contract % len(exchange.symbols)]
    now = exchange.now_ns
    if what == "move":
        mark = exchange.prices(symbol).mark * (1.0 + 0.004 * off)
        rate = off * 1e-5
        exchange.advance(now + abs(lots) * MINUTE_NS, {symbol: Prices(mark=mark, funding_rate=rate)})
    elif what == "place":
        place(exchange, act, number)
    elif what == "cancel":
        exchange.cancel(name, symbol, client_id(number - 1), now)
    elif what == "pay":
        exchange.move(name, lots * 100.0, now)
    else:
        exchange.advance(now + MINUTE_NS, {}, {symbol: exchange.book(symbol).depth})


def place(exchange: Exchange, act: Act, number: int) -> OrderReport:
    """The order of an act."""
    _, account, contract, lots, off, in_force, reduce_only = act
    symbol = exchange.symbols[contract % len(exchange.symbols)]
    size = exchange.whole_lots(symbol, abs(lots) * 2_000.0 / exchange.prices(symbol).mark)
    request = OrderRequest(
        client_id=client_id(number),
        account=sorted(exchange.accounts)[account % len(exchange.accounts)],
        venue=exchange.name,
        symbol=symbol,
        quantity=size if lots > 0 else -size,
        limit_price=exchange.whole_ticks(symbol, 1.0 + 0.001 * off),
        reduce_only=reduce_only,
        time_in_force=list(TimeInForce)[in_force],
    )
    return exchange.place(request, exchange.now_ns)


def client_id(number: int) -> str:
    """The id of the order that a script's act places."""
    return f"{number:032x}"
