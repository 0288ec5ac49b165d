"""What the laws are tried on: terms of our own and the real ones, positions, accounts, markets, snapshots.

Sizes are drawn as notionals over many orders of magnitude, so that every tier is met; numbers are finite and prices
positive, because the loaders let nothing else through.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter

from perpbook.model.account import Account, Balance, MarginMode, Position
from perpbook.model.book import Book, LayerBalance, Transfer
from perpbook.model.contract import Contract, ContractKind
from perpbook.model.market import Depth, Market, Quote, Snapshot
from perpbook.model.scenario import Scenario
from perpbook.model.units import from_iso
from perpbook.terms.load import load_terms
from perpbook.terms.terms import (
    CloseFee,
    CloseFeeBasis,
    ContractTerms,
    FeeTier,
    FundingTerms,
    LiquidationTerms,
    OpenInterestScaling,
    OrderTerms,
    PriceSource,
    SizeSlope,
    Tier,
    TierMode,
    TierTable,
    TierUnit,
    Trigger,
    VenueTerms,
)

NOW = from_iso("2026-11-22T12:00:00Z")

REAL = {
    "binance": ("BTCUSDT", "ETHUSDT", "BTCUSDC", "1000BONKUSDT"),
    "binance-coinm": ("BTCUSD_PERP",),
    "bitmex": ("XBTUSD",),
    "bybit": ("BTCUSDT", "ETHUSDT", "BTCPERP", "BTCUSD"),
    "deribit": ("BTC-PERPETUAL", "ETH-PERPETUAL", "BTC_USDC-PERPETUAL", "SOL_USDC-PERPETUAL"),
    "drift": ("SOL-PERP", "BTC-PERP"),
    "dydx": ("BTC-USD", "ETH-USD", "SOL-USD"),
    "gmx": ("BTC/USD", "APE/USD"),
    "hyperliquid": ("BTC", "ETH", "SOL", "ATOM"),
    "okx": ("BTC-USDT-SWAP", "ETH-USDT-SWAP", "ETH-USD-SWAP"),
}
"""At least one contract of every shape of rule that the real terms have."""

PRICES = {"BTC": 90_000.0, "ETH": 3_000.0, "SOL": 150.0, "1000BONK": 0.02, "APE": 0.5, "ATOM": 4.0}

WORTH = {**PRICES, "USDC": 1.0, "USDT": 1.0}


@cache
def real_terms() -> dict[str, VenueTerms]:
    return {venue: load_terms(venue) for venue in REAL}


@cache
def real_contracts() -> tuple[tuple[str, str], ...]:
    return tuple((venue, symbol) for venue, symbols in REAL.items() for symbol in symbols)


# Strategies are made once: to make one and have it checked costs more than to draw from it.


@cache
def between(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


@cache
@st.composite
def magnitudes(draw: st.DrawFn, low: float, high: float) -> float:
    """Positive numbers, every order of magnitude as likely as the next."""
    return magnitude(draw, low, high)


def magnitude(draw: st.DrawFn, low: float, high: float) -> float:
    """One of `magnitudes`."""
    return float(f"{10.0 ** draw(between(math.log10(low), math.log10(high))):.6g}")


@lru_cache(maxsize=None, typed=True)
def among(*options: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(options)


@cache
def perhaps(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What the strategy gives, or nothing."""
    return st.none() | strategy


signs = among(1.0, -1.0)
BOOLEANS, TIERS = st.booleans(), st.integers(1, 6)


@cache
@st.composite
def tier_tables(
    draw: st.DrawFn, unit: TierUnit, mode: TierMode = TierMode.MARGINAL, *, scale: float = 1.0
) -> TierTable:
    """One to six tiers; `scale` is the size that bounds are drawn around."""
    count = draw(TIERS)
    steps = [magnitude(draw, 0.1, 10.0) * scale for _ in range(count - 1)]
    lowers = [0.0, *np.cumsum(steps).tolist()]
    rates = sorted(magnitude(draw, 0.002, 0.3) for _ in range(count))
    extra = magnitude(draw, 1.0, 3.0)
    return TierTable(
        tiers=tuple(
            Tier(lower=lower, maintenance_margin_fraction=rate, initial_margin_fraction=min(rate * extra, 1.0))
            for lower, rate in zip(lowers, rates, strict=True)
        ),
        unit=unit,
        mode=mode,
        upper_inclusive=draw(BOOLEANS) if mode is TierMode.WHOLE_POSITION else False,
    )


@cache
@st.composite
def linear_terms(draw: st.DrawFn, *, symbol: str = "AAA-PERP", base: str = "AAA", tiers: int = 6) -> ContractTerms:
    """A linear contract at a price of about 100, with any one of the extra rules that venues have."""
    size = draw(among(0.01, 1.0, 10.0))
    unit = draw(among(*TierUnit))
    scale = {TierUnit.NOTIONAL: 1e6, TierUnit.BASE: 1e4, TierUnit.CONTRACTS: 1e4 / size}[unit]
    whole = unit is not TierUnit.NOTIONAL and draw(BOOLEANS)
    table = draw(tier_tables(unit, TierMode.WHOLE_POSITION if whole else TierMode.MARGINAL, scale=scale))
    extra = draw(among("none", "fee", "bankruptcy fee", "slope", "interest", "sqrt", "minimum"))
    first = TierTable(tiers=table.tiers[:1])
    return ContractTerms(
        contract=Contract(venue="ours", symbol=symbol, base=base, quote="USDC", settle="USDC", contract_size=size),
        tiers=first if extra in ("sqrt", "minimum") or tiers == 1 else table,
        open_interest_scaling=OpenInterestScaling(lower=1e6, upper=5e7) if extra == "interest" else None,
        size_slope=SizeSlope(initial_per_unit=2e-6, maintenance_per_unit=1e-6) if extra == "slope" else None,
        size_sqrt_fraction=0.0002 if extra == "sqrt" else 0.0,
        close_fee=close_fee(extra),
        isolated_margin_on_entry=unit is TierUnit.NOTIONAL and extra in FLAT and draw(BOOLEANS),
        minimum_collateral=5.0 if extra == "minimum" else 0.0,
    )


@cache
@st.composite
def inverse_terms(draw: st.DrawFn, *, symbol: str = "AAAUSD", base: str = "AAA") -> ContractTerms:
    """An inverse contract at a price of about 100: tiers in coins or contracts."""
    size = draw(among(1.0, 10.0, 100.0))
    unit = draw(among(TierUnit.BASE, TierUnit.CONTRACTS))
    scale = 1e4 if unit is TierUnit.BASE else 1e6 / size
    whole = unit is TierUnit.CONTRACTS and draw(BOOLEANS)
    extra = draw(among("none", "fee", "bankruptcy fee", "slope"))
    return ContractTerms(
        contract=Contract(
            venue="ours", symbol=symbol, base=base, quote="USD", settle=base, kind=ContractKind.INVERSE,
            contract_size=size,
        ),
        tiers=draw(tier_tables(unit, TierMode.WHOLE_POSITION if whole else TierMode.MARGINAL, scale=scale)),
        size_slope=SizeSlope(initial_per_unit=2e-6, maintenance_per_unit=1e-6) if extra == "slope" else None,
        close_fee=close_fee(extra),
        isolated_margin_on_entry=unit is TierUnit.BASE and extra in FLAT and draw(BOOLEANS),
    )  # fmt: skip


FLAT = ("none", "fee", "bankruptcy fee")
"""Rules that ask the same fraction of any size, which are all that a venue takes at the entry price."""


def close_fee(extra: str) -> CloseFee | None:
    bases = {"fee": CloseFeeBasis.NOTIONAL, "bankruptcy fee": CloseFeeBasis.BANKRUPTCY}
    return CloseFee(rate=0.0006, basis=bases[extra]) if extra in bases else None


def venue_of(*contracts: ContractTerms, venue: str = "ours") -> VenueTerms:
    """A venue of our own that lists these contracts."""
    return VenueTerms(
        venue=venue, name="Ours", as_of=date(2026, 11, 22), risk_price=PriceSource.MARK, settle="USDC",
        contracts={one.contract.symbol: one for one in contracts}, collateral={},
        fees=(FeeTier(minimum_volume=0.0, maker_fee_rate=0.0001, taker_fee_rate=0.0005),),
        funding=FundingTerms(interval_ns=3600 * 10**9, price=PriceSource.MARK),
        liquidation=LiquidationTerms(trigger=Trigger.BELOW, procedure="none"),
        orders=OrderTerms(reduce_only="-", post_only="-", dead_mans_switch="-"), sources=(),
    )  # fmt: skip


def one_tier(rate: float, *, symbol: str = "AAA-PERP", base: str = "AAA") -> ContractTerms:
    """The plainest linear contract there is: one maintenance rate for every size."""
    contract = Contract(venue="ours", symbol=symbol, base=base, quote="USDC", settle="USDC")
    tier = Tier(lower=0.0, maintenance_margin_fraction=rate, initial_margin_fraction=max(2 * rate, 0.01))
    return ContractTerms(contract=contract, tiers=TierTable(tiers=(tier,)))


@dataclass(frozen=True, slots=True, repr=False)
class Situation:
    """A snapshot with the terms that it is read under."""

    snapshot: Snapshot
    terms: Mapping[str, VenueTerms]

    def __repr__(self) -> str:
        """What a failure shows: the real terms are too long for it, and known."""
        ours = self.terms["ours"].contracts if "ours" in self.terms else {}
        return f"Situation({self.snapshot.book!r}, {self.snapshot.market!r}, ours={dict(ours)!r})"

    def _repr_pretty_(self, printer: RepresentationPrinter, cycle: bool) -> None:
        printer.text(repr(self))

    @property
    def accounts(self) -> tuple[Account, ...]:
        return self.snapshot.book.accounts


def situation(
    accounts: Sequence[Account], quotes: Sequence[Quote], terms: Mapping[str, VenueTerms], **market: object
) -> Situation:
    return Situation(
        Snapshot(
            book=Book(as_of_ns=NOW, source="laws", accounts=tuple(accounts)),
            market=Market(
                as_of_ns=NOW,
                source="laws",
                quotes={(quote.venue, quote.symbol): quote for quote in quotes},
                **market,  # type: ignore[arg-type]
            ),
        ),
        terms,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What contracts of one venue have alike: the oracle's price over the mark, open interest and the first level, dollars."""

    oracle: float
    interest: float
    first: float


def trade_of(draw: st.DrawFn) -> Trade:
    return Trade(
        oracle=draw(among(1.0, 0.999)), interest=magnitude(draw, 1e5, 1e9), first=magnitude(draw, 1e2, 1e6)
    )  # fmt: skip


def quote_of(draw: st.DrawFn, terms: ContractTerms, trade: Trade) -> Quote:
    """A contract's prices within a few percent of what its coin costs, sometimes with depth and open interest."""
    mark = draw(between(0.97, 1.03)) * PRICES.get(terms.contract.base, 100.0)
    with_depth, with_interest = draw(among((False, False), (True, False), (False, True), (True, True)))
    first = trade.first / mark
    sizes = (first, 0.3 * first, 4.0 * first)
    depth = Depth(
        bids=tuple((mark * (1 - 0.0005 * k), size) for k, size in enumerate(sizes, 1)),
        asks=tuple((mark * (1 + 0.0005 * k), size) for k, size in enumerate(sizes, 1)),
    )
    return Quote(
        venue=terms.contract.venue, symbol=terms.contract.symbol, mark_price=mark, depth=depth if with_depth else None,
        oracle_price=mark * trade.oracle, open_interest=trade.interest / mark if with_interest else None,
    )  # fmt: skip


MANNERS = among(*product((None, None, None, 2.0, 5.0, 20.0), ((), ("core",), ("tail", "core"))))
"""Leverage and tags of a position."""


def position_of(
    draw: st.DrawFn, terms: ContractTerms, *, price: float, sign: float | None = None, most: float = 1e8
) -> Position:
    """A position of any size up to `most` dollars, entered within a fifth of the price."""
    notional = magnitude(draw, 10.0, most) * (draw(signs) if sign is None else sign)
    leverage, tags = draw(MANNERS)
    return Position(
        symbol=terms.contract.symbol,
        quantity=notional if terms.contract.is_inverse else notional / price,
        entry_price=price * draw(between(0.8, 1.2)),
        leverage=leverage,
        tags=tags,
    )


def gross_of(positions: Sequence[Position], prices: Mapping[str, float], terms: VenueTerms) -> float:
    return sum(
        abs(one.quantity) * (1.0 if terms.contracts[one.symbol].contract.is_inverse else prices[one.symbol])
        for one in positions
    )


SHAPES = among(*((shape, False) for shape in ("one", "many", "pair", "empty")), *[("one", True)] * 4)
"""What an account holds, and whether it is isolated, which half of them are."""
LEVERAGES = among(0.5, 2.0, 5.0, 20.0, 60.0)
LAYERS = among(None, "chain-1", "chain-2")


def account_on(draw: st.DrawFn, terms: VenueTerms, prices: Mapping[str, float], *, name: str) -> Account:
    """An account in any of its shapes: cross, isolated, a hedged pair, collateral in several coins, in debt."""
    symbols = list(prices)
    shape, isolated = draw(SHAPES)
    chosen = {"one": symbols[:1], "many": symbols, "pair": (symbols * 2)[:2], "empty": []}[shape]
    if shape == "one":
        chosen = [draw(among(*symbols))]
    found = [position_of(draw, terms.contracts[one], price=prices[one]) for one in chosen]
    if shape == "pair":
        found[1] = opposite(found[0], terms, prices, found[1])
    gross = gross_of(found, prices, terms) or 1e4
    return Account(
        id=name,
        venue=terms.venue,
        layer=draw(LAYERS),
        mode=MarginMode.ISOLATED if isolated and found else MarginMode.CROSS,
        collateral=collateral_for(draw, terms, found, gross / draw(LEVERAGES)),
        positions=tuple(found),
    )


def opposite(first: Position, terms: VenueTerms, prices: Mapping[str, float], second: Position) -> Position:
    """`second` made the other leg of a hedge: the notional of `first`, the other way."""
    inverse = [terms.contracts[one.symbol].contract.is_inverse for one in (first, second)]
    dollars = first.quantity if inverse[0] else first.quantity * prices[first.symbol]
    quantity = -dollars if inverse[1] else -dollars / prices[second.symbol]
    return Position(symbol=second.symbol, quantity=quantity, entry_price=second.entry_price, tags=("hedge",))


def collateral_for(
    draw: st.DrawFn, terms: VenueTerms, positions: Sequence[Position], dollars: float
) -> tuple[Balance, ...]:
    """Collateral of about `dollars`, in what the positions settle in and one other coin, perhaps with a debt."""
    settles = {terms.contracts[one.symbol].contract.settle for one in positions} or {terms.settle}
    worth = {asset: PRICES.get(asset, 100.0 if asset in ("AAA", "BBB") else 1.0) for asset in settles}
    found = [
        Balance(asset=asset, amount=dollars / len(settles) / worth[asset] * draw(between(0.3, 1.5)))
        for asset in sorted(settles)
    ]
    others = sorted(asset for asset in terms.collateral if asset in WORTH and asset not in settles)
    pledged = [*product(others, (1.0, -0.2))]
    if pledged and (one := draw(among(*[None] * len(pledged), *pledged))):
        asset, sign = one
        found.append(Balance(asset=asset, amount=sign * dollars / WORTH[asset] * draw(between(0.1, 1.0))))
    return tuple(found)


betas_tried = between(0.3, 2.0) | among(0.0, -0.5)
BETAS = st.dictionaries(among("ETH", "SOL", "AAA"), betas_tried)


@cache
def some_of(options: Sequence[Any], most: int) -> st.SearchStrategy[list[Any]]:
    """One of the options or more, in any order, also twice."""
    return st.lists(among(*options), min_size=1, max_size=most)


@st.composite
def situations(draw: st.DrawFn, *, venues: Sequence[str] = (*REAL, "ours"), most: int = 3) -> Situation:
    """One to three accounts on venues with the real terms, or on one of our own, with money on layers and on its way."""
    names = draw(some_of(venues, most))
    known = real_terms()
    if "ours" in names:
        second = draw(linear_terms(symbol="BBB-PERP", base="BBB"))
        known = known | {"ours": venue_of(draw(linear_terms()), second, draw(inverse_terms()))}
    accounts, quotes = [], {}
    for number, venue in enumerate(names):
        terms, trade = known[venue], trade_of(draw)
        for symbol in REAL.get(venue, tuple(terms.contracts)):
            if (venue, symbol) not in quotes:
                quotes[venue, symbol] = quote_of(draw, terms.contracts[symbol], trade)
        prices = {symbol: risk_price_of(quote, terms) for (of, symbol), quote in quotes.items() if of == venue}
        accounts.append(account_on(draw, terms, prices, name=f"{venue}-{number}"))
    coins = {"BTC": 90_500.0, "ETH": 3_010.0, "SOL": 149.0}
    if draw(BOOLEANS):
        coins["AAA"] = 101.0
    market = Market(
        as_of_ns=NOW, source="laws", quotes=quotes, asset_prices=coins,
        betas=draw(BETAS),
    )  # fmt: skip
    return Situation(
        Snapshot(book=book_of(draw, tuple(accounts)), market=market), {name: known[name] for name in set(names)}
    )


def risk_price_of(quote: Quote, terms: VenueTerms) -> float:
    price = quote.oracle_price if terms.risk_price is PriceSource.ORACLE else quote.mark_price
    assert price is not None
    return price


def book_of(draw: st.DrawFn, accounts: tuple[Account, ...]) -> Book:
    """The accounts with some money outside them."""
    layers = draw(among((), (LayerBalance(layer="chain-1", balance=Balance(asset="USDC", amount=2e4)),)))
    moving = Transfer(asset="USDC", amount=5e3, source="chain-1", destination=accounts[0].id)
    return Book(
        as_of_ns=NOW, source="laws", accounts=accounts, layers=layers,
        transfers=draw(among((), (moving,))),
    )  # fmt: skip


@st.composite
def scenarios_for(draw: st.DrawFn, assets: Sequence[str], *, most: int = 5) -> tuple[Scenario, ...]:
    """Random moves of the assets, each a scenario of its own kind of trouble."""
    count = draw(st.integers(1, most))
    return tuple(
        Scenario(
            name=f"move {number}",
            kind="joint",
            size=float(number + 1),
            moves={asset: draw(between(-0.6, 0.9)) for asset in assets},
        )
        for number in range(count)
    )


@st.composite
def single_positions(draw: st.DrawFn, *, linear_only: bool = False, sign: float | None = None) -> Situation:
    """One account that holds one position and its collateral, on the real terms or on ours."""
    if draw(BOOLEANS):
        venue, symbol = draw(among(*real_contracts()))
        terms = real_terms()[venue]
    else:
        contract = draw(linear_terms() if linear_only or draw(BOOLEANS) else inverse_terms())
        terms, venue, symbol = venue_of(contract), "ours", contract.contract.symbol
    if linear_only and terms.contracts[symbol].contract.is_inverse:
        terms, venue, symbol = real_terms()["hyperliquid"], "hyperliquid", "BTC"
    contract = terms.contracts[symbol]
    quote = quote_of(draw, contract, trade_of(draw))
    price = risk_price_of(quote, terms)
    position = position_of(draw, contract, price=price, sign=sign)
    gross = gross_of([position], {symbol: price}, terms)
    leverage = draw(LEVERAGES)
    settle = contract.contract.settle
    worth = price if contract.contract.is_inverse else 1.0
    account = Account(
        id="only", venue=venue, mode=draw(among(*MarginMode)), positions=(position,),
        collateral=(Balance(asset=settle, amount=gross / leverage / worth * draw(between(0.3, 1.5))),),
    )  # fmt: skip
    return situation([account], [quote], {venue: terms})
