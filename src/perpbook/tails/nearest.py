"""Correlation matrices made valid: checked, shrunk, and the nearest one to a matrix that is none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Floats

LEAST_EIGENVALUE = -1e-8


def check_correlation_matrix(matrix: Floats, names: Sequence[str]) -> None:
    """Refuse what is no correlation matrix of these series.

    Raises
    ------
    InputError : its shape, labels, symmetry, diagonal, an entry, or that it is not positive semidefinite.
    """
    check_shape(matrix, names)
    if not np.allclose(np.diag(matrix), 1.0, atol=1e-8):
        row = int(np.argmax(np.abs(np.diag(matrix) - 1.0)))
        raise InputError(f"the correlation of {names[row]} with itself is {matrix[row, row]:g}: a diagonal is 1")
    if np.abs(matrix).max() > 1.0 + 1e-8:
        a, b = divmod(int(np.argmax(np.abs(matrix))), len(names))
        raise InputError(f"the correlation of {names[a]} and {names[b]} is {matrix[a, b]:g}: it lies between -1 and 1")
    least = float(np.linalg.eigvalsh(matrix)[0])
    if least < LEAST_EIGENVALUE * len(names):
        raise InputError(
            f"no moves have these correlations: the matrix has an eigenvalue of {least:.3g}\n"
            "    take `nearest_correlation` of it, or estimate every pair on the same rows"
        )


def check_shape(matrix: Floats, names: Sequence[str]) -> None:
    """Refuse a matrix that is not square, symmetric, finite, or not of these names."""
    if len(set(names)) != len(names):
        raise InputError(f"a series is named twice: {', '.join(names)}")
    if matrix.shape != (len(names), len(names)):
        shape = " by ".join(map(str, matrix.shape))
        raise InputError(f"a matrix of {shape} does not fit {len(names)} series: {', '.join(names)}")
    if not np.isfinite(matrix).all():
        raise InputError("an entry of the matrix is not a number")
    if not np.allclose(matrix, matrix.T, atol=1e-10):
        a, b = divmod(int(np.argmax(np.abs(matrix - matrix.T))), len(names))
        raise InputError(f"{names[a]} with {names[b]} is {matrix[a, b]:g}, and the other way round {matrix[b, a]:g}")


def reordered(matrix: Floats, names: Sequence[str], wanted: Sequence[str]) -> Floats:
    """A labelled matrix in the order wanted.

    Raises
    ------
    InputError : the labels are not the same set.
    """
    check_shape(matrix, names)
    if set(names) != set(wanted):
        lacking, beside = sorted(set(wanted) - set(names)), sorted(set(names) - set(wanted))
        raise InputError(
            f"the matrix is of other series: it lacks {', '.join(lacking) or 'none'} and has {', '.join(beside) or 'none'} beside"
        )
    order = [list(names).index(name) for name in wanted]
    out: Floats = matrix[np.ix_(order, order)]
    return out


def nearest_correlation(matrix: Floats, *, tolerance: float = 1e-9, most: int = 10_000) -> Floats:
    """The correlation matrix nearest to a symmetric one (Frobenius), by alternating projections with Dykstra's correction.

    Higham 2002. A correlation matrix is given back as it is.

    Raises
    ------
    InputError : not square and symmetric, or not converged.
    """
    check_shape(matrix, [str(row) for row in range(len(matrix))])
    now, correction = matrix.astype(np.float64), np.zeros(matrix.shape)
    if np.allclose(np.diag(now), 1.0, atol=1e-12) and np.linalg.eigvalsh(now)[0] >= -1e-12:
        return now
    for _ in range(most):
        before = now
        aim = now - correction
        values, vectors = np.linalg.eigh(aim)
        valid = (vectors * np.maximum(values, 0.0)) @ vectors.T
        correction = valid - aim
        now = valid.copy()
        np.fill_diagonal(now, 1.0)
        if np.linalg.norm(now - before) <= tolerance * np.linalg.norm(now):
            return _settled(now)
    raise InputError(
        f"no nearest correlation matrix was found in {most:,} rounds: are its entries correlations at all?"
    )


def _settled(matrix: Floats) -> Floats:
    """The last trace of a negative eigenvalue cut off, and ones on the diagonal."""
    values, vectors = np.linalg.eigh(matrix)
    valid = (vectors * np.maximum(values, 0.0)) @ vectors.T
    scale = np.sqrt(np.diag(valid))
    out: Floats = valid / scale[:, None] / scale[None, :]
    np.fill_diagonal(out, 1.0)
    return 0.5 * (out + out.T)


def shrunk_correlation(values: Floats) -> tuple[Floats, float]:
    """Correlation of the rows of `values` (A, n) shrunk towards none, and by how much (Ledoit and Wolf 2004).

    Of standardised series: their average variance is 1, so the target is the identity.
    """
    spread = values.std(axis=1, keepdims=True)
    if not (spread > 0.0).all():
        raise InputError("a series that does not move has no correlation with another: leave it out")
    z = (values - values.mean(axis=1, keepdims=True)) / spread
    count = z.shape[1]
    sample = z @ z.T / count
    away = float(((sample - np.eye(len(z))) ** 2).sum())
    noise = float(((z * z) @ (z * z).T).sum() / count - (sample**2).sum()) / count
    share = min(1.0, max(0.0, noise / away)) if away > 0.0 else 1.0
    return (1.0 - share) * sample + share * np.eye(len(z)), share
