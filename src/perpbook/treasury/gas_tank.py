"""The gas that must stand on a layer: enough to bring everything of the book away from it when a unit of gas costs most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS, Market
from perpbook.treasury.facts import Facts, Gas
from perpbook.treasury.holdings import Holdings
from perpbook.treasury.lead import Lead
from perpbook.treasury.pots import price_of

GWEI = 1e-9

DEAREST = ("p999", "max")
"""Which percentile of the base fee a tank is reckoned with: the first that is known."""

EXITS_KEPT = 2.0
"""A tank is filled up to so many exits, and refilled below one."""

KEEP = "or say in the playbook how many coins to keep, as in [layers] gas = {{ {layer} = 0.05 }}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tank:
    """Gas of one layer: the coin, dollars to keep at least and to fill up to, and how that is reckoned."""

    layer: str
    asset: str
    least: float
    full: float
    why: str


def tanks_of(
    book: Book, market: Market, facts: Facts, holdings: Holdings, coins: Mapping[str, float]
) -> tuple[tuple[Tank, ...], tuple[str, ...]]:
    """A tank for every layer that the book has money or a position on, and what is not known of others. coins : by layer, how
    many the playbook keeps."""
    tanks, notes = [], []
    used = _layers_used(book, facts, holdings)
    for layer in dict.fromkeys([*coins, *used]):
        found = _tank(layer, facts, market, used.get(layer, 0), coins.get(layer))
        if isinstance(found, Tank):
            tanks.append(found)
        elif found:
            notes.append(found)
    return tuple(tanks), tuple(notes)


def _layers_used(book: Book, facts: Facts, holdings: Holdings) -> dict[str, int]:
    """By layer, how many things must be brought away: coins that stand there, accounts of venues that live there."""
    out: dict[str, int] = {}
    for one in holdings.holdings.values():
        if one.place in facts.layers and one.free + one.locked > 0.0:
            out[one.place] = out.get(one.place, 0) + 1
        elif one.place in facts.layers:
            out.setdefault(one.place, 1)
    for account in book.accounts:
        layer = facts.venues[account.venue].layer if account.venue in facts.venues else ""
        if layer:
            out[layer] = out.get(layer, 0) + 1
    return out


def _tank(layer: str, facts: Facts, market: Market, exits: int, coins: float | None) -> Tank | str:
    """The tank of a layer; "" where it needs none, else why it is not known."""
    gas, name = facts.layers[layer].gas, facts.layers[layer].name
    if gas is None or (gas.free and coins is None):
        return "" if gas else f"what a transaction on {name} is paid in is not known"
    price = price_of(gas.token, market.asset_prices) if gas.token else None
    if price is None:
        coin = gas.token or "the coin of its fees"
        return f"{coin} has no price, so the gas that {name} needs is not known: write it under [prices]"
    if coins is not None:
        told = f"the playbook keeps {coins:g} {gas.token} there"
        return Tank(layer=layer, asset=gas.token, least=coins * price, full=coins * price, why=told)
    if gas.token in STABLECOINS:
        return ""
    per_exit, unknown = exit_coins(gas)
    if per_exit is None:
        return f"the gas that {name} needs is not known ({unknown}): give it with --facts, {KEEP.format(layer=layer)}"
    least = per_exit * exits * price
    which = dearest(gas)
    told = f"{exits} times {' and '.join(gas.exit)} at {gas.gwei[which]:g} gwei ({_said(which)} of {gas.window})"
    return Tank(layer=layer, asset=gas.token, least=least, full=EXITS_KEPT * least, why=told)


def exit_coins(gas: Gas) -> tuple[float | None, str]:
    """Coins that bringing one thing away takes at the dearest, None with what is not known."""
    which = dearest(gas)
    lacking = [f"units of {action}" for action in gas.exit if action not in gas.units]
    lacking += [] if which else ["what a unit costs"]
    if lacking or not gas.exit:
        return None, ", ".join(lacking) or "what brings everything away"
    return sum(gas.units[action] for action in gas.exit) * gas.gwei[which] * GWEI, ""


def gas_dollars(facts: Facts, layer: str, actions: Sequence[str], market: Market) -> float | None:
    """What some actions cost on a layer at the median base fee, dollars; None where it is not known."""
    gas = facts.layers[layer].gas if layer in facts.layers else None
    if gas is None or gas.free:
        return 0.0 if gas else None
    price = price_of(gas.token, market.asset_prices)
    if price is None or "p50" not in gas.gwei or any(action not in gas.units for action in actions):
        return None
    return sum(gas.units[action] for action in actions) * gas.gwei["p50"] * GWEI * price


def gas_of(lead: Lead, facts: Facts, market: Market) -> float | None:
    """What the sender's own actions cost in gas over the best way, dollars at the median base fee; None where it is not known."""
    costs: list[float | None] = []
    for hop in lead.first.way.hops if lead.first else ():
        if hop.route is not None:
            costs.append(gas_dollars(facts, hop.layers[0], hop.route.leaving, market))
            costs += [gas_dollars(facts, hop.layers[1], hop.route.arriving, market)] if hop.route.arriving else []
    known = [one for one in costs if one is not None]
    return sum(known) if len(known) == len(costs) else None


def dearest(gas: Gas) -> str:
    """Which percentile is used, "" for none."""
    return next((name for name in DEAREST if name in gas.gwei), "")


def _said(percent: str) -> str:
    return "the highest" if percent == "max" else "the 99.9 % point"
