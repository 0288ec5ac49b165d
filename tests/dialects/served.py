"""Simulated venues served on a port of the system's choice, for real clients."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from perpbook.dialects.binance_face import BinanceFace
from perpbook.dialects.dydx_face import DydxFace
from perpbook.dialects.face import Face
from perpbook.dialects.hyperliquid_face import HyperliquidFace
from perpbook.dialects.keys import MadeUpKey, made_up_key
from perpbook.dialects.pace import Pace
from perpbook.dialects.server import bound, made_app, made_server
from perpbook.dialects.venue import Rate, ServedVenue
from perpbook.engine.clock import monotonic_ns, now_ns
from perpbook.model.account import Account, Balance, Position
from perpbook.simulation.exchange import Exchange
from perpbook.simulation.faults import Faults
from perpbook.simulation.market import Path, Prices, Step
from perpbook.terms.load import load_terms
from tests.dialects.bybit_face import BybitFace
from tests.dialects.okx_face import OkxFace

SYMBOLS = {
    "hyperliquid": ("BTC", "ETH"),
    "dydx": ("BTC-USD", "ETH-USD"),
    "binance": ("BTCUSDT", "ETHUSDT"),
    "bybit": ("BTCUSDT", "ETHUSDT"),
    "okx": ("BTC-USDT-SWAP", "ETH-USDT-SWAP"),
}
FACES: dict[str, Callable[[ServedVenue, tuple[MadeUpKey, ...]], Face]] = {
    "hyperliquid": HyperliquidFace,
    "dydx": DydxFace,
    "binance": BinanceFace,
    "bybit": BybitFace,
    "okx": OkxFace,
}
BTC, ETH = 60_000.0, 3_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running server: addresses and keys by venue, and the venues themselves."""

    url: str
    keys: Mapping[str, MadeUpKey]
    venues: Mapping[str, ServedVenue]
    faces: Mapping[str, Face]

    def at(self, venue: str) -> str:
        return f"{self.url}/{venue}"


def an_account(venue: str) -> Account:
    """Long 1 BTC and short 5 ETH on 30,000 dollars."""
    btc, eth = SYMBOLS[venue]
    return Account(
        id=f"{venue}-main",
        venue=venue,
        collateral=(Balance(asset="USDC" if venue in ("hyperliquid", "dydx") else "USDT", amount=30_000.0),),
        positions=(
            Position(symbol=btc, quantity=1.0, entry_price=BTC),
            Position(symbol=eth, quantity=-5.0, entry_price=ETH),
        ),
    )


def prices_of(venue: str, btc: float = BTC, eth: float = ETH) -> dict[str, Prices]:
    return {
        symbol: Prices(mark=price, funding_rate=0.0001)
        for symbol, price in zip(SYMBOLS[venue], (btc, eth), strict=True)
    }


def a_venue(venue: str, faults: Faults = Faults(), speed: float = 1.0, path: Path | None = None) -> ServedVenue:
    """One venue; `path` gives what follows, its times counted from the start."""
    start = now_ns()
    pace = Pace(start_ns=start, began_ns=monotonic_ns(), speed=speed, monotonic_ns=monotonic_ns)
    steps = (Step(at_ns=start, prices=prices_of(venue)), *(path.steps if path else ()))
    moved = Path(
        steps=tuple(replace(step, at_ns=start + step.at_ns if step.at_ns < start else start) for step in steps)
    )
    terms = load_terms(venue, at=date(2026, 11, 27))
    exchange = Exchange(terms, (an_account(venue),), start, moved.steps[0].prices)
    interval = terms.funding.interval_ns
    first = start // interval * interval
    past = {
        symbol: [Rate(at_ns=first - (23 - row) * interval, rate=0.0001, price=BTC) for row in range(24)]
        for symbol in exchange.symbols
    }
    draw = np.random.default_rng(7).random
    return ServedVenue(exchange, moved, pace, faults, lambda: float(draw()), past)


@contextlib.contextmanager
def served(*venues: str, hang_s: float = 1.0, **given: Any) -> Iterator[Served]:
    """A server of some venues, stopped at the end."""
    made = {name: a_venue(name, **given) for name in venues}
    keys = {name: made_up_key(name, f"{name}-main", 7) for name in venues}
    faces = {name: FACES[name](made[name], (keys[name],)) for name in venues}
    app = made_app(faces, hang_s)
    listening = bound("127.0.0.1", 0)
    server = made_server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Served(url=f"http://127.0.0.1:{listening.getsockname()[1]}", keys=keys, venues=made, faces=faces)
    finally:
        server.should_exit = True
        thread.join(10.0)
        listening.close()
