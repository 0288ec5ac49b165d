"""A run with options beside it: an account of its own, whose one coin is the package of options and the cash they turned into.

The sizes of options are fixed, so what they are worth at every close is known before the run begins and enters it as the price of
a coin (`engine.coins`). The account has no contract, so it asks for no margin and cannot be liquidated, and gives none to
others; rules on the book's equity see it, and the survival grid, which is about margin, asks nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from perpbook.engine.backtest import Journey
from perpbook.engine.coins import coin_series
from perpbook.engine.outcome import Outcome
from perpbook.errors import InputError
from perpbook.hedging.holding import Held, standing
from perpbook.kernels.types import Floats
from perpbook.model.account import Account, Balance
from perpbook.model.bars import Bars, Settlements
from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS
from perpbook.model.units import HOUR_NS, SECOND_NS
from perpbook.terms.terms import (
    CollateralTerms,
    FundingTerms,
    LiquidationTerms,
    OrderTerms,
    PriceSource,
    Trigger,
    VenueTerms,
)

ACCOUNT, VENUE, COIN, DOLLAR = "overlay", "options", "OPTIONS", "USDC"

ABOVE = 1.0
"""Dollars added to the coin's price and owed by its account, since no price may be 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Options and their account along a run, dollars at the first open and every close (B + 1,): `worth` of the options,
    `equity` of the account. `outlay` is what the first options cost; `reserve` what is sent beside it so that the account, which
    pays for options bought later and stands for those sold, never owes: as much as it needs at most. `payer` sends both."""

    held: tuple[Held, ...]
    worth: Floats
    equity: Floats
    outlay: float
    reserve: float
    payer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaid:
    """What options did to a run: how they stood, and the same run without them. `facts` says by what they were priced."""

    standing: Standing
    without: Outcome
    facts: dict[str, object]


def stand(held: Sequence[Held], moments: int, payer: str) -> Standing:
    """The options' account along a run of so many moments."""
    worth, cash = standing(held, moments)
    outlay = -sum(one.paid for one in held if one.first == 0)
    return stood(tuple(held), worth, outlay + cash + worth, outlay, payer)


def stood(held: tuple[Held, ...], worth: Floats, net: Floats, outlay: float, payer: str) -> Standing:
    """An account whose options and cash come to `net` dollars, with what it needs beside so as never to owe."""
    reserve = max(0.0, -float(net.min()))
    return Standing(held=held, worth=worth, equity=net + reserve, outlay=outlay, reserve=reserve, payer=payer)


def overlaid(journey: Journey, options: Standing) -> Journey:
    """A journey with the options' account, paid for by `payer`.

    Raises
    ------
    InputError : the book has an account of that name already, or the payer has not as much.
    """
    if any(one.id == ACCOUNT or one.venue == VENUE for one in journey.book.accounts):
        raise InputError(f'the book has an account "{ACCOUNT}" or a venue "{VENUE}": the overlay takes these names')
    account = Account(
        id=ACCOUNT, venue=VENUE, collateral=(Balance(asset=DOLLAR, amount=-ABOVE), Balance(asset=COIN, amount=1.0))
    )  # fmt: skip
    book = paid_by(journey.book, options.payer, options.outlay + options.reserve)
    volumes = journey.daily_volume
    return replace(
        journey,
        book=replace(book, accounts=(*book.accounts, account)),
        bars=with_coin(journey.bars, options.equity + ABOVE),
        terms={**journey.terms, VENUE: _terms(int(journey.bars.open_ns[0]))},
        betas={**journey.betas, COIN: 0.0},
        daily_volume=None if volumes is None else np.vstack([volumes, np.full(volumes.shape[1], np.nan)]),
    )


def with_coin(bars: Bars, price: Floats) -> Bars:
    """Bars with the package's series beside. price : (B + 1,) at the first open and every close; it is stale where all are."""
    opened, close = price[:-1], price[1:]
    none = np.zeros(0, dtype=np.int64)
    return replace(
        bars,
        series=(*bars.series, coin_series(VENUE, COIN, DOLLAR)),
        open=np.vstack([bars.open, opened]),
        high=np.vstack([bars.high, np.maximum(opened, close)]),
        low=np.vstack([bars.low, np.minimum(opened, close)]),
        close=np.vstack([bars.close, close]),
        stale=np.vstack([bars.stale, bars.stale.min(axis=0)]),
        settlements=(*bars.settlements, Settlements(times_ns=none, rates=np.zeros(0), interval_ns=none)),
    )


def payer_of(book: Book) -> str:
    """Whoever has the most stablecoin: an account, or a layer."""
    held = {account.id: _most(account.collateral) for account in book.accounts}
    held |= {one.layer: _most((one.balance,)) for one in book.layers}
    return max(held, key=lambda name: held[name])


def paid_by(book: Book, payer: str, dollars: float) -> Book:
    """The book after an account or layer has sent (< 0: got) dollars out of its largest stablecoin."""
    accounts, layers, found = list(book.accounts), list(book.layers), False
    for number, account in enumerate(accounts):
        if account.id == payer:
            accounts[number] = replace(account, collateral=_less(account.collateral, payer, dollars))
            found = True
    for number, one in enumerate(layers):
        if one.layer == payer and not found and _most((one.balance,)) > 0.0:
            layers[number] = replace(one, balance=_less((one.balance,), payer, dollars)[0])
            found = True
    if not found:
        known = [*(one.id for one in accounts), *(one.layer for one in layers)]
        raise InputError(f'"{payer}" cannot pay for the overlay: --paid-from takes {", ".join(known)}')
    return replace(book, accounts=tuple(accounts), layers=tuple(layers))


def _less(held: Sequence[Balance], payer: str, dollars: float) -> tuple[Balance, ...]:
    most = _most(held)
    if most < dollars or (dollars and most <= 0.0):
        raise InputError(
            f"the overlay takes {dollars:,.2f} dollars and {payer} has {most:,.2f} of one stablecoin: name another with "
            "--paid-from, or lay fewer options"
        )
    spent, out = False, []
    for one in held:
        mine = not spent and one.asset in STABLECOINS and one.amount == most
        out.append(replace(one, amount=one.amount - dollars) if mine else one)
        spent = spent or mine
    return tuple(out)


def _most(held: Sequence[Balance]) -> float:
    return max((one.amount for one in held if one.asset in STABLECOINS), default=0.0)


def _terms(start_ns: int) -> VenueTerms:
    """A place where the package counts in full and nothing is traded: no venue's own rules."""
    return VenueTerms(
        venue=VENUE,
        name="the options' own account",
        as_of=datetime.fromtimestamp(start_ns // SECOND_NS, tz=UTC).date(),
        risk_price=PriceSource.MARK,
        settle=DOLLAR,
        contracts={},
        collateral={COIN: CollateralTerms(asset=COIN, initial_weight=1.0, maintenance_weight=1.0)},
        fees=(),
        funding=FundingTerms(interval_ns=8 * HOUR_NS, price=PriceSource.MARK),
        liquidation=LiquidationTerms(trigger=Trigger.BELOW, procedure="none: options are paid for"),
        orders=OrderTerms(reduce_only="", post_only="", dead_mans_switch=""),
        sources=(),
    )
