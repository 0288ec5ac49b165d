"""What transactions of a layer cost in gas: an action, and everything that a full exit needs, at points of the base fee."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perpbook.treasury.facts import Gas, Layer
from perpbook.treasury.pots import price_of

GWEI = 1e-9

SHOWN = ("p50", "p99", "p999")
"""Points of the base fee at which an exit is told: usual, dear, and the one that a tank is filled for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitGas:
    """A full exit of one layer: coins and dollars by point of the base fee, {} where not known (`unknown` says what). `above` :
    points for which the highest fee of the `window` stands, as theirs is not known: no less than they would be. `plus` :
    what comes on top without a figure."""

    layer: str
    token: str
    actions: tuple[str, ...]
    coins: Mapping[str, float]
    dollars: Mapping[str, float]
    above: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    window: str = ""
    plus: str = ""
    free: bool = False


def gwei_at(gas: Gas, percent: str) -> tuple[float | None, bool]:
    """The base fee at a point, and whether the window's highest stands in for it."""
    if percent in gas.gwei:
        return gas.gwei[percent], False
    return gas.gwei.get("max"), "max" in gas.gwei


def units_of(gas: Gas, actions: Sequence[str]) -> tuple[float | None, tuple[str, ...]]:
    """Units of gas of some actions together, None where any is not known, and which."""
    lacking = tuple(one for one in actions if one not in gas.units)
    return (None, lacking) if lacking else (sum(gas.units[one] for one in actions), ())


def exit_gas(layer: Layer, prices: Mapping[str, float]) -> ExitGas:
    """What a full exit of a layer costs."""
    gas = layer.gas
    if gas is None or gas.free:
        told = () if gas else ("what gas is paid in",)
        return ExitGas(layer=layer.id, token="", actions=(), coins={}, dollars={}, unknown=told, free=gas is not None)
    units, lacking = units_of(gas, gas.exit)
    unknown = [f"units of {one}" for one in lacking] + ([] if gas.exit else ["what a full exit takes"])
    points = {percent: gwei_at(gas, percent) for percent in SHOWN}
    if all(gwei is None for gwei, _ in points.values()):
        unknown.append("the base fee")
    price = price_of(gas.token, prices)
    if price is None:
        unknown.append(f"the price of {gas.token}")
    known = {name: gwei for name, (gwei, _) in points.items() if gwei is not None and units is not None and gas.exit}
    coins = {name: (units or 0.0) * gwei * GWEI for name, gwei in known.items()}
    dollars = {name: value * price for name, value in coins.items()} if price is not None else {}
    above = tuple(name for name in coins if points[name][1])
    return ExitGas(
        layer=layer.id, token=gas.token, actions=gas.exit, coins=coins, dollars=dollars, above=above, unknown=tuple(unknown),
        window=gas.window, plus=gas.plus,
    )  # fmt: skip


def action_dollars(
    layer: Layer, actions: Sequence[str], prices: Mapping[str, float], percent: str = "p50"
) -> float | None:
    """What some actions cost on a layer at a point of the base fee, dollars; None where it is not known."""
    gas = layer.gas
    if not actions or (gas is not None and gas.free):
        return 0.0
    if gas is None:
        return None
    units, _ = units_of(gas, actions)
    return None if units is None else units_dollars(gas, units, prices, percent)


def units_dollars(gas: Gas, units: float, prices: Mapping[str, float], percent: str = "p50") -> float | None:
    """What so many units of gas cost at a point of the base fee, dollars; None where it is not known."""
    gwei, _ = gwei_at(gas, percent)
    price = price_of(gas.token, prices)
    return None if gwei is None or price is None else units * gwei * GWEI * price
