"""How accounts stand on the way out: margin after each stage, what leans, and the chance to be liquidated before the end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.execution.chances import Barrier, Swings, barriers_of
from perpbook.execution.exit_plan import AccountAfter, Danger
from perpbook.execution.slices import chance_before_done
from perpbook.kernels.liquidation import death_along, joint_moves
from perpbook.kernels.margin import account_margins, lines_at
from perpbook.kernels.types import Floats, Lines
from perpbook.margin.arrays import BookArrays
from perpbook.margin.measures import nearer

NEARER = 0.01
"""Share by which costs alone may bring a liquidation nearer; more, and the order of closing is to blame."""

MOST_RATIO = 1e9
"""A margin ratio without equity, as a number that JSON can keep."""

LEANS = 0.01
"""Share of its size on the start by which an asset's net exposure may grow without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearer:
    """An account that a stage brings nearer to its liquidation. `group` the stage's name; moves as fractions."""

    account: str
    group: str
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Every account on the way, by id: how it stands, its net exposures by asset in dollars, and where it dies (no one where no
    volatility is given)."""

    views: Mapping[str, AccountAfter]
    nets: Mapping[str, Mapping[str, float]]
    barriers: Mapping[str, tuple[Barrier, ...]]

    def after(self, arrays: BookArrays, swings: Swings | None) -> Standing:
        """With the accounts of `arrays` as they are there, and all others as before: accounts die separately."""
        return Standing(
            views={**self.views, **{one.account: one for one in accounts_after(arrays)}},
            nets={**self.nets, **nets_of(arrays)},
            barriers={**self.barriers, **(barriers_of(arrays, swings) if swings else {})},
        )

    @property
    def net(self) -> dict[str, float]:
        """Dollars of net exposure by asset, over all accounts, coins in them counted."""
        out: dict[str, float] = {}
        for own in self.nets.values():
            for asset, dollars in own.items():
                out[asset] = out.get(asset, 0.0) + dollars
        return out

    @property
    def leaning(self) -> float:
        """Sizes of the net exposures, added up."""
        return math.fsum(map(abs, self.net.values()))


NOWHERE = Standing(views={}, nets={}, barriers={})


def accounts_after(arrays: BookArrays) -> tuple[AccountAfter, ...]:
    """Every account at today's prices."""
    lines, count = lines_at(arrays.held), len(arrays.accounts)
    equity, maintenance, moves = np.empty(count), np.empty(count), np.empty((count, 2))
    account_margins(lines, arrays.prices, equity, maintenance)
    joint_moves(lines, arrays.prices, arrays.betas, moves)
    joint = nearer(moves, equity >= maintenance)
    out = []
    for number, account in enumerate(arrays.accounts):
        rows = range(int(arrays.held.start[number]), int(arrays.held.start[number + 1]))
        open_ = any(arrays.items[row].position and arrays.items[row].delta for row in rows)
        alone = _alone(arrays, lines, number) if open_ and equity[number] >= maintenance[number] else []
        need = float(maintenance[number])
        ratio = 0.0 if need == 0.0 else need / float(equity[number]) if equity[number] > 0.0 else math.inf
        out.append(
            AccountAfter(
                account=account.id, equity=float(equity[number]), margin_ratio=min(ratio, MOST_RATIO),
                joint=_smallest([float(joint[number])]) if open_ else None, alone=_smallest(alone),
            )
        )  # fmt: skip
    return tuple(out)


def _smallest(moves: Sequence[float]) -> float | None:
    return min((abs(one) for one in moves if not math.isnan(one)), default=None)


def _alone(arrays: BookArrays, lines: Lines, number: int) -> list[float]:
    """The moves of one asset at a time, both ways, that kill an account."""
    rows = range(int(lines.start[number]), int(lines.start[number + 1]))
    assets = {arrays.columns[arrays.items[row].column].asset for row in rows if arrays.items[row].delta}
    out = []
    for asset in assets:
        mine = np.array([column.asset == asset for column in arrays.columns], dtype=np.float64)
        for side in (1.0, -1.0):
            way: Floats = side * mine * arrays.prices
            out.append(float(death_along(lines, number, arrays.prices, way)))
    return out


def nearer_than(group: str, start: Sequence[AccountAfter], now: Sequence[AccountAfter]) -> Iterator[Nearer]:
    """Accounts whose liquidation is nearer than it was at the start, beyond what costs may do: by all prices together, or by
    one asset's."""
    for before, after in zip(start, now, strict=True):
        for was, is_ in ((before.joint, after.joint), (before.alone, after.alone)):
            old = math.inf if was is None else was
            if is_ is not None and is_ < old * (1.0 - NEARER):
                yield Nearer(account=before.account, group=group, before=old, after=is_)
                break


def nets_of(arrays: BookArrays) -> dict[str, dict[str, float]]:
    """Dollars of net exposure by account and asset, coins counted."""
    out: dict[str, dict[str, float]] = {account.id: {} for account in arrays.accounts}
    for item in arrays.items:
        own = out[arrays.accounts[item.account].id]
        own[item.asset] = own.get(item.asset, 0.0) + item.delta * float(arrays.prices[item.column])
    return out


def leans(start: Standing, now: Standing) -> tuple[str, ...]:
    """Assets whose net exposure is larger than before the exit, in words."""
    before, after = start.net, now.net
    return tuple(
        f"until the next stage the book leans {abs(after[asset]):,.0f} dollars on {asset}, "
        f"{abs(before.get(asset, 0.0)):,.0f} before the exit"
        for asset in after
        if abs(after[asset]) > abs(before.get(asset, 0.0)) * (1.0 + LEANS) + 1.0
    )


def dangers_of(states: Sequence[Standing], visits: Sequence[int], pace_seconds: float) -> tuple[Danger, ...]:
    """The chance of each account that may die to be liquidated before the last leg. states : before the first stage and after
    each; visits : to the books, by stage, one every `pace_seconds`."""
    waits = [number for number, count in enumerate(visits) for _ in range(count)][1:]
    out = []
    for account, view in states[0].views.items():
        sides = [[_side(states[at].barriers[account], side) for at in waits] for side in (1.0, -1.0)]
        if view.margin_ratio > 0.0:
            total = sum(chance_before_done(one, pace_seconds) for one in sides)
            out.append(Danger(account=account, chance=min(total, 1.0)))
    return tuple(out)


def _side(found: Sequence[Barrier], side: float) -> Barrier | None:
    """Where an account dies of a loss (`side` 1) or a gain."""
    return next((one for one in found if one.at * side > 0.0 or (one.at == 0.0 and side > 0.0)), None)
