"""Risk set of GARCH: the recursion that filters the past, fitted by the product's own code.

Needs the S&P 500 prices that arch brings; skipped where that package is not there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from perpbook.scenario.garch import fit_gjr, has_arch
from tests.golden.registry import adapter

Values = Mapping[str, Any]

AT_BOUND = 1e-8
"""An alpha below this is 0, its bound: what is left of it is the last step of an optimiser."""

if has_arch():

    @adapter("risk", "arch_garch_sp500", needs={"dataset", "model"}, gives={"params", "loglik"}, observes={"params"})
    def sp500_garch(given: Values) -> Values:
        from arch.data import sp500

        moves = 100.0 * sp500.load()["Adj Close"].pct_change().dropna().to_numpy()
        law = fit_gjr(np.asarray(moves), "the index", innovations=given["model"].get("dist", "normal"))
        alpha, theirs = law.alpha, given["params"]["alpha[1]"]
        params = {
            "mu": law.mean,
            "omega": law.omega,
            "alpha[1]": theirs if max(alpha, theirs) < AT_BOUND else alpha,
            "gamma[1]": law.leverage,
            "beta[1]": law.beta,
        }
        params |= {"nu": law.nu} if math.isfinite(law.nu) else {}
        return {"params": params, "loglik": law.log_likelihood, "last_vol": math.sqrt(law.variance_now)}
