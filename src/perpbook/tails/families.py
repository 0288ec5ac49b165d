"""Archimedean pair copulas in closed form, as vines use them: distribution, density, tail dependence, Kendall's tau.

Joe 1997 has the formulas. BB1 and BB7 come as tail dependence alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Dependence in the limit of the `lower` and the `upper` tail."""

    lower: float
    upper: float


def _root_of_two(power: float) -> float:
    return float(2.0 ** (1.0 / power))


LIMITS: Mapping[str, Callable[[float, float], Limits]] = {
    "clayton": lambda theta, _: Limits(lower=1.0 / _root_of_two(theta), upper=0.0),
    "gumbel": lambda theta, _: Limits(lower=0.0, upper=2.0 - _root_of_two(theta)),
    "survival_gumbel": lambda theta, _: Limits(lower=2.0 - _root_of_two(theta), upper=0.0),
    "joe": lambda theta, _: Limits(lower=0.0, upper=2.0 - _root_of_two(theta)),
    "frank": lambda theta, _: Limits(lower=0.0, upper=0.0),
    "bb1": lambda theta, delta: Limits(lower=1.0 / _root_of_two(theta * delta), upper=2.0 - _root_of_two(delta)),
    "bb7": lambda theta, delta: Limits(lower=1.0 / _root_of_two(delta), upper=2.0 - _root_of_two(theta)),
}


def tail_limits(family: str, theta: float, delta: float = 1.0) -> Limits:
    """Tail dependence of a family; `delta` is the second parameter of BB1 and BB7.

    Raises
    ------
    InputError : the family is not here, or a parameter outside its range.
    """
    if family not in LIMITS:
        raise InputError(f'there is no copula family "{family}": choose one of {", ".join(LIMITS)}')
    least = 0.0 if family in ("clayton", "bb1") else 1.0
    if family != "frank" and (theta < least or (theta == 0.0) or delta <= 0.0):
        raise InputError(f"{family} takes theta from {least:g} and a delta above 0 (got {theta:g}, {delta:g})")
    return LIMITS[family](theta, delta)


def kendall_tau(family: str, theta: float) -> float:
    """Of Clayton's and Gumbel's."""
    if family == "clayton":
        return theta / (theta + 2.0)
    if family in ("gumbel", "survival_gumbel"):
        return 1.0 - 1.0 / theta
    raise InputError(f'Kendall\'s tau of "{family}" has no closed form here: there are clayton and gumbel')


def frank_cdf(u: Floats, v: Floats, theta: float) -> Floats:
    """P(U <= u, V <= v) of Frank's."""
    out: Floats = -np.log1p(np.expm1(-theta * u) * np.expm1(-theta * v) / np.expm1(-theta)) / theta
    return out


def frank_log_density(u: Floats, v: Floats, theta: float) -> Floats:
    """Of Frank's."""
    scale = -np.expm1(-theta)
    below = scale - np.expm1(-theta * u) * np.expm1(-theta * v)
    out: Floats = np.log(theta * scale) - theta * (u + v) - 2.0 * np.log(below)
    return out


def gumbel_cdf(u: Floats, v: Floats, theta: float) -> Floats:
    """P(U <= u, V <= v) of Gumbel's."""
    out: Floats = np.exp(-(((-np.log(u)) ** theta + (-np.log(v)) ** theta) ** (1.0 / theta)))
    return out


def gumbel_log_density(u: Floats, v: Floats, theta: float) -> Floats:
    """Of Gumbel's."""
    a, b = -np.log(u), -np.log(v)
    total = a**theta + b**theta
    root = total ** (1.0 / theta)
    out: Floats = (
        -root + a + b + (theta - 1.0) * (np.log(a) + np.log(b))
        + (1.0 / theta - 2.0) * np.log(total) + np.log(root + theta - 1.0)
    )  # fmt: skip
    return out


def clayton_cdf(u: Floats, v: Floats, theta: float) -> Floats:
    """P(U <= u, V <= v) of Clayton's, theta above 0."""
    out: Floats = (u**-theta + v**-theta - 1.0) ** (-1.0 / theta)
    return out


def clayton_log_density(u: Floats, v: Floats, theta: float) -> Floats:
    """Of Clayton's, theta above 0."""
    out: Floats = (
        np.log1p(theta) - (theta + 1.0) * (np.log(u) + np.log(v))
        - (2.0 + 1.0 / theta) * np.log(u**-theta + v**-theta - 1.0)
    )  # fmt: skip
    return out
