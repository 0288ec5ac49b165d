"""What jointly Gaussian (or Student) moves do in the tails: the figures that tail statistics must be held against.

Sources: Owen 1956 for the bivariate normal, Rosenbaum 1961 for moments of a truncated one, Boyer, Gibson and Loretan 1999
for conditioning on one variable.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from scipy.integrate import quad
from scipy.special import ndtr, ndtri, owens_t, stdtr, stdtrit

from perpbook.errors import InputError
from perpbook.model.bars import Floats

Number = TypeVar("Number", float, Floats)
"""One number, or an array of them."""

ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


def check_correlation(rho: float) -> None:
    """Refuse what is no correlation."""
    if not -1.0 <= rho <= 1.0:
        raise InputError(f"a correlation lies between -1 and 1 (got {rho:g})")


def check_level(level: float) -> None:
    """Refuse what is no probability of a tail."""
    if not 0.0 < level <= 0.5:
        raise InputError(f"a tail's level lies above 0 and up to 0.5 (got {level:g}); 0.05 is the worst twentieth")


def normal_density(x: float) -> float:
    """The standard normal's."""
    return math.exp(-0.5 * x * x) / ROOT_TWO_PI


def bivariate_normal_cdf(a: float, b: float, rho: float) -> float:
    """P(X <= a, Y <= b) of standard normals with correlation `rho`, by Owen's function."""
    check_correlation(rho)
    if rho == 1.0:
        return float(ndtr(min(a, b)))
    if rho == -1.0:
        return float(max(0.0, ndtr(a) + ndtr(b) - 1.0))
    if a == 0.0 and b == 0.0:
        return 0.25 + math.asin(rho) / (2.0 * math.pi)
    opposite = (a < 0.0) != (b < 0.0) if a != 0.0 and b != 0.0 else a + b < 0.0
    out = 0.5 * ndtr(a) + 0.5 * ndtr(b) - _wedge(a, b, rho) - _wedge(b, a, rho) - (0.5 if opposite else 0.0)
    return float(min(max(out, 0.0), 1.0))


def _wedge(a: float, b: float, rho: float) -> float:
    root = math.sqrt((1.0 - rho) * (1.0 + rho))
    if a == 0.0:
        return math.copysign(0.25, b)
    return float(owens_t(a, (b - rho * a) / (a * root)))


def bivariate_student_cdf(x: float, y: float, rho: float, nu: float) -> float:
    """P(X <= x, Y <= y) of Student's t with `nu` degrees of freedom, by quadrature over the first one's probability."""
    check_correlation(rho)
    if not nu > 0.0:
        raise InputError(f"{nu:g} degrees of freedom are none: give a number above 0")
    if abs(rho) == 1.0:
        low = stdtr(nu, x) + stdtr(nu, y) - 1.0
        return float(stdtr(nu, min(x, y)) if rho > 0 else max(0.0, low))
    root = math.sqrt((1.0 - rho) * (1.0 + rho))

    def given(p: float) -> float:
        first = stdtrit(nu, p)
        scale = math.sqrt((nu + 1.0) / (nu + first * first)) / root
        return float(stdtr(nu + 1.0, (y - rho * first) * scale))

    whole = float(stdtr(nu, x))
    turn = float(stdtr(nu, y / rho)) if rho else 0.0
    breaks = [turn] if 0.0 < turn < whole else None
    found = quad(given, 0.0, whole, epsabs=1e-12, epsrel=1e-11, limit=400, points=breaks, full_output=1)[0]
    return float(found)


def tail_dependence_at_level(level: float, rho: float, nu: float | None = None) -> float:
    """P(both in their worst `level`) / level of a Gaussian copula, or Student's with `nu`: not its limit at 0."""
    check_level(level)
    edge = float(ndtri(level)) if nu is None else float(stdtrit(nu, level))
    joint = bivariate_normal_cdf(edge, edge, rho) if nu is None else bivariate_student_cdf(edge, edge, rho, nu)
    return joint / level


def student_tail_dependence(rho: float, nu: float) -> float:
    """The limit of both tails' dependence of Student's copula: 2 t_{nu+1}(-sqrt((nu+1)(1-rho)/(1+rho)))."""
    check_correlation(rho)
    if rho == -1.0:
        return 0.0
    return float(2.0 * stdtr(nu + 1.0, -math.sqrt((nu + 1.0) * (1.0 - rho) / (1.0 + rho))))


def variance_between(low: float, high: float) -> float:
    """Var(X | low < X < high) of a standard normal; either end may be infinite."""
    mass = float(ndtr(high) - ndtr(low))
    at_low, at_high = normal_density(low), normal_density(high)
    mean = (at_low - at_high) / mass
    second = 1.0 + (_product(low, at_low) - _product(high, at_high)) / mass
    return second - mean * mean


def variance_outside(edge: float) -> float:
    """Var(X | |X| > edge) of a standard normal; its mean is zero."""
    beyond = 2.0 * float(ndtr(-edge))
    return 1.0 + 2.0 * edge * normal_density(edge) / beyond


def _product(x: float, density: float) -> float:
    return 0.0 if math.isinf(x) else x * density


def conditional_correlation(rho: Number, variance_ratio: Number) -> Number:
    """Correlation of X and Y where X is restricted so that its variance is `variance_ratio` of what it was.

    rho / sqrt(rho^2 + (1 - rho^2) / ratio) (Boyer, Gibson and Loretan 1999). Holds for any X as long as Y is linear in X
    with a spread of its own that does not change.
    """
    out: Number = rho / (rho * rho + (1.0 - rho * rho) / variance_ratio) ** 0.5
    return out


def gaussian_conditional_correlation(level: float, rho: float) -> float:
    """Correlation of normals where the first is in its worst `level`: below `rho`, without anything having changed."""
    check_level(level)
    return float(conditional_correlation(rho, variance_between(-math.inf, float(ndtri(level)))))


def exceedance_correlation(edge: float, rho: float) -> tuple[float, float]:
    """Correlation of standard normals where both are below `edge`, and how probable that is; nan where it is not 1e-9."""
    check_correlation(rho)
    k = -edge
    mass = bivariate_normal_cdf(edge, edge, rho)
    if mass < 1e-9:
        return math.nan, mass
    if abs(rho) == 1.0:
        return rho, mass
    root = math.sqrt((1.0 - rho) * (1.0 + rho))
    once = normal_density(k) * float(ndtr(-k * (1.0 - rho) / root))
    corner = root / ROOT_TWO_PI * normal_density(k * math.sqrt(2.0 / (1.0 + rho)))
    mean = once * (1.0 + rho) / mass
    square = 1.0 + (k * once * (1.0 + rho * rho) + rho * corner) / mass
    product = rho + (2.0 * rho * k * once + corner) / mass
    return (product - mean * mean) / (square - mean * mean), mass


def null_dependence(level: float, rho: Floats) -> Floats:
    """`tail_dependence_at_level` of Gaussians for many correlations at once, interpolated between 261 of them."""
    tried = np.tanh(np.linspace(-4.0, 4.0, 261))
    found = np.array([tail_dependence_at_level(level, one) for one in tried.tolist()])
    out: Floats = np.interp(rho, tried, found)
    return out


def null_exceedance(level: float, rho: Floats) -> Floats:
    """`exceedance_correlation` below the level's quantile for many correlations at once; nan where hardly ever both are."""
    edge = float(ndtri(level))
    tried = np.tanh(np.linspace(-4.0, 4.0, 261))
    found = np.array([exceedance_correlation(edge, one)[0] for one in tried.tolist()])
    known = np.isfinite(found)
    out: Floats = np.interp(rho, tried[known], found[known], left=np.nan)
    return out


def null_conditional(level: float, rho: Floats) -> Floats:
    """`gaussian_conditional_correlation` for many correlations at once."""
    ratio = np.full_like(rho, variance_between(-math.inf, float(ndtri(level))))
    return conditional_correlation(rho, ratio)
