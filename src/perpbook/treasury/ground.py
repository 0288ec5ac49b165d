"""What rules about money must know of the layers that a book and its playbook name: the coin of their fees, whose bridges are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from perpbook.errors import InputError, Problem
from perpbook.playbook.ground import NO_GROUND, Ground
from perpbook.playbook.schema import Layers, Playbook

if TYPE_CHECKING:
    from perpbook.treasury.facts import Facts


def ground_for(playbook: Playbook, standing: Iterable[str], facts: Facts | None = None) -> Ground:
    """What the playbook's rules on layers need. standing : layers that the book names, which need not be known. facts : the
    package's when left out.

    Raises
    ------
    InputError : a reserve or gas on a layer that nobody knows, or gas of which nobody knows in what coin.
    """
    asked, own = playbook.layers or Layers(), set(standing)
    if not (asked.reserves or asked.gas or asked.bridge_max_share is not None):
        return NO_GROUND
    from perpbook.treasury.facts_load import packaged_facts

    facts = facts or packaged_facts()
    gas = {name: coin for name in (*own, *(asked.gas or {})) if (coin := _coin(name, facts))}
    problems = [*_strangers(asked, own, facts), *_no_coin(asked, gas, own, facts)]
    if problems:
        raise InputError(
            f"the playbook's layers have {len(problems)} problem{'s' if len(problems) > 1 else ''}", problems
        )
    return Ground(gas=gas, families={one.id: one.family for one in facts.routes.values()})


def _coin(name: str, facts: Facts) -> str:
    """The coin that a layer's fees are paid in; "" for none, or not known."""
    layer = facts.layer_id(name)
    gas = facts.layers[layer].gas if layer is not None else None
    return gas.token if gas is not None and not gas.free else ""


def _strangers(asked: Layers, own: set[str], facts: Facts) -> Iterator[Problem]:
    from perpbook.scenario.table_reader import nearest

    for key in ("reserves", "gas"):
        for name in getattr(asked, key) or {}:
            if name not in own and facts.layer_id(name) is None:
                names = (*sorted(own), *facts.layers)
                yield _problem(
                    f"layers.{key}.{name}",
                    "names a layer that neither the book nor the facts know",
                    nearest(name, names),
                )


def _no_coin(asked: Layers, gas: dict[str, str], own: set[str], facts: Facts) -> Iterator[Problem]:
    for name in asked.gas or {}:
        layer = facts.layer_id(name)
        if name in (asked.gas_coins or {}) or name in gas or (layer is None and name not in own):
            continue
        known = facts.layers[layer].gas if layer is not None else None
        if known is not None and known.free:
            yield _problem(f"layers.gas.{name}", "is of a layer whose transactions are free", "remove it")
        else:
            hint = f'write it as gas_coins = {{ {name} = "…" }} under [layers]'
            yield _problem(f"layers.gas.{name}", "is of a layer whose fees are paid in a coin that is not known", hint)


def _problem(key: str, message: str, hint: str) -> Problem:
    return Problem(file="playbook", key=key, message=message, hint=hint)
