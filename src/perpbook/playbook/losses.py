"""What is left of a book once a venue or a layer is lost: its accounts and positions, its money, and what was on its way there.

The rest then goes through every survival scenario. Hedges that break do so against what is left of the book. An account that
does not keep its margin with the playbook's buffer is counted as lost too: others do not help it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from perpbook.kernels.screens import FLOOR
from perpbook.kernels.state import Policy
from perpbook.margin.assess import Assessed, OutsideMoney, column_moves
from perpbook.margin.breaking import broken_moves
from perpbook.margin.measures import stress
from perpbook.model.market import STABLECOINS
from perpbook.model.scenario import Scenario
from perpbook.playbook.compile import Names
from perpbook.playbook.schema import Playbook

ROUNDING = 1e-9
"""Relative: an account at its margin keeps it."""


def losses_of(assessed: Assessed, playbook: Playbook, names: Names, policy: Policy) -> dict[str, Any]:
    """The fields of `State` that say what each loss leaves; NaN where the playbook does not ask."""
    accounts = assessed.arrays.accounts
    found: dict[str, Any] = {}
    for kind, places, asked, homes in (
        ("venue", names.venues, policy.venue_leaves > 0.0, [account.venue for account in accounts]),
        ("layer", names.layers, policy.layer_leaves > 0.0, [account.layer for account in accounts]),
    ):
        left, where = np.full(len(places), np.nan), np.full(len(places), -1, dtype=np.int64)
        for number, place in enumerate(places if asked else ()):
            lost = np.array([home == place for home in homes], dtype=bool)
            left[number], where[number] = left_without(
                assessed, playbook, lost, place if kind == "layer" else "", policy.buffer
            )
        found |= {f"{kind}_left": left, f"{kind}_left_in": where}
    return found


def left_without(assessed: Assessed, playbook: Playbook, lost: Any, layer: str, buffer: float) -> tuple[float, int]:
    """Dollars left in the worst scenario, and its number (-1: as things stand). lost : (accounts,) which go; layer : the one that
    goes with what is free on it, "" for none."""
    arrays, measures = assessed.arrays, assessed.measures
    gone = {account.id for account, goes in zip(arrays.accounts, lost, strict=True) if goes} | ({layer} - {""})
    coins = coins_left(assessed.outside, gone)
    scenarios = scenarios_against(assessed, playbook, lost, coins)
    grid = assessed.grid
    if scenarios is not assessed.scenarios:
        grid = stress(arrays, measures.lines, column_moves(arrays, scenarios))
    equity = np.concatenate([measures.equity[:, None], grid.equity], axis=1)
    need = np.concatenate([measures.maintenance[:, None], (1.0 + buffer) * grid.maintenance], axis=1)
    dead = measures.equity < measures.maintenance
    keeps = (need <= equity * (1.0 + ROUNDING)) & ~(lost | dead)[:, None]
    left = np.where(keeps, equity, 0.0).sum(axis=0) + [worth(coins, one) for one in (None, *scenarios)]
    worst = int(np.argmin(left))
    return float(left[worst]), worst - 1


def coins_left(outside: OutsideMoney, gone: set[str]) -> dict[str, float]:
    """Dollars outside accounts by coin, without what stands on a layer that is gone or is on its way to what is gone."""
    out = dict.fromkeys(outside.exposures, 0.0)
    for one in outside.balances:
        out[one.balance.asset] += 0.0 if one.layer in gone else one.balance.amount * outside.prices[one.balance.asset]
    for sent in outside.transfers:
        out[sent.asset] += 0.0 if sent.destination in gone else sent.amount * outside.prices[sent.asset]
    return out


def worth(coins: Mapping[str, float], scenario: Scenario | None) -> float:
    """What coins outside accounts are worth in a scenario; dollars do not move."""
    moves = scenario.moves if scenario else {}
    return sum(value * (1.0 if asset in STABLECOINS else 1.0 + moves.get(asset, 0.0)) for asset, value in coins.items())


def scenarios_against(
    assessed: Assessed, playbook: Playbook, lost: Any, coins: Mapping[str, float]
) -> tuple[Scenario, ...]:
    """The book's scenarios; where hedges break, they do so against what is left of it."""
    asked, arrays, outside = playbook.survival, assessed.arrays, assessed.outside
    if asked is None or "broken" not in asked.kinds:
        return assessed.scenarios
    betas, exposures = dict[str, float](), dict[str, float]()
    for item in arrays.items:
        betas[item.asset] = float(arrays.betas[item.column])
        value = 0.0 if lost[item.account] else item.delta * float(arrays.prices[item.column])
        exposures[item.asset] = exposures.get(item.asset, 0.0) + value
    for asset, value in coins.items():
        if asset not in STABLECOINS and outside.exposures[asset] != 0.0:
            betas[asset] = outside.weighted[asset] / outside.exposures[asset]
            exposures[asset] = exposures.get(asset, 0.0) + value

    def turned(one: Scenario) -> Scenario:
        moves = broken_moves(one.size, betas, exposures, asked.correlation_stress)
        return replace(one, moves={asset: max(move, FLOOR) for asset, move in moves.items()})

    return tuple(turned(one) if one.kind == "broken" else one for one in assessed.scenarios)
