"""Risk sets of hedges: portfolios of least variance and of least shortfall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from perpbook.hedging.shortfall import Limits, Scenarios, least_shortfall
from perpbook.hedging.variance import least_variance
from perpbook.tails.shortfall import normal_shortfall
from tests.golden.adapters.tails import sp500_file, sp500_returns
from tests.golden.registry import adapter

Values = Mapping[str, Any]


@adapter(
    "risk",
    "rockafellar_uryasev_2000",
    needs={"mean", "cov", "min_return", "beta", "dist"},
    gives={"weights", "VaR", "CVaR"},
)
def least_shortfall_under_normality(given: Values) -> Values:
    mean, covariance = np.array(given["mean"]), np.array(given["cov"])
    weights = least_variance(covariance, np.stack([np.ones(3), mean]), np.array([1.0, given["min_return"]]))
    edge, beyond = normal_shortfall(1.0 - given["beta"])
    spread, middle = float(np.sqrt(weights @ covariance @ weights)), float(mean @ weights)
    return {"weights": weights.tolist(), "VaR": edge * spread - middle, "CVaR": beyond * spread - middle}


if sp500_file() is not None:

    @adapter(
        "risk",
        "sp500_min_cvar",
        needs={"dataset", "last", "beta", "long_only", "budget"},
        gives={"min_cvar", "weights"},
    )
    def least_shortfall_of_shares(given: Values) -> Values:
        assert given["long_only"]
        moves = np.stack([row[-given["last"] :] for row in sp500_returns().values()], axis=1)
        rows, wide = moves.shape
        scenarios = Scenarios(
            pnl=np.zeros(rows), effect=moves, weights=np.full(rows, 1.0 / rows), tail=1.0 - given["beta"]
        )
        whole = np.stack([np.ones(wide), -np.ones(wide)])
        most = np.array([given["budget"], -given["budget"]], dtype=np.float64)
        found = least_shortfall(scenarios, Limits(cost=np.zeros(wide), rows=whole, most=most))
        assert found is not None
        assert found.objective - found.bound <= 1e-12
        named = zip(sp500_returns(), found.columns.tolist(), strict=True)
        return {"min_cvar": found.objective, "weights": {name: round(share, 6) for name, share in named}}
