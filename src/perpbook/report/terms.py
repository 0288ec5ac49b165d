"""Venue terms as text: every figure with its date and source."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from perpbook.model.units import HOUR_NS
from perpbook.report.text import table
from perpbook.report.words import NONE, money
from perpbook.terms.terms import ContractTerms, TierMode, TierTable, TierUnit, VenueTerms


def rate(value: float | None) -> str:
    """A fraction as a percentage with as many digits as it has."""
    return NONE if value is None else f"{100 * value:.6g} %"


def tell_venues(console: Console, found: Sequence[VenueTerms]) -> None:
    """One row per venue."""
    made = table("Terms", "venue", "name", "as of", "margins on", "liquidates when", "contracts", left=5)
    for one in found:
        trigger = "equity < margin" if one.liquidation.trigger.value == "below" else "equity <= margin"
        made.add_row(
            one.venue, one.name, one.as_of.isoformat(), one.risk_price.value.replace("_", "/"), trigger,
            str(len(one.contracts)),
        )  # fmt: skip
    console.print(made)


def tell_terms(console: Console, terms: VenueTerms, folder: Path) -> None:
    """A venue's rules, its contracts in short, what is not modelled, and where the figures come from."""
    console.print(f"{terms.name} ({terms.venue}), terms of {terms.as_of}")
    console.print(f"Margins on {terms.risk_price.value.replace('_', '/')} prices, settles in {terms.settle}.")
    console.print(f"Liquidation: {terms.liquidation.procedure}.")
    if terms.liquidation.penalty_rate:
        console.print(f"Liquidation penalty: {rate(terms.liquidation.penalty_rate)} of the notional.")
    funding = terms.funding
    console.print(
        f"Funding: every {funding.interval_ns / HOUR_NS:g} h on {funding.price.value.replace('_', '/')} prices, "
        f"interest {rate(funding.interest_rate_8h)} per 8 h, clamp {rate(funding.clamp)}, cap {rate(funding.cap)}."
        + (f" {funding.note}." if funding.note else "")
    )
    console.print(f"Reduce-only: {terms.orders.reduce_only}. Post-only: {terms.orders.post_only}.")
    console.print(f"Dead man's switch: {terms.orders.dead_mans_switch}.")
    fees = table("Fees", "volume from", "maker", "taker", left=0)
    for fee in terms.fees:
        fees.add_row(money(fee.minimum_volume), rate(fee.maker_fee_rate), rate(fee.taker_fee_rate))
    console.print(fees)
    made = table("Contracts", "contract", "kind", "first maint.", "first initial", "tiers", "known to", "lot", left=2)
    for symbol in terms.contracts:
        made.add_row(*_contract_row(terms.contracts[symbol]))
    console.print(made)
    if terms.collateral:
        made = table("Collateral", "asset", "initial weight", "maintenance weight")
        for one in terms.collateral.values():
            made.add_row(one.asset, rate(one.initial_weight), rate(one.maintenance_weight))
        console.print(made)
    for text in terms.not_modelled:
        console.print(f"Not modelled: {text}.")
    for source in terms.sources:
        console.print(f"Source of {source.what}: {source.where} (read {source.retrieved}).")
    console.print(f"A newer file named {terms.venue}-YYYY-MM-DD.toml in {folder} takes the place of this one.")


def _contract_row(one: ContractTerms) -> tuple[str, ...]:
    first = one.tiers.tiers[0]
    covers = one.tiers.covers
    return (
        one.contract.symbol,
        one.contract.kind.value,
        rate(first.maintenance_margin_fraction),
        rate(first.initial_margin_fraction),
        str(len(one.tiers.tiers)),
        "any size" if math.isinf(covers) else _bound(one.tiers, covers),
        f"{one.contract.lot_size:g}" if one.contract.lot_size else NONE,
    )


def _bound(tiers: TierTable, value: float) -> str:
    unit = {TierUnit.NOTIONAL: "", TierUnit.BASE: " coins", TierUnit.CONTRACTS: " contracts"}[tiers.unit]
    return f"{value:,.10g}{unit}"


def tell_contract(console: Console, terms: VenueTerms, found: ContractTerms) -> None:
    """One contract's tiers and what modifies them."""
    contract = found.contract
    console.print(
        f"{contract.symbol} on {terms.name}, terms of {terms.as_of}: {contract.kind.value}, {contract.base} in "
        f"{contract.quote}, settled in {contract.settle}, contract of {contract.contract_size:g}."
    )
    made = table("Tiers", "from", "maintenance", "initial", "deduction", "largest leverage", left=0)
    for tier, deduction in zip(found.tiers.tiers, found.tiers.deductions(), strict=True):
        made.add_row(
            _bound(found.tiers, tier.lower),
            rate(tier.maintenance_margin_fraction),
            rate(tier.initial_margin_fraction),
            NONE if found.tiers.mode is TierMode.WHOLE_POSITION else f"{deduction:,.10g}",
            f"{1 / tier.initial_margin_fraction:g}x",
        )
    console.print(made)
    if found.tiers.mode is TierMode.WHOLE_POSITION:
        console.print("A higher tier's fraction holds for the whole position.")
    if not math.isinf(found.tiers.covers):
        console.print(f"Known up to {_bound(found.tiers, found.tiers.covers)}: larger positions may need more.")
    if found.open_interest_scaling:
        scaling = found.open_interest_scaling
        console.print(
            f"Initial margin grows to 100 % as open interest goes from {money(scaling.lower)} to {money(scaling.upper)}."
        )
    if found.size_slope:
        slope = found.size_slope
        console.print(
            f"Each coin of size adds {rate(slope.maintenance_per_unit)} to maintenance, "
            f"{rate(slope.initial_per_unit)} to initial margin."
        )
    if found.close_fee:
        console.print(f"A fee to close of {rate(found.close_fee.rate)} is part of the maintenance margin.")
    if found.minimum_collateral:
        console.print(f"At least {money(found.minimum_collateral)} of collateral must remain.")
