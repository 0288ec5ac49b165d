"""The gas that must stand on a layer: enough to bring everything of the book away from it when a unit of gas costs most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS, Market
from perpbook.treasury.exit_gas import exit_gas
from perpbook.treasury.facts import Facts
from perpbook.treasury.holdings import Holdings
from perpbook.treasury.pots import price_of

DEAREST = "p999"
"""The point of the base fee that a tank is reckoned with; the highest stands in where it is not known."""

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
    book: Book, market: Market, facts: Facts, holdings: Holdings, coins: Mapping[str, float], tokens: Mapping[str, str]
) -> tuple[tuple[Tank, ...], tuple[str, ...]]:
    """A tank for every layer that the book has money or a position on, and what is not known of others. coins : by layer, how
    many the playbook keeps; tokens : of which coin, where it says so."""
    tanks, notes = [], []
    used = _layers_used(book, facts, holdings)
    for layer in dict.fromkeys([*coins, *used]):
        found = _tank(layer, facts, market, used.get(layer, 0), (coins.get(layer), tokens.get(layer, "")))
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


def _tank(layer: str, facts: Facts, market: Market, exits: int, kept: tuple[float | None, str]) -> Tank | str:
    """The tank of a layer; "" where it needs none, else why it is not known. kept : as the playbook has it."""
    one = facts.layers[layer]
    exit = exit_gas(one, market.asset_prices)
    token, (coins, own) = (one.gas.token if one.gas else ""), kept
    if coins is not None:
        token = own or token
        price = price_of(token, market.asset_prices) if token else None
        if price is None:
            return (
                f"the playbook keeps gas on {one.name}, but {token or 'its coin'} has no price: write it under [prices]"
            )
        told = f"the playbook keeps {coins:g} {token} there"
        return Tank(layer=layer, asset=token, least=coins * price, full=coins * price, why=told)
    if exit.free or token in STABLECOINS:
        return ""
    if DEAREST not in exit.dollars:
        lacking = ", ".join(exit.unknown)
        return (
            f"the gas that {one.name} needs is not known ({lacking}): give it with --facts, {KEEP.format(layer=layer)}"
        )
    least, known = exits * exit.dollars[DEAREST], "the highest" if DEAREST in exit.above else "the 99.9 % point"
    told = f"{counted(exits)} {' and '.join(exit.actions)} at {known} of the base fee"
    return Tank(layer=layer, asset=token, least=least, full=EXITS_KEPT * least, why=told)


def counted(times: int) -> str:
    """How often, in words."""
    return "once" if times == 1 else f"{times} times"
