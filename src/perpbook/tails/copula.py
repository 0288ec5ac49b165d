"""Gaussian and Student copulas of two series: density, distribution, and Student's fitted to ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln, ndtri, stdtrit
from scipy.stats import kendalltau, rankdata

from perpbook.errors import InputError
from perpbook.model.bars import Floats
from perpbook.tails.null import bivariate_normal_cdf, bivariate_student_cdf, student_tail_dependence

LEAST_NU, MOST_NU = 1.0, 200.0
"""Fatter than Cauchy's is not looked for; above the other end it is Gaussian for all one can tell."""

STRAIGHT = 0.99999
"""Correlations are kept this far inside -1 and 1, where a density still exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentFit:
    """Student's copula of two series: Kendall's `tau`, `rho` = sin(pi tau / 2), `nu` by profile likelihood.

    `tail_dependence` is the limit of both tails. `gain` is the log likelihood above the Gaussian copula's of the same
    `rho`, and `at_bound` says that `nu` ran into the end of its range: no fatter than Gaussian, or as fat as looked for.
    """

    tau: float
    rho: float
    nu: float
    tail_dependence: float
    gain: float
    at_bound: bool


def ranks(values: Floats) -> Floats:
    """rank / (n + 1) of each value, ties at their middle."""
    out: Floats = rankdata(values) / (values.size + 1.0)
    return out


def gaussian_log_density(u: Floats, v: Floats, rho: float) -> Floats:
    """Of the Gaussian copula."""
    x, y = ndtri(u), ndtri(v)
    rest = 1.0 - rho * rho
    out: Floats = -0.5 * math.log(rest) - (rho * rho * (x * x + y * y) - 2.0 * rho * x * y) / (2.0 * rest)
    return out


def student_log_density(u: Floats, v: Floats, rho: float, nu: float) -> Floats:
    """Of Student's copula."""
    return student_log_density_at(stdtrit(nu, u), stdtrit(nu, v), rho, nu)


def student_log_density_at(x: Floats, y: Floats, rho: float, nu: float) -> Floats:
    """The same of Student's quantiles `x` and `y` instead of ranks."""
    rest = 1.0 - rho * rho
    form = (x * x + y * y - 2.0 * rho * x * y) / (nu * rest)
    constant = gammaln(0.5 * nu + 1.0) + gammaln(0.5 * nu) - 2.0 * gammaln(0.5 * (nu + 1.0)) - 0.5 * math.log(rest)
    margins = 0.5 * (nu + 1.0) * (np.log1p(x * x / nu) + np.log1p(y * y / nu))
    out: Floats = constant + margins - 0.5 * (nu + 2.0) * np.log1p(form)
    return out


def gaussian_copula_cdf(u: float, v: float, rho: float) -> float:
    """P(U <= u, V <= v)."""
    return bivariate_normal_cdf(float(ndtri(u)), float(ndtri(v)), rho)


def student_copula_cdf(u: float, v: float, rho: float, nu: float) -> float:
    """P(U <= u, V <= v)."""
    return bivariate_student_cdf(float(stdtrit(nu, u)), float(stdtrit(nu, v)), rho, nu)


def elliptical_correlation(tau: float) -> float:
    """sin(pi tau / 2): the correlation of an elliptical copula with this Kendall's tau."""
    return math.sin(0.5 * math.pi * tau)


def fit_student(x: Floats, y: Floats) -> StudentFit:
    """Student's copula of two series' ranks.

    Raises
    ------
    InputError : one of them does not move.
    """
    tau = float(kendalltau(x, y).statistic)
    if math.isnan(tau):
        raise InputError("a series that does not move has no dependence on another: leave it out")
    rho = elliptical_correlation(tau)
    straight = min(max(rho, -STRAIGHT), STRAIGHT)
    u, v = ranks(x), ranks(y)

    def loss(log_nu: float) -> float:
        return -float(student_log_density(u, v, straight, math.exp(log_nu)).mean())

    least, most = math.log(LEAST_NU), math.log(MOST_NU)
    found = minimize_scalar(loss, bounds=(least, most), method="bounded", options={"xatol": 1e-3})
    nu = math.exp(float(found.x))
    gain = -float(found.fun) - float(gaussian_log_density(u, v, straight).mean())
    return StudentFit(
        tau=tau,
        rho=rho,
        nu=nu,
        tail_dependence=student_tail_dependence(rho, nu),
        gain=gain * x.size,
        at_bound=min(float(found.x) - least, most - float(found.x)) < 0.01,
    )
