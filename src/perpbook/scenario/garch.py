"""GJR-GARCH with Student's t innovations, fitted by `arch` (the extra `tails`): how each price's volatility follows its moves.

Glosten, Jagannathan and Runkle 1993: v' = omega + (alpha + leverage 1{move < 0}) move^2 + beta v.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.types import Floats

LEAST_ROWS = 500
"""Moves below which six parameters of a volatility and its tail are not to be had."""

STATIONARY = 0.9999
"""A persistence of this or more has no long-run volatility to come back to. Fits of tails as fat as crypto's often end there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gjr:
    """A fit in units of the moves it was made of. `mean` of a move; `omega` and `variance_now` are variances; `nu` degrees of
    freedom, inf for normal innovations. `settled`: the search for the most likely ended."""

    mean: float
    omega: float
    alpha: float
    leverage: float
    beta: float
    nu: float
    log_likelihood: float
    variance_now: float
    settled: bool = True

    @property
    def persistence(self) -> float:
        """Share of a shock to variance that is left a step later, on average; innovations are symmetric."""
        return self.alpha + 0.5 * self.leverage + self.beta

    @property
    def stationary(self) -> bool:
        """Whether volatility has a long run to come back to."""
        return self.persistence < STATIONARY


def has_arch() -> bool:
    """Whether the extra is installed."""
    return find_spec("arch") is not None


def fit_gjr(moves: Floats, what: str, *, innovations: Literal["t", "normal"] = "t") -> Gjr:
    """The most likely recursion of moves (n,) of `what`; `innovations` "t" or "normal".

    Raises
    ------
    InputError : `arch` is not installed, too few moves, or none at all.
    """
    if not has_arch():
        raise InputError("a GJR-GARCH filter needs arch\n    install it with: pip install 'perpbook[tails]'")
    if moves.size < LEAST_ROWS:
        raise InputError(
            f"GJR-GARCH of {what} has {moves.size} moves and needs {LEAST_ROWS}: give a longer history, or --filter ewma"
        )
    scale = float(moves.std())
    if not scale > 0.0:
        raise InputError(f"{what} does not move: it has no volatility to be fitted")
    from arch import arch_model

    model = arch_model(moves / scale, mean="Constant", vol="GARCH", p=1, o=1, q=1, dist=innovations, rescale=False)
    return _read(model.fit(disp="off", show_warning=False), scale, moves.size)


def _read(found: Any, scale: float, rows: int) -> Gjr:
    """What `arch` found, in the moves' own units."""
    params = {str(name): float(value) for name, value in found.params.items()}
    return Gjr(
        mean=params["mu"] * scale,
        omega=params["omega"] * scale**2,
        alpha=params["alpha[1]"],
        leverage=params["gamma[1]"],
        beta=params["beta[1]"],
        nu=params.get("nu", np.inf),
        log_likelihood=float(found.loglikelihood) - rows * float(np.log(scale)),
        variance_now=float(np.asarray(found.conditional_volatility)[-1] * scale) ** 2,
        settled=int(found.convergence_flag) == 0,
    )
