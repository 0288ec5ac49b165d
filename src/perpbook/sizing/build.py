"""From an assessed book and a policy to `Limits` and costs: everything the optimiser must keep, and what trims cost."""

from __future__ import annotations

import math

import numpy as np

from perpbook.kernels.state import Policy, State
from perpbook.kernels.types import Floats
from perpbook.margin.arrays import Item, exit_levels
from perpbook.margin.assess import Assessed
from perpbook.margin.calm import calm_prices
from perpbook.playbook.compile import Names
from perpbook.sizing.cheapest import CostLines
from perpbook.sizing.limits import Limits, Linear, MarginPoint


def limits_of(assessed: Assessed, state: State, policy: Policy, names: Names) -> Limits:
    """Every rule that trims can keep, for all positions of the book."""
    rows = np.array(assessed.arrays.positions(), dtype=np.int64)
    return Limits(
        held=assessed.arrays.held,
        rows=rows,
        upper=upper_bounds(state, policy),
        linear=(
            *_asset_limits(assessed, state, policy, names),
            *_account_limits(assessed, state, policy, names),
            *_book_limits(assessed, state, policy),
        ),
        margin=(*_survival_points(assessed, policy), *_calm_points(assessed, policy)),
        account_names=names.accounts,
    )


def upper_bounds(state: State, policy: Policy) -> Floats:
    """(n,) what the rules on single positions leave of each: 0 for one that lost too much, less for one too deep."""
    lost = state.position_loss > policy.position_loss * max(float(state.book_equity[0]), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        deep = policy.depth_share * state.position_depth / state.position_notional
    return np.where(lost, 0.0, np.where(np.isnan(deep), 1.0, np.minimum(deep, 1.0)))


def _cap_on(name: str, terms: Floats, cost: Floats, cap: tuple[float, float], fixed: float = 0.0) -> Linear:
    """`fixed + terms u <= cap x (equity - cost (1 - u))`; `cap` is (multiple, equity)."""
    multiple, equity = cap
    return Linear(
        name=name,
        coefficients=terms - multiple * cost,
        bound=multiple * (equity - float(cost.sum())) - fixed,
        per_dollar=multiple,
    )


def _asset_limits(assessed: Assessed, state: State, policy: Policy, names: Names) -> list[Linear]:
    cost, equity = _costs(assessed), float(state.book_equity[0])
    return [
        _cap_on(
            f"leverage.asset {asset}",
            np.where(state.position_asset == k, state.position_notional, 0.0),
            cost,
            (cap, equity),
        )
        for k, (asset, cap) in enumerate(zip(names.assets, policy.asset_cap.tolist(), strict=True))
        if math.isfinite(cap)
    ]


def _account_limits(assessed: Assessed, state: State, policy: Policy, names: Names) -> list[Linear]:
    cost, out = _costs(assessed), []
    for a, name in enumerate(names.accounts):
        own = state.position_account == a
        equity, coins = float(state.account_equity[a]), float(state.account_coins[a])
        if not own.any():
            continue
        paid, net = np.where(own, cost, 0.0), np.where(own, state.position_exposure, 0.0)
        if math.isfinite(policy.account_gross):
            gross = np.where(own, state.position_notional, 0.0)
            out.append(_cap_on(f"leverage.account.gross {name}", gross, paid, (policy.account_gross, equity)))
        if math.isfinite(policy.account_net):
            cap = (policy.account_net, equity)
            out.append(_cap_on(f"leverage.account.net {name}", net, paid, cap, coins))
            out.append(_cap_on(f"leverage.account.net {name}", -net, paid, cap, -coins))
    return out


def _book_limits(assessed: Assessed, state: State, policy: Policy) -> list[Linear]:
    cost, equity, out = _costs(assessed), float(state.book_equity[0]), []
    if math.isfinite(policy.book_gross):
        out.append(_cap_on("leverage.book.gross", state.position_notional, cost, (policy.book_gross, equity)))
    if math.isfinite(policy.book_net):
        cap, coins = (policy.book_net, equity), float(state.book_coins[0])
        out.append(_cap_on("leverage.book.net", state.position_exposure, cost, cap, coins))
        out.append(_cap_on("leverage.book.net", -state.position_exposure, cost, cap, -coins))
    return out


def _survival_points(assessed: Assessed, policy: Policy) -> list[MarginPoint]:
    return [
        MarginPoint(name=scenario.name, prices=assessed.grid.prices[:, s], weight=1.0 + policy.buffer)
        for s, scenario in enumerate(assessed.scenarios)
    ]


def _calm_points(assessed: Assessed, policy: Policy) -> list[MarginPoint]:
    """The joint moves that keep effective leverage under the account's and the book's caps."""
    out = []
    caps = (
        ("leverage.account.effective", policy.account_effective),
        ("leverage.book.effective", policy.book_effective),
    )
    for name, cap in caps:
        if math.isfinite(cap):
            for a in range(len(assessed.arrays.accounts)):
                points = calm_prices(assessed.arrays, a, cap)
                out += [MarginPoint(name=name, prices=prices, weight=1.0, account=a) for prices in points]
    return out


def _costs(assessed: Assessed) -> Floats:
    """(n,) dollars of equity that closing each position whole costs."""
    cost: Floats = assessed.arrays.held.close_cost[assessed.arrays.positions()]
    return cost


def cost_lines(item: Item, fee: float) -> CostLines:
    """The cost of closing a share of a position as lines: `fee` for all of it, plus slippage level by level."""
    levels = exit_levels(item)
    if not levels:
        return CostLines(slopes=np.array([fee]), offsets=np.zeros(1))
    size, best, slopes, offsets = abs(item.delta), levels[0][0], [], []
    paid, done = 0.0, 0.0
    for price, quantity in levels:
        unit = abs(price - best) / best * item.mark * item.ratio * size
        slopes.append(fee + unit)
        offsets.append(paid - unit * done)
        paid, done = paid + unit * quantity / size, done + quantity / size
        if done >= 1.0:
            break
    return CostLines(slopes=np.array(slopes), offsets=np.array(offsets))
