"""How much of a Drift position a liquidator may take, and what goes to the insurance fund. Units as in `terms.drift`.

Source: drift-labs/protocol-v2 @ 0ae3e3b1, programs/drift/src/math/liquidation.rs:32-420. Fees and multipliers 10^-6.
"""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.terms.drift import BASE, MARGIN, PRICE, QUOTE, WEIGHT

FEE = 10**6
ALL_BASE, ALL_TOKENS = 2**64 - 1, 2**128 - 1
"""What the program returns for "all of it"."""


def base_to_cover(shortage: int, ratio: int, fees: tuple[int, int], price: int, quote_price: int) -> int:
    """Base to liquidate until the shortage is gone; `fees` are the liquidator's and the insurance fund's."""
    ratio *= FEE // MARGIN
    liquidator, fund = fees
    if price == 0 or ratio <= liquidator:
        return ALL_BASE
    freed = price * quote_price // PRICE * (ratio - liquidator) // FEE - price * fund // FEE
    return shortage * (PRICE * BASE // QUOTE) // freed if freed > 0 else ALL_BASE


def insurance_fee(shortage: int, base: int, ratio: int, liquidator_fee: int, prices: tuple[int, int], most: int) -> int:
    """The insurance fund's fee: 95 % of the margin left after the liquidator's fee and the shortage, at most `most`."""
    ratio *= FEE // MARGIN
    price, quote_price = prices
    if ratio <= liquidator_fee or price == 0 or quote_price == 0 or base == 0:
        return 0
    dollars = price * quote_price // PRICE
    used = shortage * BASE // base * PRICE // dollars
    return min(most, max(ratio - liquidator_fee - used, 0) * 19 // 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One coin in a spot liquidation: weight, liquidation multiplier, decimals, price."""

    multiplier: int
    weight: int = WEIGHT
    decimals: int = 6
    price: int = PRICE


def scales(up: int, down: int) -> tuple[int, int]:
    """What to multiply and divide by to go from `down` to `up` decimals."""
    return (10 ** (up - down), 1) if up > down else (1, 10 ** (down - up))


def liability_to_cover(shortage: int, asset: Side, liability: Side, fund_fee: int) -> int:
    """Owed tokens to take over until the shortage is gone."""
    if asset.weight >= liability.weight:
        return ALL_TOKENS
    up, down = scales(liability.decimals, 6)
    owed = liability.weight * 10
    held = asset.weight * 10 * asset.multiplier // liability.multiplier
    if held >= owed:
        return ALL_TOKENS
    freed = liability.price * (owed - held) - liability.price * fund_fee // FEE * owed
    if freed <= 0:
        return ALL_TOKENS
    return shortage * up * PRICE * WEIGHT * 10 // freed // down


def asset_for_liability(held: int, asset: Side, transferred: int, liability: Side) -> int:
    """Held tokens that go with a transfer of owed ones; all of them when about as many are held.

    "About" is a dollar as the program counts one, and its scale is right for six decimals only: nine make it a millionth
    of a dollar, five make it a hundred. Rounded down before it is compared.
    """
    up, down = scales(asset.decimals, liability.decimals)
    value = transferred * up * liability.price * asset.multiplier
    taken = value // (asset.price * liability.multiplier) // down
    up, down = scales(asset.decimals, 6)
    apart = abs(taken - held) * asset.price // PRICE * up // down
    return held if apart < QUOTE else taken
