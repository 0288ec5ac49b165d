"""From an assessed book and a policy to `Limits` and costs: everything the optimiser must keep, and what trims cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.kernels.scale import surplus_at_scale
from perpbook.kernels.state import Policy, State
from perpbook.kernels.types import Floats
from perpbook.margin.arrays import Item, entry_levels, exit_levels, levels_lost
from perpbook.margin.assess import Assessed
from perpbook.margin.calm import calm_prices
from perpbook.playbook.compile import Names
from perpbook.playbook.words import position_name
from perpbook.sizing.cheapest import CostLines
from perpbook.sizing.limits import Limits, Linear, MarginPoint
from perpbook.sizing.tiers import tier_steps


def limits_of(assessed: Assessed, state: State, policy: Policy, names: Names, *, no_worse: bool = False) -> Limits:
    """Every rule that trims can keep, for all positions of the book. `no_worse`: effective leverage beyond its cap may stay."""
    arrays = assessed.arrays
    rows = np.array(arrays.positions(), dtype=np.int64)
    return Limits(
        held=arrays.held,
        rows=rows,
        upper=upper_bounds(state, policy),
        linear=(
            *_asset_limits(assessed, state, policy, names),
            *_account_limits(assessed, state, policy, names),
            *_book_limits(assessed, state, policy),
            *_loss_limits(assessed, state, policy),
            *_hedge_limits(assessed, state, policy, names),
        ),
        margin=(*_survival_points(assessed, policy), *calm_points(assessed, state, policy, no_worse=no_worse)),
        account_names=names.accounts,
        steps=tier_steps(arrays, [arrays.items[row] for row in rows]),
        tolls=None if assessed.tolls is None else assessed.tolls.total,
    )


def upper_bounds(state: State, policy: Policy) -> Floats:
    """(n,) what the rules on single positions leave of each: 0 for one that lost too much, less for one too deep."""
    lost = state.positions.loss > policy.position_loss * max(float(state.book.equity[0]), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        deep = policy.depth_share * state.positions.depth / state.positions.notional
    return np.where(lost, 0.0, np.where(np.isnan(deep), 1.0, np.minimum(deep, 1.0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cap:
    """`fixed + terms u <= multiple x (equity - cost (1 - u))`: a leverage cap, equity falling by what trims cost."""

    rule: str
    multiple: float
    equity: float
    cost: Floats
    subject: str = "book"
    account: int = -1

    def on(self, terms: Floats, fixed: float = 0.0) -> Linear:
        """The cap on a sum of positions."""
        return Linear(
            rule=self.rule,
            subject=self.subject,
            coefficients=terms - self.multiple * self.cost,
            bound=self.multiple * (self.equity - float(self.cost.sum())) - fixed,
            per_dollar=self.multiple,
            account=self.account,
        )


def _asset_limits(assessed: Assessed, state: State, policy: Policy, names: Names) -> list[Linear]:
    cost, equity = _costs(assessed), float(state.book.equity[0])
    return [
        _Cap(rule="leverage.asset", multiple=cap, equity=equity, cost=cost, subject=asset).on(
            np.where(state.positions.asset == k, state.positions.notional, 0.0)
        )
        for k, (asset, cap) in enumerate(zip(names.assets, policy.asset_cap.tolist(), strict=True))
        if math.isfinite(cap)
    ]


def _account_limits(assessed: Assessed, state: State, policy: Policy, names: Names) -> list[Linear]:
    cost, out = _costs(assessed), []
    for a, name in enumerate(names.accounts):
        own = state.positions.account == a
        if not own.any():
            continue
        cap = _Cap(
            rule="leverage.account.gross", multiple=policy.account_gross, equity=float(state.accounts.equity[a]),
            cost=np.where(own, cost, 0.0), subject=name, account=a,
        )  # fmt: skip
        if math.isfinite(policy.account_gross):
            out.append(cap.on(np.where(own, state.positions.notional, 0.0)))
        if math.isfinite(policy.account_net):
            cap = replace(cap, rule="leverage.account.net", multiple=policy.account_net)
            out += _both_sides(cap, np.where(own, state.positions.exposure, 0.0), float(state.accounts.coins[a]))
    return out


def _book_limits(assessed: Assessed, state: State, policy: Policy) -> list[Linear]:
    cap = _Cap(
        rule="leverage.book.gross",
        multiple=policy.book_gross,
        equity=float(state.book.equity[0]),
        cost=_costs(assessed),
    )
    out = [cap.on(state.positions.notional)] if math.isfinite(policy.book_gross) else []
    if math.isfinite(policy.book_net):
        cap = replace(cap, rule="leverage.book.net", multiple=policy.book_net)
        out += _both_sides(cap, state.positions.exposure, float(state.book.coins[0]))
    return out


def _loss_limits(assessed: Assessed, state: State, policy: Policy) -> list[Linear]:
    """What a position has lost stays inside its share of book equity as trims elsewhere cost money."""
    if not math.isfinite(policy.position_loss):
        return []
    rows, out = assessed.arrays.positions(), []
    for i in np.flatnonzero(state.positions.loss > 0.0).tolist():
        cap = _Cap(
            rule="guardrails.position_loss", multiple=policy.position_loss, equity=float(state.book.equity[0]),
            cost=_costs(assessed), subject=position_name(assessed, assessed.arrays.items[rows[i]]),
        )  # fmt: skip
        out.append(cap.on(np.where(np.arange(len(rows)) == i, state.positions.loss[i], 0.0)))
    return out


def _hedge_limits(assessed: Assessed, state: State, policy: Policy, names: Names) -> list[Linear]:
    """What each asset that holds contracts may lean by, either way, with its coins."""
    out = []
    for k, asset in enumerate(names.assets):
        if math.isfinite(policy.hedge_band[k]) and state.asset_notional[k] > 0.0:
            cap = _Cap(
                rule="hedge.delta_band", multiple=float(policy.hedge_band[k]), equity=float(state.book.equity[0]),
                cost=_costs(assessed), subject=asset,
            )  # fmt: skip
            own = np.where(state.positions.asset == k, state.positions.exposure, 0.0)
            out += _both_sides(cap, own, float(state.asset_net[k] - own.sum()))
    return out


def _both_sides(cap: _Cap, net: Floats, coins: float) -> list[Linear]:
    return [cap.on(net, coins), cap.on(-net, -coins)]


def _survival_points(assessed: Assessed, policy: Policy) -> list[MarginPoint]:
    """The moves, each with what hardship takes beside it: what is survived with it is survived without."""
    hard = assessed.tolls.rule if assessed.tolls else ""
    return [
        MarginPoint(
            name=scenario.name,
            rule=hard or f"survival.{scenario.kind}",
            prices=assessed.grid.prices[:, s],
            weight=1.0 + policy.buffer,
            tolled=bool(hard),
        )
        for s, scenario in enumerate(assessed.scenarios)
    ]


def calm_points(assessed: Assessed, state: State, policy: Policy, *, no_worse: bool = False) -> list[MarginPoint]:
    """The joint moves that keep effective leverage under the account's and the book's caps.

    They ask a little more than the cap does where tiers rise. An account inside its cap that misses them all the same
    may stay where it is, but not get worse; with `no_worse` so may one beyond it, but for one that is dead already.
    """
    held, out = assessed.arrays.held, []
    caps = (
        ("leverage.account.effective", policy.account_effective),
        ("leverage.book.effective", policy.book_effective),
    )
    for rule, cap in caps:
        if not math.isfinite(cap):
            continue
        for a in range(len(assessed.arrays.accounts)):
            effective = float(state.accounts.effective[a])
            kept = max(cap, effective) if no_worse else cap
            if not math.isfinite(kept):
                continue
            inside = effective <= kept
            for prices in calm_prices(assessed.arrays, a, kept):
                missing = max(-surplus_at_scale(held, a, prices, 0.0, 1.0)[0], 0.0) if inside else 0.0
                out.append(
                    MarginPoint(
                        name=rule, rule=rule, prices=prices, weight=1.0, account=a, allowed=missing, by_tier=False
                    )
                )
    return out


def _costs(assessed: Assessed) -> Floats:
    """(n,) dollars of equity that closing each position whole costs."""
    cost: Floats = assessed.arrays.held.close_cost[assessed.arrays.positions()]
    return cost


def cost_lines(item: Item, fee: float) -> CostLines:
    """The cost of closing a share of a position as lines: `fee` for all of it, plus slippage level by level."""
    assert item.position is not None
    return lines_through(item, exit_levels(item), fee, selling=item.position.quantity > 0)


def opening_lines(item: Item, fee: float) -> CostLines:
    """The cost of adding a share of today's size to a position: `fee` for all of it again, plus slippage level by level."""
    assert item.position is not None
    return lines_through(item, entry_levels(item), fee, selling=item.position.quantity < 0, whole=False)


def lines_through(
    item: Item, levels: Sequence[tuple[float, float]], fee: float, *, selling: bool, whole: bool = True
) -> CostLines:
    """The cost of taking a share of a position's size from resting levels; `whole`: never more than all of it."""
    if not levels or item.delta == 0.0:
        return CostLines(slopes=np.array([fee]), offsets=np.zeros(1))
    size, slopes, offsets = abs(item.delta), [], []
    paid, done = 0.0, 0.0
    lost = levels_lost(levels, item.mark, selling=selling)
    for share, (_, quantity) in zip(lost.tolist(), levels, strict=True):
        unit = share * item.mark * item.ratio * size
        slopes.append(fee + unit)
        offsets.append(paid - unit * done)
        paid, done = paid + unit * quantity / size, done + quantity / size
        if whole and done >= 1.0:
            break
    return CostLines(slopes=np.array(slopes), offsets=np.array(offsets))
