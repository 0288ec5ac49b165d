"""What the gas of a way's transactions costs while a storm makes it dear."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from perpbook.treasury.conditions import Conditions
from perpbook.treasury.exit_gas import action_dollars
from perpbook.treasury.facts import Facts
from perpbook.treasury.hops import Hop, Kind

DEPOSIT = ("token",)
"""What a deposit to an exchange does on the layer it comes from."""


def toll_by(facts: Facts, prices: Mapping[str, float]) -> Callable[[Hop, Conditions], float]:
    """Dollars of gas of a hop at the usual base fee, times what storms make of it; what is not known counts as nothing.

    prices : of gas coins, dollars.
    """

    def toll(hop: Hop, conditions: Conditions) -> float:
        return sum(
            (action_dollars(facts.layers[layer], actions, prices) or 0.0) * dearer(conditions, layer)
            for layer, actions in transactions(hop)
        )

    return toll


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


def not_known(facts: Facts, prices: Mapping[str, float], hops: Sequence[Hop]) -> list[str]:
    """Fees and gas of some hops that have no figure and were counted as nothing, in words."""
    out = []
    for hop in hops:
        if hop.fee.dollars is None or hop.fee.bps is None:
            out.append(f"the fee of {hop.words} is not known in full: what is not counts as nothing")
        for layer, actions in transactions(hop):
            if action_dollars(facts.layers[layer], actions, prices) is None:
                out.append(
                    f"gas on {facts.layers[layer].name} for {', '.join(actions)} is not known: it counts as nothing"
                )
    return list(dict.fromkeys(out))
