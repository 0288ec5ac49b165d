"""The hedge of least variance: h = -C_hh^-1 C_hp, and what it is a case of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perpbook.kernels.types import Floats


def least_variance(covariance: Floats, rows: Floats, values: Floats) -> Floats:
    """(A,) the x of least `x' covariance x` with `rows` (M, A) x = `values` (M,), by the equations of its optimum.

    Assets that cannot be told apart share what is to be held.
    """
    wide, tall = len(covariance), len(rows)
    scale = float(np.trace(covariance)) / wide or 1.0
    system = np.block([[covariance / scale, rows.T], [rows, np.zeros((tall, tall))]])
    found = np.linalg.lstsq(system, np.concatenate([np.zeros(wide), values]), rcond=None)[0]
    out: Floats = found[:wide]
    return out


def variance_hedge(
    covariance: Floats, names: Sequence[str], exposures: Mapping[str, float], against: Sequence[str]
) -> Floats:
    """(K,) dollars of `against` that leave the book the least variance: the book (dollars by name) is held as it is."""
    held = np.array([exposures.get(name, 0.0) for name in names])
    at = [list(names).index(one) for one in against]
    pull = covariance @ held
    joint = np.block([[held @ pull, pull[at][None, :]], [pull[at][:, None], covariance[np.ix_(at, at)]]])
    book = np.concatenate([[1.0], np.zeros(len(at))])
    return least_variance(joint, book[None, :], np.ones(1))[1:]
