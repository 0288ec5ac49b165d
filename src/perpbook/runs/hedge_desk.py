"""A checked book with everything a hedge is sought with, and the contracts it may be made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from perpbook.errors import InputError
from perpbook.hedging.instruments import Instruments
from perpbook.model.account import Account, MarginMode, Position
from perpbook.model.market import STABLECOINS, Market, Quote, Snapshot
from perpbook.model.trade import Trade
from perpbook.model.units import HOUR_NS
from perpbook.runs.check import CheckResult
from perpbook.runs.trade import Priced

if TYPE_CHECKING:
    from perpbook.hedging.scenarios import Moves
    from perpbook.kernels.types import Floats
    from perpbook.margin.assess import Assessed
    from perpbook.runs.hedge_asked import HedgeAsked
    from perpbook.runs.hedge_past import Past
    from perpbook.terms.terms import ContractTerms, VenueTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeDesk:
    """`exposures` dollars by asset; `weights` of the sets of `moves`; `funding` per hour by asset of late; `horizon_ns` the
    hedge is held; `turnover` dollars traded at most; `budget` dollars of shortfall that may be left, None for no limit."""

    before: CheckResult
    terms: Mapping[str, VenueTerms]
    exposures: Mapping[str, float]
    moves: Moves
    weights: Mapping[str, float]
    tail: float
    funding: Mapping[str, float]
    horizon_ns: int
    turnover: float
    bar_ns: int
    budget: float | None = None

    def account(self, name: str) -> Account:
        """By its name."""
        return next(one for one in self.before.snapshot.book.accounts if one.id == name)

    @property
    def gross(self) -> float:
        """Dollars of everything held, account by account: no contract of a hedge is larger."""
        from perpbook.margin.views import exposures_by_account

        assessed = self.before.assessed
        held = (*exposures_by_account(assessed.arrays, assessed.measures), assessed.outside.exposures)
        return sum(abs(dollars) for each in held for asset, dollars in each.items() if asset not in STABLECOINS)

    @property
    def largest_move(self) -> float:
        """The largest move that the playbook says must be survived, 0.15 when it says none."""
        survival = self.before.playbook.survival
        return max(survival.moves) if survival else 0.15


def exposures_of(assessed: Assessed) -> dict[str, float]:
    """Dollars by asset, > 0 long: positions, coins that serve as margin, and coins outside accounts; dollars are none."""
    from perpbook.margin.views import exposures_by_account

    out: dict[str, float] = {}
    by_account = exposures_by_account(assessed.arrays, assessed.measures)
    for held in (*by_account, assessed.outside.exposures):
        for asset, dollars in held.items():
            if asset not in STABLECOINS:
                out[asset] = out.get(asset, 0.0) + dollars
    largest = max((abs(dollars) for dollars in out.values()), default=0.0)
    return {asset: dollars if abs(dollars) > 1e-9 * largest else 0.0 for asset, dollars in out.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What is asked, with what the playbook says of it; a desk, its past, and what is hedged with."""

    asked: HedgeAsked
    desk: HedgeDesk
    past: Past
    against: tuple[str, ...]
    notes: tuple[str, ...]


def listing(venue: VenueTerms, account: Account, asset: str) -> ContractTerms | None:
    """The contract of an asset that an account may hedge in: one it holds, else one settled as the venue does, else another."""
    held = {one.symbol for one in account.positions}
    found = [
        one
        for one in venue.contracts.values()
        if one.contract.base == asset
        and (one.contract.symbol in held or (account.mode is MarginMode.CROSS and not one.isolated_only))
    ]
    found.sort(
        key=lambda one: (one.contract.symbol not in held, one.contract.settle != venue.settle, one.contract.symbol)
    )
    return found[0] if found else None


def refuse_unlisted(snapshot: Snapshot, terms: Mapping[str, VenueTerms], assets: tuple[str, ...]) -> None:
    """Refuse an asset that no account of the book can hedge with.

    Raises
    ------
    InputError : naming it, and where it was looked for.
    """
    for asset in assets:
        if not any(listing(terms[one.venue], one, asset) for one in snapshot.book.accounts):
            venues = ", ".join(dict.fromkeys(one.venue for one in snapshot.book.accounts))
            raise InputError(
                f"--against {asset}: no account of this book can hold a contract of it ({venues}); name another, or add its "
                "contract in a terms file"
            )


def usable(snapshot: Snapshot, terms: Mapping[str, VenueTerms], assets: tuple[str, ...]) -> tuple[str, ...]:
    """Those of some assets that the book can hedge with: a contract in an account, and a price of the coin.

    Raises
    ------
    InputError : there is none.
    """
    out = []
    for asset in assets:
        try:
            refuse_unlisted(snapshot, terms, (asset,))
            with_quotes(snapshot, terms, (asset,))
        except InputError:
            continue
        out.append(asset)
    if not out:
        raise InputError(f"the book can hedge with none of {', '.join(assets)}: name other assets with --against")
    return tuple(out)


def with_quotes(
    snapshot: Snapshot, terms: Mapping[str, VenueTerms], assets: tuple[str, ...]
) -> tuple[Snapshot, list[str]]:
    """The snapshot with a price for every contract that a hedge may use: where the book has none, that of the same coin
    elsewhere in it, which is told.

    Raises
    ------
    InputError : the book has no price of a coin at all.
    """
    market, notes = snapshot.market, []
    quotes = dict(market.quotes)
    for account in snapshot.book.accounts:
        for asset in assets:
            found = listing(terms[account.venue], account, asset)
            if found is None or (account.venue, found.contract.symbol) in quotes:
                continue
            price, where = _price_elsewhere(market, terms, asset)
            symbol = found.contract.symbol
            quotes[account.venue, symbol] = Quote(
                venue=account.venue, symbol=symbol, mark_price=price, oracle_price=price, index_price=price
            )
            notes.append(f"the book has no price of {symbol} on {account.venue}: that of {where} stands in")
    return replace(snapshot, market=replace(market, quotes=MappingProxyType(quotes))), notes


def _price_elsewhere(market: Market, terms: Mapping[str, VenueTerms], asset: str) -> tuple[float, str]:
    for (venue, symbol), quote in market.quotes.items():
        price = quote.mark_price or quote.oracle_price or quote.index_price
        known = terms[venue].contracts.get(symbol) if venue in terms else None
        if known is not None and known.contract.base == asset and price:
            return price, f"{symbol} on {venue}"
    if asset in market.asset_prices:
        return market.asset_prices[asset], f"{asset} under [prices]"
    raise InputError(
        f"the book has no price of {asset} to hedge with: add `{asset} = …` under [prices], or use --market"
    )


def priced(desk: HedgeDesk, account: Account, asset: str) -> Priced | None:
    """The contract of an asset in an account with its price, and no quantity yet; None where there is no such contract."""
    from perpbook.margin.columns import Columns, risk_price

    venue = desk.terms[account.venue]
    found = listing(venue, account, asset)
    if found is None:
        return None
    market = desk.before.snapshot.market
    return Priced(
        trade=Trade(account=account.id, symbol=found.contract.symbol, quantity=0.0),
        terms=found,
        venue=venue,
        price=risk_price(Columns(market), venue, found),
        quote=market.quotes[account.venue, found.contract.symbol],
    )


def dollars_per_unit(one: Priced) -> float:
    """Dollars of notional in one unit of a contract's quantity."""
    return 1.0 if one.terms.contract.is_inverse else one.price


def instruments(desk: HedgeDesk, found: list[Priced], wanted: Floats, *, isolated: bool) -> Instruments:
    """Contracts as arrays. wanted : (K,) about as many dollars as will be traded, for tiers and slippage.

    An isolated hedge stands alone: its margin is what it needs to live through the playbook's largest move.
    """
    accounts = [one.id for one in desk.before.snapshot.book.accounts]
    held = np.array([0.0 if isolated else _held(desk, one) for one in found])
    margins = [
        _margin(desk, one, abs(dollars) + abs(own)) + (desk.largest_move if isolated else 0.0)
        for one, dollars, own in zip(found, wanted, held, strict=True)
    ]
    return Instruments(
        low=np.full(len(found), -desk.gross),
        high=np.full(len(found), desk.gross),
        lots=np.array([one.terms.contract.lot_size * dollars_per_unit(one) for one in found]),
        fees=np.array([_cost_of_a_dollar(one, dollars) for one, dollars in zip(found, wanted, strict=True)]),
        funding=np.array([funding_rate(desk, one) or 0.0 for one in found]),
        held=held,
        margins=np.array(margins),
        accounts=np.array([accounts.index(one.trade.account) for one in found], dtype=np.int64),
    )


def _held(desk: HedgeDesk, one: Priced) -> float:
    own = desk.account(one.trade.account).positions
    return sum(each.quantity for each in own if each.symbol == one.trade.symbol) * dollars_per_unit(one)


def _margin(desk: HedgeDesk, one: Priced, dollars: float) -> float:
    """Initial margin per dollar at about this size, at the leverage set for what is held there."""
    from perpbook.margin.requirement import requirement_of

    account = desk.account(one.trade.account)
    own = next((each for each in account.positions if each.symbol == one.trade.symbol), None)
    size = max(dollars / dollars_per_unit(one), one.terms.contract.lot_size)
    position = Position(
        symbol=one.trade.symbol, quantity=size, entry_price=one.price, leverage=own.leverage if own else None
    )
    return requirement_of(
        position, one.terms, mode=account.mode, price=one.price, ratio=1.0,
        open_interest=(one.quote.open_interest or 0.0) * one.price,
    ).initial_margin_fraction  # fmt: skip


def _cost_of_a_dollar(one: Priced, dollars: float) -> float:
    """Taker fee, and slippage at about this size where depth is known: the worse of both sides."""
    from perpbook.margin.arrays import price_lost

    fee, depth = max(one.venue.fees[0].taker_fee_rate, 0.0), one.quote.depth
    size = max(abs(dollars) / one.price, 1e-12)
    sides = [(depth.bids, True), (depth.asks, False)] if depth else []
    return fee + max(
        (price_lost(levels, size, one.price, selling=side) for levels, side in sides if levels), default=0.0
    )


def funding_rate(desk: HedgeDesk, one: Priced) -> float | None:
    """What a dollar held long pays over the horizon: at the book's rate, else at the lake's of late; None where neither says."""
    if one.quote.funding_rate is not None:
        return one.quote.funding_rate * desk.horizon_ns / one.venue.funding.interval_ns
    of_late = desk.funding.get(one.terms.contract.base)
    return None if of_late is None else of_late * desk.horizon_ns / HOUR_NS
