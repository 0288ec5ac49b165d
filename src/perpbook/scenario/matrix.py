"""Correlation under stress: towards one, towards the failure of the book's hedges, apart, or as given and made valid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.types import Floats
from perpbook.scenario.storm import CorrelationShock

VALID = 1e-10
"""A least eigenvalue above minus this is rounding."""

FAR = 0.05
"""A given matrix further than this (Frobenius, per asset) from a valid one was not a rounding matter, and is said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shocked:
    """A valid correlation matrix, how far it had to be moved to be one (Frobenius norm, 0 when it was), and what to say."""

    matrix: Floats
    distance: float
    notes: tuple[str, ...] = ()


def shocked_correlation(
    correlation: Floats, assets: Sequence[str], shock: CorrelationShock, exposures: Mapping[str, float]
) -> Shocked:
    """What a shock makes of the correlation (C, C) of a book's contracts; `assets` (C,) says of which asset each is.

    exposures : dollars by asset, > 0 long; only their signs matter, and only to "break".

    Raises
    ------
    InputError : the matrix is none, labels do not fit, or a matrix to put in is none.
    """
    start = _checked(correlation, tuple(assets), "the correlation of the paths", distinct=False)
    if shock.how == "one":
        return Shocked(matrix=towards(start, np.ones(len(assets)), shock.blend), distance=0.0)
    if shock.how == "break":
        return Shocked(matrix=towards(start, hedge_signs(assets, exposures), shock.blend), distance=0.0)
    if shock.how == "apart":
        return Shocked(matrix=(1.0 - shock.blend) * start + shock.blend * _same(assets), distance=0.0)
    if shock.how == "given":
        return _given(start, tuple(assets), shock)
    return Shocked(matrix=start, distance=0.0)


def towards(correlation: Floats, signs: Floats, blend: float) -> Floats:
    """(1 - blend) x correlation + blend x s s' with signs s of +-1: valid for any blend from 0 to 1, and of rank one at 1."""
    out: Floats = (1.0 - blend) * correlation + blend * np.outer(signs, signs)
    return out


def hedge_signs(assets: Sequence[str], exposures: Mapping[str, float]) -> Floats:
    """(C,) the direction that hurts the book most: each asset against the book's exposure in it, so that what is long falls
    when what is short rises. An asset the book is flat in goes with the market's fall."""
    return np.array([1.0 if exposures.get(asset, 0.0) < 0.0 else -1.0 for asset in assets])


def dislocation(
    assets: Sequence[str], volatility: Mapping[str, float], exposures: Mapping[str, float], kappa: float
) -> Floats:
    """(C,) fractions: each asset against the book's exposure in it by `kappa` standard deviations of its log move in a day;
    0 where the book is flat.

    Raises
    ------
    InputError : an asset the book holds has no volatility.
    """
    lacking = sorted({asset for asset in assets if exposures.get(asset, 0.0) and asset not in volatility})
    if lacking:
        raise InputError(f"a dislocation needs the daily volatility of {', '.join(lacking)}: give history of it")
    sizes = np.array([volatility.get(asset, 0.0) for asset in assets])
    against = -np.sign([exposures.get(asset, 0.0) for asset in assets])
    out: Floats = np.expm1(kappa * sizes * against)
    return out


def nearest_correlation(symmetric: Floats, *, tolerance: float = 1e-12, rounds: int = 10_000) -> tuple[Floats, float]:
    """The correlation matrix nearest to a symmetric one, and their distance, both by the Frobenius norm.

    Alternating projections with Dykstra's correction (Higham 2002, IMA J. Numer. Anal. 22).

    Raises
    ------
    InputError : it has not settled after so many rounds.
    """
    now, correction = symmetric.copy(), np.zeros_like(symmetric)
    for _ in range(rounds):
        guess = now - correction
        values, vectors = np.linalg.eigh(guess)
        semidefinite = (vectors * np.maximum(values, 0.0)) @ vectors.T
        correction = semidefinite - guess
        before, now = now, semidefinite.copy()
        np.fill_diagonal(now, 1.0)
        if np.abs(now - before).max() <= tolerance:
            return _exact(now), float(np.linalg.norm(_exact(now) - symmetric))
    raise InputError(f"no correlation matrix near the given one was found in {rounds} rounds: check its entries")


def _exact(close: Floats) -> Floats:
    """Rounding left by the projections taken out: positive semidefinite with ones on the diagonal."""
    values, vectors = np.linalg.eigh(0.5 * (close + close.T))
    product = (vectors * np.maximum(values, 0.0)) @ vectors.T
    scale = 1.0 / np.sqrt(np.diag(product))
    out: Floats = product * np.outer(scale, scale)
    np.fill_diagonal(out, 1.0)
    return out


def _given(start: Floats, assets: tuple[str, ...], shock: CorrelationShock) -> Shocked:
    """The pairs that the shock gives put in for those of the paths."""
    block = _checked(np.array(shock.matrix), shock.assets, "the matrix of the storm")
    known = {asset: number for number, asset in enumerate(shock.assets)}
    unused = sorted(set(shock.assets) - set(assets))
    if len(unused) == len(known):
        raise InputError(
            f"the matrix of the storm is of {', '.join(shock.assets)}; the book has {', '.join(sorted(set(assets)))}"
        )
    out = start.copy()
    for a, one in enumerate(assets):
        for b, other in enumerate(assets):
            if one in known and other in known and one != other:
                out[a, b] = block[known[one], known[other]]
    notes = [f"{asset} is in the storm's matrix and not in the book" for asset in unused]
    if np.linalg.eigvalsh(out).min() >= -VALID * len(assets):
        return Shocked(matrix=out, distance=0.0, notes=tuple(notes))
    valid, distance = nearest_correlation(out)
    far = "far from it: check its entries" if distance > FAR * len(assets) else "near it"
    notes.append(f"the matrix given is no correlation matrix; the nearest one, {distance:.3g} away, stands in ({far})")
    return Shocked(matrix=valid, distance=distance, notes=tuple(notes))


def _checked(matrix: Floats, assets: tuple[str, ...], what: str, *, distinct: bool = True) -> Floats:
    """A symmetric matrix of ones on the diagonal, with a label for each row."""
    if matrix.shape != (len(assets), len(assets)):
        shape = " by ".join(str(length) for length in matrix.shape)
        raise InputError(f"{what} is {shape}; it has labels for {len(assets)} assets: give one row and column for each")
    if distinct and len(set(assets)) < len(assets):
        twice = sorted({asset for asset in assets if assets.count(asset) > 1})
        raise InputError(f"{what} names {', '.join(twice)} twice: name each asset once")
    if not np.isfinite(matrix).all() or np.abs(matrix).max(initial=0.0) > 1.0 + 1e-12:
        raise InputError(f"{what} has an entry outside -1 to 1")
    if not np.allclose(matrix, matrix.T, atol=1e-9):
        a, b = (int(i) for i in np.unravel_index(np.abs(matrix - matrix.T).argmax(), matrix.shape))
        pair = f"{assets[a]} with {assets[b]}"
        raise InputError(f"{what} is not symmetric: {pair} is {matrix[a, b]:g} and {matrix[b, a]:g}")
    if not np.allclose(np.diag(matrix), 1.0, atol=1e-9):
        raise InputError(f"{what} has a diagonal other than 1")
    return matrix


def _same(assets: Sequence[str]) -> Floats:
    """1 where two contracts are of one asset, which never come apart, 0 elsewhere."""
    labels = np.array(assets)
    out: Floats = (labels[:, None] == labels[None, :]).astype(np.float64)
    return out
