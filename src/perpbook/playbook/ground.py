"""What rules about money must know that neither book nor playbook says: which coin pays a layer's fees, whose a bridge is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perpbook.margin.assess import Assessed, OutsideMoney
from perpbook.model.book import Transfer
from perpbook.model.market import STABLECOINS

UNNAMED = "a bridge that the book does not name"
"""Over which a transfer goes that does not say its routes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """gas : by layer, as the book names it, the coin that its fees are paid in. families : by route, the family of its bridge."""

    gas: Mapping[str, str] = field(default_factory=dict)
    families: Mapping[str, str] = field(default_factory=dict)


NO_GROUND = Ground()


def families_of(transfer: Transfer, ground: Ground) -> tuple[str, ...]:
    """The families of bridges that a transfer goes over; () where it does not say."""
    return tuple(dict.fromkeys(ground.families.get(route, route) for route in transfer.routes))


def bridges_of(outside: OutsideMoney, ground: Ground) -> tuple[str, ...]:
    """Every family that money is under way over; where none is named and some money is, the unnamed."""
    named = [family for one in outside.transfers for family in families_of(one, ground)]
    return tuple(dict.fromkeys(named)) or ((UNNAMED,) if outside.transfers else ())


def bridge_values(outside: OutsideMoney, names: tuple[str, ...], ground: Ground) -> list[float]:
    """Dollars under way over each family. What does not say its way may go over any, and counts for every one."""
    out = [0.0] * len(names)
    for one in outside.transfers:
        for family in families_of(one, ground) or names:
            out[names.index(family)] += one.amount * outside.prices[one.asset]
    return out


def stablecoins_of(assessed: Assessed) -> tuple[str, ...]:
    """Every stablecoin that the book has, or that a contract it holds settles in."""
    outside, arrays = assessed.outside, assessed.arrays
    held = [one.balance.asset for one in outside.balances] + [one.asset for one in outside.transfers]
    held += [balance.asset for account in arrays.accounts for balance in account.collateral]
    held += [item.terms.contract.settle for item in arrays.items if item.terms]
    return tuple(coin for coin in dict.fromkeys(held) if coin in STABLECOINS)


def stablecoin_values(assessed: Assessed, names: tuple[str, ...]) -> list[float]:
    """Dollars in each stablecoin: balances everywhere, transfers, and what contracts that settle in it have gained or lost."""
    outside, out = assessed.outside, dict.fromkeys(names, 0.0)
    for layer in outside.balances:
        if layer.balance.asset in out:
            out[layer.balance.asset] += layer.balance.amount * outside.prices[layer.balance.asset]
    for one in outside.transfers:
        if one.asset in out:
            out[one.asset] += one.amount * outside.prices[one.asset]
    for account in assessed.arrays.accounts:
        for balance in account.collateral:
            if balance.asset in out:
                out[balance.asset] += balance.amount * outside.prices.get(balance.asset, 1.0)
    for item in assessed.arrays.items:
        if item.terms and not item.terms.contract.is_inverse and item.terms.contract.settle in out:
            out[item.terms.contract.settle] += item.profit
    return list(out.values())
