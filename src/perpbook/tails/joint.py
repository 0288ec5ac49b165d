"""Student's copula of many series at once: one `nu` for all, by profile likelihood at the correlation of their ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln, stdtrit

from perpbook.errors import InputError
from perpbook.model.bars import Floats
from perpbook.tails.copula import LEAST_NU, MOST_NU, ranks

LEAST_ROWS = 100
"""Joint moves below which one number of a tail is a guess."""

LEAST_ROOT = 1e-6
"""A correlation with a smaller eigenvalue has no density: two series are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JointStudent:
    """`nu` of Student's copula; `at_bound`: it ran into the end of its range, no fatter than Gaussian or as fat as looked for."""

    nu: float
    rows: int
    at_bound: bool


def joint_log_density(shares: Floats, correlation: Floats, nu: float) -> Floats:
    """(n,) of Student's copula at shares (C, n) inside 0 and 1."""
    size = len(correlation)
    x = stdtrit(nu, shares)
    _, log_det = np.linalg.slogdet(correlation)
    form = (x * np.linalg.solve(correlation, x)).sum(axis=0) / nu
    constant = gammaln(0.5 * (nu + size)) + (size - 1) * gammaln(0.5 * nu) - size * gammaln(0.5 * (nu + 1.0))
    margins = 0.5 * (nu + 1.0) * np.log1p(x * x / nu).sum(axis=0)
    out: Floats = constant - 0.5 * log_det + margins - 0.5 * (nu + size) * np.log1p(form)
    return out


def fit_joint_nu(moves: Floats, correlation: Floats) -> JointStudent:
    """The most likely `nu` of moves (C, n), given the copula's correlation (C, C).

    Raises
    ------
    InputError : fewer than two series, too few rows, or two series that are one.
    """
    columns, rows = moves.shape
    if columns < 2:
        raise InputError("a copula joins two series at least: give --nu yourself")
    if rows < LEAST_ROWS:
        raise InputError(
            f"the t-copula's nu has {rows} joint moves and needs {LEAST_ROWS}: give a longer history or --nu"
        )
    if np.linalg.eigvalsh(correlation).min() < LEAST_ROOT:
        raise InputError(
            "two of the series are one and the same: the t-copula's nu cannot be fitted; give --nu yourself"
        )
    shares = np.stack([ranks(row) for row in moves])
    least, most = math.log(LEAST_NU), math.log(MOST_NU)
    found = minimize_scalar(
        lambda log_nu: -float(joint_log_density(shares, correlation, math.exp(log_nu)).mean()),
        bounds=(least, most), method="bounded", options={"xatol": 1e-3},
    )  # fmt: skip
    at = float(found.x)
    return JointStudent(nu=math.exp(at), rows=rows, at_bound=min(at - least, most - at) < 0.01)
