"""The stress grid becomes outcomes: what each scenario costs, who dies in which order, who comes closest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.margin.arrays import BookArrays
from perpbook.margin.assessment import Death, StressOutcome
from perpbook.margin.measures import StressGrid
from perpbook.model.market import STABLECOINS
from perpbook.model.scenario import Scenario


def stress_outcomes(
    arrays: BookArrays,
    grid: StressGrid,
    scenarios: Sequence[Scenario],
    equity: Floats,
    book_equity: float,
    buffer: float,
    outside: Mapping[str, float],
) -> tuple[StressOutcome, ...]:
    """One outcome per scenario. A dead account is counted as lost whole: what a venue leaves of it is not promised.

    `outside` is dollars by asset on layers and in transit: they move too.
    """
    left = np.where(np.isnan(grid.fraction), grid.equity, np.minimum(equity, 0.0)[:, None])
    surplus = grid.equity - (1.0 + buffer) * grid.maintenance
    surplus = np.where(np.isnan(grid.fraction), surplus, np.minimum(surplus, grid.equity - grid.maintenance))
    losses = equity.sum() - left.sum(axis=0) + np.array([_outside_loss(one, outside) for one in scenarios])
    return tuple(
        _outcome(arrays, scenario, float(losses[s]), book_equity, surplus[:, s], grid.fraction[:, s])
        for s, scenario in enumerate(scenarios)
    )


def _outside_loss(scenario: Scenario, outside: Mapping[str, float]) -> float:
    """Dollars that coins outside any account lose."""
    return -sum(value * scenario.moves.get(asset, 0.0) for asset, value in outside.items() if asset not in STABLECOINS)


def _outcome(
    arrays: BookArrays, scenario: Scenario, loss: float, equity: float, surplus: Floats, fraction: Floats
) -> StressOutcome:
    deaths = sorted(
        (
            Death(account=arrays.accounts[a].id, fraction=float(fraction[a]))
            for a in np.flatnonzero(~np.isnan(fraction))
        ),
        key=lambda death: (death.fraction, death.account),
    )
    worst = int(np.argmin(surplus)) if surplus.size else None
    return StressOutcome(
        scenario=scenario.name,
        kind=scenario.kind,
        size=scenario.size,
        loss=loss,
        loss_share=loss / equity if equity > 0 else math.copysign(math.inf, loss),
        equity_after=equity - loss,
        deaths=tuple(deaths),
        worst_account=None if worst is None else arrays.accounts[worst].id,
        worst_surplus=0.0 if worst is None else float(surplus[worst]),
        survives=not deaths and bool((surplus >= 0).all()),
    )
