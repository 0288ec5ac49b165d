"""Value at risk and expected shortfall in closed form: normal, Student's, and Cornish-Fisher where it is valid.

Losses are positive; `level` is the tail's probability, 0.05 for the worst twentieth. Sources: McNeil, Frey and Embrechts 2015
(2.24, 2.25); Maillard 2012 for where Cornish-Fisher is a distribution at all.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, ndtri, stdtrit

from perpbook.errors import InputError
from perpbook.model.bars import Floats
from perpbook.tails.null import check_level, normal_density


def normal_shortfall(level: float) -> tuple[float, float]:
    """(value at risk, expected shortfall) of a standard normal loss."""
    check_level(level)
    edge = -float(ndtri(level))
    return edge, normal_density(edge) / level


def student_shortfall(level: float, nu: float) -> tuple[float, float]:
    """(value at risk, expected shortfall) of Student's t with `nu` > 1, scale 1 (not variance 1).

    Raises
    ------
    InputError : `nu` of 1 or less, where the shortfall is infinite.
    """
    check_level(level)
    if not nu > 1.0:
        raise InputError(f"{nu:g} degrees of freedom have no expected shortfall: it is infinite at 1 and below")
    edge, tail = student_tail(level, np.array([nu]))
    return float(edge[0]), float(tail[0])


def student_tail(level: float, nu: Floats) -> tuple[Floats, Floats]:
    """The same of many `nu` at once; infinite where 1 or less."""
    edge = -stdtrit(nu, level)
    log_density = gammaln(0.5 * (nu + 1.0)) - gammaln(0.5 * nu) - 0.5 * np.log(nu * math.pi)
    log_density -= 0.5 * (nu + 1.0) * np.log1p(edge * edge / nu)
    mean = nu > 1.0
    tail = np.exp(log_density) / level * (nu + edge * edge) / np.where(mean, nu - 1.0, 1.0)
    return edge, np.where(mean, tail, np.inf)


def cornish_fisher_is_valid(skew: float, excess_kurtosis: float) -> bool:
    """Whether the expansion rises everywhere, and so is the quantile function of something.

    Its slope is a z^2 + b z + c with a = K/8 - S^2/6, b = S/3, c = 1 - K/8 + 5 S^2/36: no root, and not below zero.
    """
    a = excess_kurtosis / 8.0 - skew * skew / 6.0
    b = skew / 3.0
    c = 1.0 - excess_kurtosis / 8.0 + 5.0 * skew * skew / 36.0
    if a == 0.0:
        return b == 0.0 and c > 0.0
    return a > 0.0 and b * b <= 4.0 * a * c


def cornish_fisher_tail(level: float, skew: Floats, excess_kurtosis: Floats) -> tuple[Floats, Floats]:
    """(value at risk, expected shortfall) of a loss of mean 0 and variance 1 with the skew and excess kurtosis of *moves*.

    The shortfall is the expansion's own mean over the tail. Only to be read where `cornish_fisher_is_valid`.
    """
    check_level(level)
    z = float(ndtri(level))
    ratio = normal_density(z) / level
    first, second, third = -ratio, 1.0 - z * ratio, -(z * z + 2.0) * ratio
    s, k = skew, excess_kurtosis
    edge = z + (z * z - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s * s / 36
    mean = first + (second - 1) * s / 6 + (third - 3 * first) * k / 24 - (2 * third - 5 * first) * s * s / 36
    return -edge, -mean


def cornish_fisher_shortfall(level: float, skew: float, excess_kurtosis: float) -> tuple[float, float]:
    """The same of one distribution.

    Raises
    ------
    InputError : outside the domain, where the expansion is no distribution.
    """
    if not cornish_fisher_is_valid(skew, excess_kurtosis):
        raise InputError(
            f"Cornish-Fisher does not hold at skew {skew:.2f} and excess kurtosis {excess_kurtosis:.2f}: "
            "its quantiles fall back somewhere; take the historical or the peaks-over-threshold figure"
        )
    edge, mean = cornish_fisher_tail(level, np.array([skew]), np.array([excess_kurtosis]))
    return float(edge[0]), float(mean[0])


class WorstRows:
    """Losses (n,) sorted once, for their worst `level` under any weights of the rows."""

    def __init__(self, losses: Floats, level: float) -> None:
        check_level(level)
        self._order = np.argsort(-losses, kind="stable")
        self._losses, self._level = losses[self._order], level
        self._few = min(losses.size, int(3.0 * level * losses.size) + 8)

    def mean(self, weights: Floats) -> tuple[Floats, Floats]:
        """(value at risk, expected shortfall) for each row of weights (draws, n): the mean of the worst `level` of the
        weight, the last row in part."""
        wanted = self._level * weights.sum(axis=1)
        weight = weights[:, self._order[: self._few]]
        if (weight.sum(axis=1) < wanted).any():
            weight = weights[:, self._order]
        worst = self._losses[: weight.shape[1]]
        before = np.cumsum(weight, axis=1)
        edge = worst[np.argmax(before >= wanted[:, None] * (1.0 - 1e-12), axis=1)]
        taken = np.clip(wanted[:, None] - (before - weight), 0.0, weight)
        return edge, taken @ worst / wanted


def historical_shortfall(losses: Floats, level: float) -> tuple[float, float]:
    """(value at risk, expected shortfall) as seen: of the worst `level` of losses (n,)."""
    edge, mean = WorstRows(losses, level).mean(np.ones((1, losses.size)))
    return float(edge[0]), float(mean[0])
