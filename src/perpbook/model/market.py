"""What is known of prices at one instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType

from perpbook.model.book import Book

STABLECOINS = frozenset({"USD", "USDC", "USDT", "USDE", "USDe", "USDH", "FDUSD", "DAI", "BUSD", "TUSD", "PYUSD"})
"""Assets counted at one dollar unless the market says otherwise; the assessment says so when it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """Resting quantity as (price, base quantity) levels, best first."""

    bids: tuple[tuple[float, float], ...] = ()
    asks: tuple[tuple[float, float], ...] = ()

    def is_sound(self) -> bool:
        """Whether both sides are there, do not cross and are in order, and every number is finite and above nothing."""
        bids, asks = self.bids, self.asks
        if not bids or not asks:
            return False
        last = inf
        for price, quantity in bids:
            if not (0.0 < price < last and 0.0 < quantity < inf):
                return False
            last = price
        last = bids[0][0]
        for price, quantity in asks:
            if not (last < price < inf and 0.0 < quantity < inf):
                return False
            last = price
        return True


_new = object.__new__
_set_bids, _set_asks = (vars(Depth)[name].__set__ for name in ("bids", "asks"))


def depth_of(bids: tuple[tuple[float, float], ...], asks: tuple[tuple[float, float], ...]) -> Depth:
    """`Depth(bids=bids, asks=asks)` in a third of the time, for who makes thousands a second."""
    depth = _new(Depth)
    _set_bids(depth, bids)
    _set_asks(depth, asks)
    return depth


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """One contract's prices, quote per base. None: not known.

    `mark_price` is the venue's margin price, `oracle_price` its on-chain feed, `index_price` its spot basket.
    `funding_rate` is a fraction per funding interval (> 0: longs pay); `open_interest` is base units, one-sided.
    `as_of_ns` None: the market's own time.
    """

    venue: str
    symbol: str
    mark_price: float | None = None
    oracle_price: float | None = None
    index_price: float | None = None
    funding_rate: float | None = None
    open_interest: float | None = None
    depth: Depth | None = None
    as_of_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Quotes by (venue, symbol), dollar prices of coins by asset, and betas to the market factor by asset.

    `source` says where prices come from; `simulated` is True when they are made up, and every output says so.
    """

    as_of_ns: int
    source: str
    quotes: Mapping[tuple[str, str], Quote] = field(default_factory=lambda: MappingProxyType({}))
    asset_prices: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    betas: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A book and the market it is read in: what a book file holds, and what an assessment starts from."""

    book: Book
    market: Market
