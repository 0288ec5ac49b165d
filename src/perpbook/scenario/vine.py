"""A regular vine copula, fitted by `pyvinecopulib` (the extra `tails`), and a table of joint moves drawn from it.

Bedford and Cooke 2002; trees beyond the first few are taken as independent (Brechmann, Czado and Aas 2012). The table becomes
the pool of a bootstrap in which every step is a new row: no memory of volatility from step to step.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.paths import BOOTSTRAP, CLOSE, FUNDING, HIGH, LOW, Source
from perpbook.kernels.types import Floats
from perpbook.scenario.sources import empty_source, rows_together

if TYPE_CHECKING:
    from numpy.random import Generator

TREES = 2
"""Trees that are fitted unless asked otherwise."""

LEAST_ROWS = 250
"""Joint moves below which pairs are not to be told apart."""

MOST_ROWS = 5_000
"""Joint moves that a fit looks at, evenly spaced: more takes minutes and moves nothing that the tail's error does not hide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vine:
    """A fitted vine of C series, `words` of its pairs for a reader; `model` None for a single series."""

    model: Any
    columns: int
    rows: int
    words: tuple[str, ...]

    def shares(self, uniforms: Floats) -> Floats:
        """(rows, C) shares with the vine's dependence, from independent ones (inverse Rosenblatt transform)."""
        if self.model is None:
            return uniforms
        out: Floats = np.asarray(self.model.inverse_rosenblatt(np.asfortranarray(uniforms), num_threads=1))
        return np.clip(out, 1e-10, 1.0 - 1e-10)


def has_vines() -> bool:
    """Whether the extra is installed."""
    return find_spec("pyvinecopulib") is not None


def fit_vine(moves: Floats, names: tuple[str, ...], trees: int = TREES) -> Vine:
    """The vine of moves (C, n), no two series the same.

    Raises
    ------
    InputError : `pyvinecopulib` is not installed, or too few moves.
    """
    if not has_vines():
        raise InputError("vine paths need pyvinecopulib\n    install it with: pip install 'perpbook[tails]'")
    columns, rows = moves.shape
    if rows < LEAST_ROWS:
        raise InputError(
            f"the vine has {rows} joint moves and needs {LEAST_ROWS}: give a longer history, or --kind copula"
        )
    if columns == 1:
        return Vine(model=None, columns=1, rows=rows, words=())
    import pyvinecopulib

    kinds = pyvinecopulib.BicopFamily
    controls = pyvinecopulib.FitControlsVinecop(
        family_set=[kinds.indep, kinds.gaussian, kinds.student, kinds.clayton, kinds.gumbel],
        trunc_lvl=trees, selection_criterion="aic", num_threads=1,
    )  # fmt: skip
    looked = moves[:, np.unique(np.linspace(0, rows - 1, min(rows, MOST_ROWS)).astype(int))]
    shares = np.argsort(np.argsort(looked, axis=1, kind="stable"), axis=1) + 1.0
    model = pyvinecopulib.Vinecop.from_data(np.asfortranarray(shares.T / (looked.shape[1] + 1.0)), controls=controls)
    return Vine(model=model, columns=columns, rows=looked.shape[1], words=_words(model, names))


def _words(model: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    """The first tree's pairs with Kendall's tau."""
    structure, out = model.matrix, []
    for edge in range(len(names) - 1):
        one, other = int(structure[len(names) - 1 - edge, edge]), int(structure[0, edge])
        pair = model.get_pair_copula(0, edge)
        out.append(f"{names[one - 1]} with {names[other - 1]} {pair.family.name}, tau {pair.tau:.2f}")
    return tuple(out)


def table_source(moves: Floats, volatility: Floats, funding: Floats, chance: Generator) -> Source:
    """Rows (C, n) of one step's log moves as a source, every step a new row; the lowest and highest inside each are drawn
    from a Brownian bridge of `volatility` (C,). funding : (C,) per hour, paid in every row."""
    pool = np.empty((*moves.shape, 4))
    reach = np.sqrt(moves**2 - 2.0 * volatility[:, None] ** 2 * np.log1p(-chance.random(moves.shape)))
    sink = np.sqrt(moves**2 - 2.0 * volatility[:, None] ** 2 * np.log1p(-chance.random(moves.shape)))
    pool[:, :, CLOSE] = np.exp(moves)
    pool[:, :, HIGH], pool[:, :, LOW] = np.exp(0.5 * (moves + reach)), np.exp(0.5 * (moves - sink))
    pool[:, :, FUNDING] = funding[:, None]
    return empty_source(moves.shape[0])._replace(kind=BOOTSTRAP, pool=rows_together(pool), restart=1.0)
