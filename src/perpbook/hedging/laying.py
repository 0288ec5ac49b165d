"""What a search for an overlay came to: the overlays, and holding less, in the same terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.hedging.futures import FuturesWith
from perpbook.hedging.less import Less
from perpbook.hedging.overlay import Chosen, Wanted
from perpbook.hedging.worth import Overlay

RISE = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Laying:
    """What came of it. `chosen` best first, none where the book keeps the limit as it stands; `less` the same limit by holding
    less; `futures` the best overlay in a drill, where one was asked for. `net` dollars of all positions, > 0 long. `unfaced`
    says why some storms were not gone through."""

    wanted: Wanted
    chosen: tuple[Chosen, ...]
    less: Less | None
    futures: FuturesWith | None
    net: float
    notes: tuple[str, ...]
    unfaced: tuple[str, ...]

    def deaths(self) -> dict[str, int]:
        """Accounts that are liquidated in some storm, and in how many."""
        out: dict[str, int] = {}
        for path in self.wanted.moments.paths:
            for account in path.deaths:
                out[account] = out.get(account, 0) + 1
        return out


def ways_of(laying: Laying) -> list[dict[str, object]]:
    """Overlays and holding less in the same terms, dollars. `cost_per_dollar`: of holding it, over the fall of the worst loss.
    `rise` : what the way itself gains (< 0: gives up) where every price rises 15 % at once."""
    moments, limit = laying.wanted.moments, laying.wanted.limit
    before = float(moments.losses.max())
    out: list[dict[str, object]] = []
    for one in laying.chosen:
        after = float(one.losses.max())
        up = float(overlay_of(laying.wanted, one).gains_if_all_move(np.array([1.0 + RISE]), 0.0)[0])
        out.append(_way(one.structure, one.outlay, one.cost, (before, after), up) | {"keeps": one.short_by == 0.0})
    less = laying.less
    if less is not None:
        forgone = -(1.0 - less.scale) * RISE * laying.net - less.cost
        name = f"hold {less.scale:.1%}"
        out.append(_way(name, less.cost, less.cost, (before, less.worst), forgone) | {"keeps": less.worst <= limit})
    return out


def _way(name: str, outlay: float, cost: float, worst: tuple[float, float], rise: float) -> dict[str, object]:
    saved = worst[0] - worst[1]
    return {
        "way": name, "outlay": outlay, "cost": cost, "worst": worst[1],
        "cost_per_dollar": cost / saved if saved > 0.0 else None, "rise": rise,
    }  # fmt: skip


def overlay_of(wanted: Wanted, chosen: Chosen) -> Overlay:
    """A chosen overlay as something held."""
    return Overlay(board=wanted.board, columns=chosen.columns, coins=chosen.coins, rule=wanted.rule)


def times_held(laying: Laying, chosen: Chosen) -> dict[str, float]:
    """By coin, coins of options bought over the coins that the book holds."""
    columns, out = chosen.columns, {}
    for base, held in laying.wanted.exposure.items():
        bought = float(chosen.coins[(columns.base == base) & (chosen.coins > 0.0)].sum())
        if bought > 0.0:
            out[base] = bought / abs(held)
    return out


def legs_of(laying: Laying, chosen: Chosen) -> list[dict[str, object]]:
    """Every option bought or sold."""
    columns = chosen.columns
    return [
        {
            "option": laying.wanted.board[str(columns.base[at])].contracts[columns.number[at]].name,
            "coins": round(float(chosen.coins[at]), 9),
            "price": float(columns.price[at]),
            "dollars": float(chosen.coins[at] * columns.price[at]),
        }
        for at in np.flatnonzero(chosen.coins)
    ]
