"""One position's margin rules as numbers: what `terms` say, turned into the terms of `kernels.types.Holdings`.

Everything is in dollars as a function of the price p of the position's column, which is the contract's own price when
linear and the settlement coin's price when inverse (`ratio` = coin price / contract price, frozen).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from perpbook.model.account import MarginMode, Position
from perpbook.terms.terms import CloseFeeBasis, ContractTerms, TierMode, TierUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """Margin of one position: `max_k (rate_k N(p) - deduction_k D(p)) + slope p + reciprocal / p` with
    N(p) = notional_slope p + notional_offset and D(p) = p where `in_coin`, else 1."""

    rates: tuple[float, ...]
    deductions: tuple[float, ...]
    notional_slope: float
    notional_offset: float
    in_coin: bool
    curve_slope: float
    curve_reciprocal: float
    initial_margin_fraction: float


def requirement_of(
    position: Position, terms: ContractTerms, *, mode: MarginMode, price: float, ratio: float, open_interest: float
) -> Requirement:
    """The margin rules of a position at today's size.

    `price` is the contract's own (quote per base); `open_interest` is in quote, 0 when unknown.
    """
    size = abs(position.quantity)
    inverse = terms.contract.is_inverse
    on_entry = terms.isolated_margin_on_entry and mode is MarginMode.ISOLATED
    rates, deductions, in_coin = _tiers(terms, size, price)
    initial = _initial_fraction(position, terms, size=size, price=price, open_interest=open_interest)
    fee = _close_fee(position, terms, initial)
    slope, offset = _notional(position, inverse=inverse, on_entry=on_entry, ratio=ratio)
    per_unit = terms.size_slope.maintenance_per_unit if terms.size_slope else 0.0
    if inverse and not in_coin:
        deductions = tuple(deduction * ratio for deduction in deductions)
    charged = [_size_premium(rate, terms.size_sqrt_fraction, size) + fee for rate in rates]
    if terms.minimum_collateral > 0 and size > 0:
        charged, deductions = [fee, *charged], (-terms.minimum_collateral, *deductions)
    return Requirement(
        rates=tuple(charged),
        deductions=deductions,
        notional_slope=slope,
        notional_offset=offset,
        in_coin=in_coin,
        curve_slope=0.0 if inverse else per_unit * size * size,
        curve_reciprocal=per_unit * (size * ratio) ** 2 if inverse else 0.0,
        initial_margin_fraction=initial + (fee if _fee_in_initial(terms) else 0.0),
    )


def _notional(position: Position, *, inverse: bool, on_entry: bool, ratio: float) -> tuple[float, float]:
    """Dollar notional as a line in the column's price, (slope, offset); `on_entry` freezes the contract's own price."""
    size = abs(position.quantity)
    if inverse:
        return (size / position.entry_price, 0.0) if on_entry else (0.0, size * ratio)
    return (0.0, size * position.entry_price) if on_entry else (size, 0.0)


def size_in_tier_units(terms: ContractTerms, size: float, price: float) -> float:
    """A position's size (|quantity|) in the unit its tier table is kept in."""
    match terms.tiers.unit:
        case TierUnit.CONTRACTS:
            return size / terms.contract.contract_size
        case TierUnit.BASE:
            return size / price if terms.contract.is_inverse else size
        case TierUnit.NOTIONAL:
            return size / price if terms.contract.is_inverse else size * price


def _tiers(terms: ContractTerms, size: float, price: float) -> tuple[tuple[float, ...], tuple[float, ...], bool]:
    """Rates, deductions, and whether the deductions are in the coin rather than in dollars."""
    table, inverse = terms.tiers, terms.contract.is_inverse
    if table.mode is TierMode.WHOLE_POSITION:
        tier = table.tier_of(size_in_tier_units(terms, size, price))
        return (tier.maintenance_margin_fraction,), (0.0,), False
    scale = terms.contract.contract_size if table.unit is TierUnit.CONTRACTS else 1.0
    rates = tuple(tier.maintenance_margin_fraction for tier in table.tiers)
    deductions = tuple(deduction * scale for deduction in table.deductions())
    in_coin = table.unit is not TierUnit.CONTRACTS if inverse else table.unit is not TierUnit.NOTIONAL
    return rates, deductions, in_coin


def _initial_fraction(
    position: Position, terms: ContractTerms, *, size: float, price: float, open_interest: float
) -> float:
    """The larger of what the venue asks at this size and open interest, and one over the user's leverage."""
    tier = terms.tiers.tier_of(size_in_tier_units(terms, size, price))
    asked = _size_premium(tier.initial_margin_fraction, terms.size_sqrt_fraction, size)
    scaling = terms.open_interest_scaling
    if scaling and scaling.upper > scaling.lower:
        share = (open_interest - scaling.lower) / (scaling.upper - scaling.lower)
        asked += (1.0 - asked) * min(max(share, 0.0), 1.0)
    if terms.size_slope:
        in_base = size / price if terms.contract.is_inverse else size
        asked += terms.size_slope.initial_per_unit * in_base
    return max(asked, 1.0 / position.leverage) if position.leverage else asked


def _size_premium(fraction: float, size_sqrt_fraction: float, size: float) -> float:
    """Drift's rule: at least the fraction, and four fifths of it plus imf x sqrt(base size)."""
    if size_sqrt_fraction == 0:
        return fraction
    return max(fraction, 0.8 * fraction + size_sqrt_fraction * math.sqrt(size))


def _close_fee(position: Position, terms: ContractTerms, initial: float) -> float:
    """The fee to close that the venue adds to maintenance, as a fraction of notional."""
    if terms.close_fee is None:
        return 0.0
    if terms.close_fee.basis is CloseFeeBasis.NOTIONAL:
        return terms.close_fee.rate
    side = 1.0 if position.quantity > 0 else -1.0
    leverage = position.leverage or 1.0 / initial
    return terms.close_fee.rate * (1.0 - side / leverage)


def _fee_in_initial(terms: ContractTerms) -> bool:
    return terms.close_fee is not None and terms.close_fee.basis is CloseFeeBasis.BANKRUPTCY
