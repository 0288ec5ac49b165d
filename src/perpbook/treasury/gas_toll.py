"""What the gas of a way's transactions costs: at the base fee of the time where the past is known, else at today's usual one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from perpbook.treasury.conditions import Conditions
from perpbook.treasury.exit_gas import GWEI, gwei_at, units_of
from perpbook.treasury.facts import Facts
from perpbook.treasury.hops import Hop, Kind
from perpbook.treasury.past_gas import GasPast
from perpbook.treasury.pots import price_of

DEPOSIT = ("token",)
"""What a deposit to an exchange does on the layer it comes from."""

Units = tuple[tuple[str, float], ...]
"""Units of gas by layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """Dollars of gas. prices : of gas coins at the run's start, for where `past` has none."""

    facts: Facts
    prices: Mapping[str, float] = field(default_factory=dict)
    past: GasPast = field(default_factory=GasPast)

    def units(self, hops: Sequence[Hop]) -> Units:
        """What some hops take, of which it is known."""
        out: dict[str, float] = {}
        for hop in hops:
            for layer, actions in transactions(hop):
                if units := self.amount(layer, actions):
                    out[layer] = out.get(layer, 0.0) + units
        return tuple(out.items())

    def unknown(self, hops: Sequence[Hop]) -> int:
        """How many transactions of some hops have no figure of their gas."""
        return sum(self.amount(layer, actions) is None for hop in hops for layer, actions in transactions(hop))

    def amount(self, layer: str, actions: tuple[str, ...]) -> float | None:
        """Units of gas of some actions, 0 where it is free; None where it is not known."""
        gas = self.facts.layers[layer].gas
        if not actions or (gas is not None and gas.free):
            return 0.0
        return units_of(gas, actions)[0] if gas is not None else None

    def dollars(self, units: Sequence[Units], conditions: Conditions, now: float, *, paid: bool = False) -> list[float]:
        """What each of some amounts of gas costs at `now`, seconds from the run's start, times what storms make of it; what is
        not known counts as nothing. paid : as it is paid then, not as it was known."""
        layers = {layer for one in units for layer, _ in one}
        rates = {
            layer: (self.rate(layer, now, paid=paid) or 0.0) * dearer(conditions, layer) for layer in sorted(layers)
        }
        return [sum(amount * rates[layer] for layer, amount in one) for one in units]

    def rate(self, layer: str, now: float, *, paid: bool = False) -> float | None:
        """Dollars of a unit of gas, storms aside; None where it is not known."""
        gas = self.facts.layers[layer].gas
        if gas is None or gas.free:
            return 0.0 if gas is not None else None
        gwei = self.past.fee(layer, now, paid=paid)
        gwei = gwei_at(gas, "p50")[0] if gwei is None else gwei
        price = self.past.price(gas.token, now)
        price = price_of(gas.token, self.prices) if price is None else price
        return None if gwei is None or price is None else gwei * GWEI * price


def transactions(hop: Hop) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The sender's own actions, by layer."""
    if hop.route is not None:
        yield hop.layers[0], hop.route.leaving
        yield hop.layers[1], hop.route.arriving
    elif hop.kind is Kind.IN and hop.words:
        yield hop.layers[0], DEPOSIT


def dearer(conditions: Conditions, layer: str) -> float:
    """Times the usual price of gas on a layer."""
    out = 1.0
    for one in conditions.absences:
        mine = one.where == "layer" and (one.name == "*" or conditions.facts.layer_id(one.name) == layer)
        out *= one.factor if mine and one.kind == "gas" else 1.0
    return out


def toll_told(toll: Toll, sent: Sequence[tuple[float, Sequence[Hop]]]) -> list[str]:
    """What gas of some transfers (when each left, over which hops) was reckoned with, and fees and gas that have no figure and
    were counted as nothing, in words."""
    out = [
        f"the fee of {hop.words} is not known in full: what is not counts as nothing"
        for _, hops in sent
        for hop in hops
        if hop.fee.dollars is None or hop.fee.bps is None
    ]
    out += [line for now, hops in sent for hop in hops for line in _not_known(toll, hop, now)]
    return [*dict.fromkeys(out), *_of_when(toll, sent)]


def _not_known(toll: Toll, hop: Hop, now: float) -> Iterator[str]:
    for layer, actions in transactions(hop):
        units = toll.amount(layer, actions)
        if units is None or (units > 0.0 and toll.rate(layer, now) is None):
            name = toll.facts.layers[layer].name
            yield f"gas on {name} for {', '.join(actions)} is not known: it counts as nothing"


def _of_when(toll: Toll, sent: Sequence[tuple[float, Sequence[Hop]]]) -> Iterator[str]:
    """Whose base fees were paid, layer by layer, and at whose price of the coin."""
    layers = toll.facts.layers
    paid = [(now, layer) for now, hops in sent for layer, _ in toll.units(hops)]
    for layer in dict.fromkeys(layer for _, layer in paid):
        mine = [now for now, one in paid if one == layer]
        then = sum(toll.past.fee(layer, now, paid=True) is not None for now in mine)
        if then:
            which = ", ".join(one.words for one in toll.past.fees[layer])
            rest = (
                f"; in {len(mine) - then} more it is today's usual one, as the lake has none"
                if then < len(mine)
                else ""
            )
            yield f"gas on {layers[layer].name} in {then} transfers: the base fee of the lake ({which}){rest}"
    usual = sorted({layers[layer].name for now, layer in paid if not toll.past.fees.get(layer)})
    if usual:
        yield f"gas on {', '.join(usual)}: today's usual base fee, whatever the time of the run; the lake has none"
    for coin in sorted({gas.token for _, layer in paid if (gas := layers[layer].gas) is not None}):
        if coin in toll.past.prices:
            yield f"{coin} for gas at its last close: {toll.past.prices[coin].words}"
