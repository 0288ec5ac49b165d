"""Futures that expire: their basis is what holding one costs until then, known the day it is bought.

A contract bought at F over a spot price S pays F / S - 1 by its expiry, and one sold receives it; by time until then, simply. It
is sure only when held to the expiry. Its margin is that of a contract of the venue's terms that the quotes name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from perpbook.funding.forecast import Forecast
from perpbook.funding.trading import Desk
from perpbook.model.market import Depth, Quote
from perpbook.model.units import DAY_NS

MODEL = "basis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """A quote of one: `bid` and `ask` quote per base, with the base units that rest there; `index` the spot price beside it, None
    for the book's own. `like` names the contract of the venue whose margin it has, "" where none is known."""

    venue: str
    symbol: str
    asset: str
    expiry_ns: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    index: float | None = None
    like: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Venue and symbol."""
        return self.venue, self.symbol

    @property
    def middle(self) -> float:
        """Between bid and ask."""
        return 0.5 * (self.bid + self.ask)

    def basis(self, spot: float) -> float:
        """What it stands above spot, a fraction."""
        return self.middle / spot - 1.0

    def yearly(self, spot: float, now_ns: int) -> float:
        """The basis as a simple rate of 365 days."""
        return self.basis(spot) * 365 * DAY_NS / (self.expiry_ns - now_ns)


def basis_curve(one: Dated, spot: float, horizons_ns: Sequence[int], now_ns: int, level: float) -> tuple[Forecast, ...]:
    """What a long pays over each horizon: the basis by time until the expiry, and no more afterwards."""
    left = one.expiry_ns - now_ns
    paid = [one.basis(spot) * min(horizon / left, 1.0) for horizon in horizons_ns]
    return tuple(
        Forecast(
            venue=one.venue, symbol=one.symbol, now_ns=now_ns, horizon_ns=horizon, mean=mean, low=mean, high=mean,
            level=level, model=MODEL, flip=0.0, half_life_ns=None, last_rate=one.basis(spot), interval_ns=left,
        )
        for horizon, mean in zip(horizons_ns, paid, strict=True)
    )  # fmt: skip


def spot_price(desk: Desk, one: Dated) -> float | None:
    """The price that a basis is over: the quotes' own, else the book's index or oracle price of the asset, else its coin's."""
    if one.index is not None:
        return one.index
    own_first = sorted(desk.snapshot.market.quotes.items(), key=lambda item: item[0][0] != one.venue)
    for (venue, symbol), quote in own_first:
        known = desk.terms[venue].contracts.get(symbol) if venue in desk.terms else None
        if known is not None and known.contract.base == one.asset and (quote.index_price or quote.oracle_price):
            return quote.index_price or quote.oracle_price
    return desk.snapshot.market.asset_prices.get(one.asset) or desk.any_price(one.asset)


def with_dated(desk: Desk, quoted: Sequence[Dated]) -> Desk:
    """The desk with contracts that margin like those they name, at their quotes."""
    terms, quotes = dict(desk.terms), dict(desk.snapshot.market.quotes)
    for one in quoted:
        venue = terms[one.venue]
        like = venue.contracts[one.like]
        made = replace(like, contract=replace(like.contract, symbol=one.symbol))
        terms[one.venue] = replace(venue, contracts={**venue.contracts, one.symbol: made})
        depth = Depth(bids=((one.bid, one.bid_size),), asks=((one.ask, one.ask_size),))
        quotes[one.key] = Quote(
            venue=one.venue, symbol=one.symbol, mark_price=one.middle, oracle_price=one.middle, depth=depth
        )
    market = replace(desk.snapshot.market, quotes=quotes)
    return replace(desk, terms=terms, snapshot=replace(desk.snapshot, market=market))


def expiries(quoted: Sequence[Dated]) -> Mapping[tuple[str, str], int]:
    """When each of them ends."""
    return {one.key: one.expiry_ns for one in quoted}
