"""A case's bare numbers put through the whole product: terms, account and market in, an assessment out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from perpbook.margin.assess import assess
from perpbook.margin.assessment import Assessment, PositionAssessment
from perpbook.model.account import Account, Balance, MarginMode, Position
from perpbook.model.book import Book
from perpbook.model.contract import Contract, ContractKind
from perpbook.model.market import Market, Quote, Snapshot
from perpbook.terms.terms import (
    CloseFee,
    ContractTerms,
    FundingTerms,
    LiquidationTerms,
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

SYMBOLS = ("AAA", "BBB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One position as a case gives it: signed quantity, prices, and one tier or several."""

    quantity: float
    entry: float
    mark: float
    tiers: Sequence[tuple[float, float, float]] = ()
    leverage: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the venue of a case does otherwise than the plainest one. Tiers are rows of (lower, maintenance, initial)."""

    kind: ContractKind = ContractKind.LINEAR
    contract_size: float = 1.0
    unit: TierUnit = TierUnit.NOTIONAL
    mode: TierMode = TierMode.MARGINAL
    upper_inclusive: bool = False
    close_fee: CloseFee | None = None
    size_slope: SizeSlope | None = None
    on_entry: bool = False
    margin_mode: MarginMode = field(default=MarginMode.CROSS)


def one_tier(fraction: float, deduction: float = 0.0) -> list[tuple[float, float, float]]:
    """A table whose tier in force has this fraction and this cumulative deduction.

    A deduction d at rate r is what a free first tier up to d / r leaves behind.
    """
    if deduction == 0:
        return [(0.0, fraction, 1.0)]
    return [(0.0, 0.0, 1.0), (deduction / fraction, fraction, 1.0)]


def probe(legs: Sequence[Leg], collateral: float, rules: Rules = Rules()) -> Assessment:
    """The product's assessment of one account that holds the legs and `collateral` of its settle currency."""
    inverse = rules.kind is ContractKind.INVERSE
    coin = "AAA" if inverse else "USD"
    contracts = {name: _terms(name, leg, rules, coin) for name, leg in zip(SYMBOLS, legs, strict=False)}
    account = Account(
        id="case",
        venue="probe",
        mode=rules.margin_mode,
        collateral=(Balance(asset=coin, amount=collateral),),
        positions=tuple(
            Position(symbol=name, quantity=leg.quantity, entry_price=leg.entry, leverage=leg.leverage)
            for name, leg in zip(SYMBOLS, legs, strict=False)
        ),
    )
    quotes = {
        ("probe", name): Quote(venue="probe", symbol=name, mark_price=leg.mark)
        for name, leg in zip(SYMBOLS, legs, strict=False)
    }
    snapshot = Snapshot(
        book=Book(as_of_ns=0, source="case", accounts=(account,)),
        market=Market(as_of_ns=0, source="case", quotes=quotes, asset_prices={"USD": 1.0}),
    )
    return assess(snapshot, {"probe": _venue(contracts, coin)}).assessment


def first(legs: Sequence[Leg], collateral: float, rules: Rules = Rules()) -> PositionAssessment:
    """The first leg of `probe`."""
    return probe(legs, collateral, rules).positions[0]


def _terms(name: str, leg: Leg, rules: Rules, coin: str) -> ContractTerms:
    tiers = tuple(
        Tier(lower=lower, maintenance_margin_fraction=maintenance, initial_margin_fraction=initial)
        for lower, maintenance, initial in leg.tiers
    )
    return ContractTerms(
        contract=Contract(
            venue="probe",
            symbol=name,
            base=name,
            quote="USD",
            settle=coin,
            kind=rules.kind,
            contract_size=rules.contract_size,
        ),
        tiers=TierTable(tiers=tiers, unit=rules.unit, mode=rules.mode, upper_inclusive=rules.upper_inclusive),
        close_fee=rules.close_fee,
        size_slope=rules.size_slope,
        isolated_margin_on_entry=rules.on_entry,
    )


def _venue(contracts: dict[str, ContractTerms], coin: str) -> VenueTerms:
    return VenueTerms(
        venue="probe",
        name="Probe",
        as_of=date(1970, 1, 1),
        risk_price=PriceSource.MARK,
        settle=coin,
        contracts=contracts,
        collateral={},
        fees=(),
        funding=FundingTerms(interval_ns=1, price=PriceSource.MARK),
        liquidation=LiquidationTerms(trigger=Trigger.BELOW, procedure=""),
        orders=OrderTerms(reduce_only="", post_only="", dead_mans_switch=""),
        sources=(),
    )
