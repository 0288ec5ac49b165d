"""The seam of a run: a book, its venues' terms and some bars become rows (`Slots`) and what they hold (`Holding`).

The counterpart of `margin.arrays` for books whose sizes change: rows exist for everything that is held or may be traded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perpbook.engine.coins import coin_column, coin_series, unit_of
from perpbook.errors import BookError, InputError, MissingData
from perpbook.kernels.deleverage import BY_CHANCE, BY_PRICE, BY_PROFIT
from perpbook.kernels.holding import Holding, draw_account, empty_holding
from perpbook.kernels.seize import AS_NEEDED, FRACTION, TIERS, WHOLE
from perpbook.kernels.slots import ACCOUNT, BY_BASE, BY_CONTRACTS, BY_NOTIONAL, ROW, Slots
from perpbook.model.account import Account, MarginMode
from perpbook.model.bars import Bars
from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS
from perpbook.strategies.table import Leg
from perpbook.terms.find import find_contract
from perpbook.terms.terms import CloseFeeBasis, ContractTerms, Manner, Queue, TierMode, TierUnit, Trigger, VenueTerms

UNITS = {TierUnit.NOTIONAL: BY_NOTIONAL, TierUnit.BASE: BY_BASE, TierUnit.CONTRACTS: BY_CONTRACTS}
MANNERS = {Manner.WHOLE: WHOLE, Manner.FRACTION: FRACTION, Manner.TIERS: TIERS, Manner.AS_NEEDED: AS_NEEDED}
QUEUES = {Queue.PROFIT: BY_PROFIT, Queue.PRICE: BY_PRICE, Queue.CHANCE: BY_CHANCE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a run: a contract in an account (`terms`), or a coin held there (`terms` None)."""

    account: int
    column: int
    asset: str
    symbol: str
    terms: ContractTerms | None = None
    quantity: float = 0.0
    entry: float = 0.0
    leverage: float = 0.0
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """Rows with their names, and the arrays made of them. `weights` (n,) of coins."""

    accounts: tuple[Account, ...]
    terms: tuple[VenueTerms, ...]
    rows: tuple[Row, ...]
    assets: tuple[str, ...]
    venues: tuple[str, ...]
    layers: tuple[str, ...]
    slots: Slots
    holding: Holding
    notes: tuple[str, ...] = field(default=())

    def row_of(self, account: str, symbol: str) -> int:
        """The row of a contract in an account; KeyError when there is none."""
        for number, row in enumerate(self.rows):
            if row.terms and (self.accounts[row.account].id, row.symbol) == (account, symbol):
                return number
        raise KeyError((account, symbol))

    @property
    def positions(self) -> list[int]:
        """Rows that are contracts."""
        return [number for number, row in enumerate(self.rows) if row.terms]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frictions:
    """What trading costs where no depth is known.

    `half_spread` is a fraction of price, `impact` the coefficient Y of Y sigma sqrt(notional / daily volume), and
    `minimum_order` dollars. `fee_tier` counts from 0, the dearest.
    """

    half_spread: float = 1e-4
    impact: float = 1.0
    minimum_order: float = 10.0
    fee_tier: int = 0

    def __post_init__(self) -> None:
        for name in ("half_spread", "impact", "minimum_order", "fee_tier"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise InputError(f"{name} is {getattr(self, name)}: it must be a number, 0 or more")


def arrange(
    book: Book,
    terms: Mapping[str, VenueTerms],
    bars: Bars,
    *,
    legs: Sequence[Leg] = (),
    frictions: Frictions = Frictions(),
    betas: Mapping[str, float] | None = None,
) -> Arrangement:
    """Lay a book out for a run at the first bar's open.

    Raises
    ------
    MissingData : a contract or coin has no series among the bars.
    BookError : an isolated account would hold two contracts, or a leg names an account that is not there.
    """
    notes: list[str] = []
    rows: list[Row] = []
    _known_accounts(book, legs)
    for number, account in enumerate(book.accounts):
        venue = terms[account.venue]
        wanted = [leg.symbol for leg in legs if leg.account == account.id]
        own = _contract_rows(number, account, venue, wanted, bars)
        coins, _ = _coins(number, account, venue, own, bars, notes)
        rows += sorted(own + coins, key=lambda row: row.column)
    assets = tuple(dict.fromkeys(row.asset for row in rows))
    venues = tuple(dict.fromkeys(account.venue for account in book.accounts))
    layers = book.layer_names
    slots = _slots(rows, book, terms, (assets, venues, layers), frictions, betas or {})
    holding = _filled(slots, rows, book, terms, bars)
    return Arrangement(
        accounts=book.accounts,
        terms=tuple(terms[account.venue] for account in book.accounts),
        rows=tuple(rows),
        assets=assets,
        venues=venues,
        layers=layers,
        slots=slots,
        holding=holding,
        notes=tuple(dict.fromkeys(notes)),
    )


def _filled(slots: Slots, rows: Sequence[Row], book: Book, terms: Mapping[str, VenueTerms], bars: Bars) -> Holding:
    """What the rows hold at the first open."""
    holding = empty_holding(slots)
    for number, row in enumerate(rows):
        holding.rows[number].quantity, holding.rows[number].entry = row.quantity, row.entry
        holding.rows[number].marked = bars.open[row.column, 0]
    for number, account in enumerate(book.accounts):
        own = [row for row in rows if row.account == number and row.terms]
        holding.accounts[number].cash = _coins(number, account, terms[account.venue], own, bars, [])[1]
        draw_account(slots, holding, np.ascontiguousarray(bars.open[:, 0]), number)
    return holding


def _known_accounts(book: Book, legs: Sequence[Leg]) -> None:
    ids = {account.id: account for account in book.accounts}
    for leg in legs:
        if leg.account not in ids:
            raise BookError(f'a leg trades in account "{leg.account}", which the book does not have: {", ".join(ids)}')


def _contract_rows(number: int, account: Account, venue: VenueTerms, wanted: list[str], bars: Bars) -> list[Row]:
    held = {find_contract(venue, position.symbol).contract.symbol: position for position in account.positions}
    symbols = list(dict.fromkeys([*held, *(find_contract(venue, symbol).contract.symbol for symbol in wanted)]))
    if account.mode is MarginMode.ISOLATED and len(symbols) > 1:
        raise BookError(f'account "{account.id}" is one isolated position and cannot also trade {symbols[1]}')
    out = []
    for symbol in symbols:
        terms, position = find_contract(venue, symbol), held.get(symbol)
        out.append(
            Row(
                account=number,
                column=column_of(bars, account.venue, symbol),
                asset=terms.contract.base,
                symbol=symbol,
                terms=terms,
                quantity=position.quantity if position else 0.0,
                entry=position.entry_price if position else 0.0,
                leverage=(position.leverage if position else None) or 0.0,
                tags=position.tags if position else (),
            )
        )
    return out


def column_of(bars: Bars, venue: str, symbol: str) -> int:
    """The row of bars of a contract; MissingData when there is none."""
    try:
        return bars.column(venue, symbol)
    except KeyError:
        known = ", ".join(f"{key.symbol}@{key.venue}" for key in bars.series)
        raise MissingData(f"no bars for {symbol} on {venue}; the run has {known}") from None


def _coins(
    number: int, account: Account, venue: VenueTerms, own: Sequence[Row], bars: Bars, notes: list[str]
) -> tuple[list[Row], float]:
    """Coin rows of an account, and its dollars. A coin that contracts settle in always has a row.

    Debts, and what contracts or the venue settle in, count in full; the rest by the venue's terms, as in `margin.arrays`. A
    stablecoin that the run has a series of (`engine.coins`) is a coin.
    """
    settles = {row.terms.contract.settle: row.column for row in own if row.terms and row.terms.contract.is_inverse}
    whole = {venue.settle, *(row.terms.contract.settle for row in own if row.terms)}
    priced = dict(settles)
    amounts = dict.fromkeys(settles, 0.0)
    dollars = 0.0
    for balance in account.collateral:
        series = coin_series(account.venue, balance.asset, unit_of(account, venue))
        if series in bars.series:
            priced[balance.asset] = bars.series.index(series)
        if balance.asset in STABLECOINS and balance.asset not in priced:
            weight = 1.0 if balance.asset in whole or balance.amount < 0 else _weight(venue, balance.asset)
            dollars += balance.amount * weight
            if weight < 1.0:
                notes.append(f"{balance.asset} in {account.id} counts {weight:g} of its amount, as collateral")
        else:
            amounts[balance.asset] = amounts.get(balance.asset, 0.0) + balance.amount
    rows = []
    for asset, amount in amounts.items():
        if asset not in whole and amount >= 0.0 and _weight(venue, asset) == 0.0:
            notes.append(f"{asset} in {account.id} counts for nothing there and is left out")
            continue
        column = priced[asset] if asset in priced else coin_column(bars, account.venue, asset)
        rows.append(Row(account=number, column=column, asset=asset, symbol=asset, quantity=amount))
    return rows, dollars


def _weight(venue: VenueTerms, asset: str) -> float:
    found = venue.collateral.get(asset)
    return found.maintenance_weight if found else 0.0


def _slots(
    rows: Sequence[Row],
    book: Book,
    terms: Mapping[str, VenueTerms],
    names: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]],
    frictions: Frictions,
    betas: Mapping[str, float],
) -> Slots:
    assets, venues, layers = names
    accounts = book.accounts
    home = [terms[account.venue] for account in accounts]
    counts = np.bincount([row.account for row in rows], minlength=len(accounts)) if rows else [0] * len(accounts)
    deepest = max((len(row.terms.tiers.tiers) for row in rows if row.terms), default=1)
    positions = [number for number, row in enumerate(rows) if row.terms]
    place = np.full(len(rows), -1, dtype=np.int64)
    place[positions] = np.arange(len(positions))
    tables = _tables([row.terms for row in rows], deepest)
    record = np.zeros(len(rows), dtype=ROW).view(np.recarray)
    for number, row in enumerate(rows):
        account = accounts[row.account]
        alone = account.mode is MarginMode.ISOLATED
        figures = {"place": place[number], "leverage": row.leverage, "isolated": alone}
        figures |= {"account": row.account, "column": row.column, "asset": assets.index(row.asset), "sleeve": -1}
        figures |= {"venue": venues.index(account.venue), "pays": _pays(row, rows), "beta": beta_of(row.asset, betas)}
        figures |= {"weight": _coin_weight(row, terms[account.venue], rows), "coin": row.terms is None}
        figures |= {"contract_size": 1.0}
        if row.terms is not None:
            maker, taker = _fees(home[row.account], frictions.fee_tier)
            figures |= {"maker": maker, "taker": taker, "least_trade": frictions.minimum_order}
            figures |= _contract_figures(row.terms, alone=alone)
        for name, value in figures.items():
            record[name][number] = value
    contracts = np.array(positions, dtype=np.int64)
    return Slots(
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        rows=record,
        accounts=_account_records(accounts, home, venues, layers),
        column=np.array([row.column for row in rows], dtype=np.int64),
        positions=contracts,
        lower=tables[0],
        rate=tables[1],
        initial=tables[2],
        deduction=tables[3],
    )


def beta_of(asset: str, betas: Mapping[str, float]) -> float:
    """An asset's beta to the market: 1 unless it is known, 0 for a stablecoin."""
    return betas.get(asset, 0.0 if asset in STABLECOINS else 1.0)


def _contract_figures(terms: ContractTerms, *, alone: bool) -> dict[str, float]:
    """What a contract's terms say of its rows."""
    slope = terms.size_slope
    return {
        "inverse": terms.contract.is_inverse,
        "on_entry": terms.isolated_margin_on_entry and alone,
        "whole": terms.tiers.mode is TierMode.WHOLE_POSITION,
        "inclusive": terms.tiers.upper_inclusive,
        "in_coin": _in_coin(terms),
        "unit": UNITS[terms.tiers.unit],
        "contract_size": terms.contract.contract_size,
        "pieces": len(terms.tiers.tiers),
        "sqrt_fraction": terms.size_sqrt_fraction,
        "per_unit": slope.maintenance_per_unit if slope else 0.0,
        "initial_per_unit": slope.initial_per_unit if slope else 0.0,
        "close_fee": _fee(terms, CloseFeeBasis.NOTIONAL),
        "bankruptcy_fee": _fee(terms, CloseFeeBasis.BANKRUPTCY),
        "least_collateral": terms.minimum_collateral,
        "lot": terms.contract.lot_size,
    }


def _account_records(
    accounts: Sequence[Account], home: Sequence[VenueTerms], venues: Sequence[str], layers: Sequence[str]
) -> NDArray[Any]:
    """How each account's venue liquidates, and where the account lives."""
    out = np.zeros(len(accounts), dtype=ACCOUNT).view(np.recarray)
    for number, (account, venue) in enumerate(zip(accounts, home, strict=True)):
        rules = venue.liquidation
        figures = {
            "at_or_below": rules.trigger is Trigger.AT_OR_BELOW,
            "remainder_lost": rules.remainder_lost,
            "manner": MANNERS[rules.manner],
            "queue": QUEUES[rules.queue],
            "penalty": rules.penalty_rate,
            "partial_fraction": _or(rules.partial_fraction, 1.0),
            "partial_above": _or(rules.partial_above, 0.0),
            "partial_least": rules.partial_least,
            "backstop_ratio": _or(rules.backstop_ratio, 0.0),
            "fillable_spread": rules.fillable_spread,
            "cooldown_ns": rules.cooldown_ns or 0,
            "home": venues.index(account.venue),
            "layer": layers.index(account.layer) if account.layer else -1,
        }
        for name, value in figures.items():
            out[name][number] = value
    return out


def _fees(venue: VenueTerms, tier: int) -> tuple[float, float]:
    """Maker and taker rate of a venue's fee tier; the last one when it has fewer."""
    if not venue.fees:
        return 0.0, 0.0
    found = venue.fees[min(tier, len(venue.fees) - 1)]
    return found.maker_fee_rate, found.taker_fee_rate


def _tables(contracts: Sequence[ContractTerms | None], deepest: int) -> list[NDArray[np.float64]]:
    """(n, K) each: lower bounds, maintenance rates, initial rates, deductions in dollars or coin."""
    out = [np.zeros((len(contracts), deepest)) for _ in range(4)]
    for number, one in enumerate(contracts):
        if one is None:
            continue
        scale = one.contract.contract_size if one.tiers.unit is TierUnit.CONTRACTS else 1.0
        for k, (tier, deduction) in enumerate(zip(one.tiers.tiers, one.tiers.deductions(), strict=True)):
            figures = (
                tier.lower,
                tier.maintenance_margin_fraction,
                tier.initial_margin_fraction,
                deduction * scale,
            )
            for table, figure in zip(out, figures, strict=True):
                table[number, k] = figure
    return out


def _in_coin(terms: ContractTerms) -> bool:
    unit = terms.tiers.unit
    if terms.tiers.mode is TierMode.WHOLE_POSITION:
        return False
    return unit is not TierUnit.CONTRACTS if terms.contract.is_inverse else unit is not TierUnit.NOTIONAL


def _fee(terms: ContractTerms | None, basis: CloseFeeBasis) -> float:
    return terms.close_fee.rate if terms and terms.close_fee and terms.close_fee.basis is basis else 0.0


def _pays(row: Row, rows: Sequence[Row]) -> int:
    """The row of the coin that an inverse contract pays in, -1 for dollars."""
    if row.terms is None or not row.terms.contract.is_inverse:
        return -1
    for number, other in enumerate(rows):
        if other.account == row.account and other.terms is None and other.asset == row.terms.contract.settle:
            return number
    raise MissingData(f"{row.symbol} settles in {row.terms.contract.settle}, which its account has no row for")


def _coin_weight(row: Row, venue: VenueTerms, rows: Sequence[Row]) -> float:
    """What a coin counts for: in full where contracts settle in it, else by the venue's terms."""
    if row.terms is not None:
        return 1.0
    settled = any(
        other.terms and other.account == row.account and other.terms.contract.settle == row.asset for other in rows
    )
    return 1.0 if settled or row.asset == venue.settle else _weight(venue, row.asset)


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
