"""A case's bare numbers as a book of one account under a venue's terms, read by `assess` like any book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from perpbook.margin.assess import assess
from perpbook.margin.assessment import Assessment, PositionAssessment
from perpbook.model.account import Account, Balance, MarginMode, Position
from perpbook.model.book import Book
from perpbook.model.contract import Contract, ContractKind
from perpbook.model.market import Market, Quote, Snapshot
from perpbook.model.units import from_datetime
from perpbook.terms.load import load_terms
from perpbook.terms.terms import CloseFee, CloseFeeBasis, ContractTerms, SizeSlope, Tier, TierMode, TierTable, TierUnit


def marginal(rates: Sequence[tuple[float, float]], unit: TierUnit = TierUnit.NOTIONAL) -> TierTable:
    """The table whose tiers have these (maintenance rate, deduction), lowest first; bounds follow from deductions."""
    tiers: list[Tier] = []
    before = (0.0, 0.0)
    for rate, deduction in rates:
        lower = (deduction - before[1]) / (rate - before[0])
        if lower > 0 and not tiers:
            tiers.append(_tier(0.0, 0.0))
        tiers.append(_tier(lower, rate))
        before = (rate, deduction)
    return TierTable(tiers=tuple(tiers), unit=unit)


def whole_position(rate: float) -> TierTable:
    """One rate on any number of contracts."""
    return TierTable(tiers=(_tier(0.0, rate),), unit=TierUnit.CONTRACTS, mode=TierMode.WHOLE_POSITION)


def _tier(lower: float, rate: float) -> Tier:
    return Tier(lower=lower, maintenance_margin_fraction=rate, initial_margin_fraction=rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The margin rules of a case's contract; `close_fee` is a rate on the venue's own basis."""

    tiers: TierTable
    close_fee: float = 0.0
    size_slope: SizeSlope | None = None
    inverse: bool = False
    contract_size: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One position: signed quantity, prices in quote per base; legs of one symbol must have the same rules."""

    rules: Rules
    quantity: float
    entry: float
    mark: float | None = None
    leverage: float | None = None
    symbol: str = "OWN-PERP"

    @property
    def price(self) -> float:
        return self.entry if self.mark is None else self.mark


def read(venue: str, legs: Sequence[Leg], wallet: float, mode: MarginMode = MarginMode.CROSS) -> Assessment:
    """What Perpbook says of an account with these legs and this wallet (settle currency, before profit)."""
    terms = load_terms(venue)
    ways = {(fee.basis, one.isolated_margin_on_entry) for one in terms.contracts.values() if (fee := one.close_fee)}
    basis, on_entry = ways.pop() if ways else (CloseFeeBasis.NOTIONAL, False)
    contracts = {leg.symbol: _contract_terms(venue, leg, basis, on_entry) for leg in legs}
    account = Account(
        id="account", venue=venue, mode=mode,
        collateral=(Balance(asset=contracts[legs[0].symbol].contract.settle, amount=wallet),),
        positions=tuple(
            Position(symbol=leg.symbol, quantity=leg.quantity, entry_price=leg.entry, leverage=leg.leverage)
            for leg in legs
        ),
    )  # fmt: skip
    now = from_datetime(datetime(terms.as_of.year, terms.as_of.month, terms.as_of.day, tzinfo=UTC))
    quotes = {(venue, leg.symbol): Quote(venue=venue, symbol=leg.symbol, mark_price=leg.price) for leg in legs}
    snapshot = Snapshot(
        book=Book(as_of_ns=now, source="case", accounts=(account,)),
        market=Market(as_of_ns=now, source="case", quotes=quotes),
    )
    return assess(snapshot, {venue: replace(terms, contracts=contracts)}).assessment


def first_position(
    venue: str, legs: Sequence[Leg], wallet: float, mode: MarginMode = MarginMode.CROSS
) -> PositionAssessment:
    """What Perpbook says of the first leg."""
    return read(venue, legs, wallet, mode).positions[0]


def _contract_terms(venue: str, leg: Leg, basis: CloseFeeBasis, on_entry: bool) -> ContractTerms:
    rules = leg.rules
    asset = leg.symbol.removesuffix("-PERP")
    quote = "USD" if rules.inverse else "USDT"
    return ContractTerms(
        contract=Contract(
            venue=venue, symbol=leg.symbol, base=asset, quote=quote, settle=asset if rules.inverse else quote,
            kind=ContractKind.INVERSE if rules.inverse else ContractKind.LINEAR, contract_size=rules.contract_size,
        ),
        tiers=rules.tiers,
        size_slope=rules.size_slope,
        close_fee=CloseFee(rate=rules.close_fee, basis=basis) if rules.close_fee else None,
        isolated_margin_on_entry=on_entry,
    )  # fmt: skip


def signed(side: str, size: float) -> float:
    """A size (>= 0 or < 0) as a quantity: long > 0 > short."""
    return abs(size) if side == "long" else -abs(size)
