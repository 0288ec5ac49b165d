"""An assessed book as the rules see it: `State`, by the numbers of `Names`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from perpbook.kernels import jit
from perpbook.kernels.scale import largest_scale, largest_scales, surplus_at_scale
from perpbook.kernels.state import Policy, State, empty_state
from perpbook.kernels.types import Floats, Holdings
from perpbook.margin.arrays import BookArrays, Item
from perpbook.margin.assess import Assessed
from perpbook.margin.calm import calm_prices
from perpbook.margin.measures import sums
from perpbook.margin.tolls import rate_in_force, tolled
from perpbook.model.account import MarginMode
from perpbook.model.market import STABLECOINS, Depth
from perpbook.playbook.compile import Names
from perpbook.playbook.ground import NO_GROUND, Ground, bridge_values, stablecoin_values
from perpbook.playbook.losses import losses_of
from perpbook.playbook.schema import Playbook
from perpbook.playbook.sleeves import sleeve_capital, sleeve_of

CLEARLY = 1e-9
"""By what share a scale must lie above another to be told from it: far more than a root is found to."""


def state_of(assessed: Assessed, playbook: Playbook, names: Names, policy: Policy, ground: Ground = NO_GROUND) -> State:
    """Lay an assessment out for `decide`. What only time tells stays unknown: funding paid, targets, a rebalance due."""
    arrays, measures, book = assessed.arrays, assessed.measures, assessed.assessment.book
    rows = arrays.positions()
    items = [arrays.items[row] for row in rows]
    sleeves = [sleeve_of(playbook, arrays.accounts[item.account].venue, item) for item in items]
    capital, _ = sleeve_capital(playbook, assessed, sleeves)
    counts = (len(names.assets), len(names.venues), len(names.layers), len(names.sleeves))
    state = empty_state(len(rows), len(arrays.accounts), len(assessed.scenarios), counts)
    _lay_positions(
        state, assessed, names, [wanted_mode(playbook, names, *of) for of in zip(sleeves, items, strict=True)]
    )
    net = sums(state.positions["account"], state.positions["exposure"], len(arrays.accounts))
    _lay_accounts(state, assessed, policy, net)
    state.book["equity"], state.book["effective"] = book.equity, book.effective_leverage
    state.book["coins"] = float(measures.net.sum()) - float(net.sum()) + assessed.outside.net
    state.book["now_ns"] = assessed.assessment.as_of_ns
    return state._replace(
        asset_notional=sums(state.positions["asset"], measures.notional[rows], len(names.assets)),
        asset_net=_net_by_asset(assessed, names),
        stress_equity=assessed.grid.equity,
        stress_maintenance=assessed.grid.maintenance,
        venue_equity=_sums(names.venues, [one.venue for one in arrays.accounts], measures.equity),
        layer_value=_layer_values(names, assessed),
        sleeve_capital=np.array(capital, dtype=np.float64),
        layer_free=layer_free(assessed, names),
        layer_gas=layer_gas(assessed, names),
        bridge_value=np.array(bridge_values(assessed.outside, names.bridges, ground), dtype=np.float64),
        stablecoin_value=np.array(stablecoin_values(assessed, names.stablecoins), dtype=np.float64),
        **losses_of(assessed, playbook, names, policy),
    )


def _lay_positions(state: State, assessed: Assessed, names: Names, wanted: list[int]) -> None:
    """Write every position; `wanted` are the margin modes their sleeves ask for."""
    arrays, measures = assessed.arrays, assessed.measures
    rows = arrays.positions()
    items = [arrays.items[row] for row in rows]
    profit = np.array([dollars_of_profit(arrays, item) for item in items], dtype=np.float64)
    for name, values in {
        "account": [item.account for item in items],
        "asset": [names.assets.index(item.asset) for item in items],
        "venue": [names.venues.index(arrays.accounts[item.account].venue) for item in items],
        "isolated": [arrays.accounts[item.account].mode is MarginMode.ISOLATED for item in items],
        "wanted": wanted,
        "notional": measures.notional[rows],
        "value": measures.exposure[rows],
        "exposure": (measures.exposure * arrays.betas[arrays.held.column])[rows],
        "loss": np.maximum(-profit, 0.0),
        "gain": [gain_on_cost(item) for item in items],
        "depth": [exit_depth(item) for item in items],
        "cost": [max(item.taker_fee_rate, 0.0) for item in items],
        "yearly": [rate_in_force(arrays, item) for item in items],
    }.items():
        state.positions[name] = values


def _lay_accounts(state: State, assessed: Assessed, policy: Policy, net: Floats) -> None:
    """Write every account; `net` is the beta-weighted exposure of its positions."""
    arrays, measures = assessed.arrays, assessed.measures
    for name, values in {
        "equity": measures.equity,
        "dead": measures.equity < measures.maintenance,
        "coins": measures.net - net,
        "effective": measures.effective,
        "safe_scale": safe_scales(assessed, policy.buffer),
        "calm_scale": calm_scales(arrays, policy.account_effective),
        "book_calm_scale": calm_scales(arrays, policy.book_effective),
    }.items():
        state.accounts[name] = values


def gain_on_cost(item: Item) -> float:
    """A position's unrealised profit over what it cost, signed, in its own currency."""
    assert item.position is not None and item.terms is not None
    position, price = item.position, item.mark
    side = 1.0 if position.quantity > 0 else -1.0
    if item.terms.contract.is_inverse:
        return side * (1.0 - position.entry_price / price)
    return side * (price / position.entry_price - 1.0)


def safe_scales(assessed: Assessed, buffer: float) -> Floats:
    """(accounts,) the largest scale at which each account survives today and every scenario, each with what hardship takes; 1
    without scenarios."""
    out = np.ones(len(assessed.arrays.accounts))
    if assessed.scenarios:
        prices = np.column_stack([assessed.grid.prices, assessed.arrays.prices])
        held = tolled(assessed.arrays, assessed.tolls)
        if jit.mode() == "plain":
            return _plain_scales(held, prices, buffer)
        largest_scales(held, prices, buffer, out)
    return out


def _plain_scales(held: Holdings, prices: Floats, buffer: float) -> Floats:
    """As `largest_scales`, to the bit: what runs as Python reads Python's own numbers in less than half the time of NumPy's."""
    own = Holdings(*(_own(one) for one in held))
    columns = [_own(one) for one in prices.T]
    return np.array([_plain_scale(own, a, columns, buffer) for a in range(held.cash.size)], dtype=np.float64)


def _plain_scale(held: Holdings, a: int, columns: list[Any], buffer: float) -> float:
    """The least of `largest_scale` over the scenarios. One that both the emptied account and a scale clearly above the least so
    far survive allows every scale between: its root need not be walked to."""
    best = math.inf
    for prices in columns:
        above = best * (1.0 + CLEARLY)
        if (
            math.isfinite(best)
            and surplus_at_scale(held, a, prices, buffer, above)[0] >= 0.0
            and surplus_at_scale(held, a, prices, buffer, 0.0)[0] >= 0.0
        ):
            continue
        best = min(best, largest_scale(held, a, prices, buffer))
    return best


def _own(array: Any) -> Any:
    flat: Any = np.ascontiguousarray(array)
    return memoryview(flat)


def calm_scales(arrays: BookArrays, cap: float) -> Floats:
    """(accounts,) the largest scale at which each account's effective leverage is sure to stay under the cap."""
    out = np.ones(len(arrays.accounts))
    if math.isfinite(cap):
        for account in range(out.size):
            points = calm_prices(arrays, account, cap)
            out[account] = min([1.0, *(largest_scale(arrays.held, account, prices, 0.0) for prices in points)])
    return out


def dollars_of_profit(arrays: BookArrays, item: Item) -> float:
    """Unrealised profit in dollars."""
    inverse = item.terms is not None and item.terms.contract.is_inverse
    return item.profit * (float(arrays.prices[item.column]) if inverse else 1.0)


def exit_depth(item: Item) -> float:
    """Dollars resting on the side a position would be closed into; NaN when no depth was given."""
    depth: Depth | None = item.quote.depth if item.quote else None
    assert item.position is not None
    if depth is None:
        return math.nan
    levels = depth.bids if item.position.quantity > 0 else depth.asks
    return sum(price * quantity for price, quantity in levels) if levels else math.nan


def wanted_mode(playbook: Playbook, names: Names, sleeve: int, item: Item) -> int:
    """0 any, 1 isolated, 2 cross: what the playbook's [margin] wants of a sleeve's position; of one that is closed, nothing."""
    if sleeve < 0 or playbook.margin is None or not (item.position and item.position.quantity):
        return 0
    name = names.sleeves[sleeve]
    return 1 if name in (playbook.margin.isolated or ()) else 2 if name in (playbook.margin.cross or ()) else 0


def _sums(names: tuple[str, ...], keys: list[str], values: Floats) -> Floats:
    out = np.zeros(len(names))
    for key, value in zip(keys, values, strict=True):
        out[names.index(key)] += value
    return out


def _net_by_asset(assessed: Assessed, names: Names) -> Floats:
    """(assets,) beta-weighted net exposure in dollars of each asset, with its coins in accounts and outside."""
    weighted = assessed.measures.exposure * assessed.arrays.betas[assessed.arrays.held.column]
    known = [row for row, item in enumerate(assessed.arrays.items) if item.asset in names.assets]
    net = _sums(names.assets, [assessed.arrays.items[row].asset for row in known], weighted[known])
    return net + np.array([assessed.outside.weighted.get(asset, 0.0) for asset in names.assets], dtype=np.float64)


def _layer_values(names: Names, assessed: Assessed) -> Floats:
    """Dollars on each layer: free balances and the equity of the accounts that live there."""
    out = np.array([assessed.outside.layers.get(layer, 0.0) for layer in names.layers], dtype=np.float64)
    for account, equity in zip(assessed.arrays.accounts, assessed.measures.equity, strict=True):
        if account.layer:
            out[names.layers.index(account.layer)] += equity
    return out


def layer_free(assessed: Assessed, names: Names) -> Floats:
    """(layers,) dollars of stablecoins free on each layer, not kept for fees, with what is on its way there."""
    outside, out = assessed.outside, dict.fromkeys(names.layers, 0.0)
    for one in outside.balances:
        if one.balance.asset in STABLECOINS and not one.gas:
            out[one.layer] += (one.balance.amount - one.locked) * outside.prices[one.balance.asset]
    for sent in outside.transfers:
        if sent.asset in STABLECOINS and sent.destination in out and not sent.stuck:
            out[sent.destination] += sent.amount * outside.prices[sent.asset]
    return np.array(list(out.values()), dtype=np.float64)


def layer_gas(assessed: Assessed, names: Names) -> Floats:
    """(layers,) coins for fees on each layer, with those on their way there; NaN where the coin is not known."""
    outside, out = assessed.outside, []
    for layer, coin in zip(names.layers, names.gas, strict=True):
        there = [
            one.balance.amount - one.locked
            for one in outside.balances
            if (one.layer, one.balance.asset) == (layer, coin) and one.gas is not False
        ]
        comes = [
            one.amount for one in outside.transfers if (one.destination, one.asset) == (layer, coin) and not one.stuck
        ]
        out.append(sum(there) + sum(comes) if coin else math.nan)
    return np.array(out, dtype=np.float64)
