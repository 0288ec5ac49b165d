"""Weights inside a sleeve, through skfolio: the one module that imports it, and only when weights are asked for.

Returns are simple, signed by side (a short earns what its price loses), rows in order of time, (rows, n). Weights are >= 0 and
add up to 1: how the sleeve's size is shared out, each position keeping its side.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.types import Floats

INSTALL = "pip install 'perpbook[allocation]'"


class Scheme(StrEnum):
    """How weights are chosen. `risk-parity`: each adds as much to the variance; `cvar`: the least expected shortfall;
    `cvar-parity`: each adds as much to the expected shortfall; `equal`: all alike."""

    RISK_PARITY = "risk-parity"
    CVAR = "cvar"
    CVAR_PARITY = "cvar-parity"
    EQUAL = "equal"


def fitted_weights(scheme: Scheme, returns: Floats, level: float) -> Floats:
    """(n,) weights of one scheme on all rows. level : the tail's probability, 0.05 for the worst twentieth.

    Raises
    ------
    InputError : skfolio is not there, or finds no weights.
    """
    found: Floats = np.asarray(_fitted(_estimator(scheme, level), returns).weights_, dtype=np.float64)
    out: Floats = found / found.sum()
    return out


def walked_forward(scheme: Scheme, returns: Floats, level: float, *, train: int, test: int) -> Floats:
    """(rows,) what the scheme earned out of sample: fitted on the `train` rows before each `test` rows, and so on to the end."""
    from skfolio.model_selection import WalkForward, cross_val_predict

    estimator, cv = _estimator(scheme, level), WalkForward(train_size=train, test_size=test)
    earned: Floats = np.asarray(_solved(lambda: cross_val_predict(estimator, returns, cv=cv).returns), dtype=np.float64)
    return earned


def _estimator(scheme: Scheme, level: float) -> Any:
    try:
        from skfolio import RiskMeasure
        from skfolio.optimization import EqualWeighted, MeanRisk, RiskBudgeting
    except ImportError as error:
        raise InputError(f'weights by "{scheme.value}" need skfolio ({error.name} is missing): {INSTALL}') from None
    match scheme:
        case Scheme.RISK_PARITY:
            return RiskBudgeting(risk_measure=RiskMeasure.VARIANCE)
        case Scheme.CVAR:
            return MeanRisk(risk_measure=RiskMeasure.CVAR, cvar_beta=1.0 - level)
        case Scheme.CVAR_PARITY:
            return RiskBudgeting(risk_measure=RiskMeasure.CVAR, cvar_beta=1.0 - level)
        case Scheme.EQUAL:
            return EqualWeighted()


def _fitted(estimator: Any, returns: Floats) -> Any:
    return _solved(lambda: estimator.fit(returns))


def _solved(solve: Any) -> Any:
    """What a solver of skfolio gives; its own errors as one of ours."""
    from cvxpy.error import SolverError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return solve()
    except (SolverError, ValueError) as error:
        raise InputError(f"no weights: {error}; give more history, or --weights equal") from None


def held_weights(values: Sequence[float]) -> Floats:
    """Sizes as weights."""
    sizes = np.abs(np.array(values, dtype=np.float64))
    out: Floats = sizes / sizes.sum()
    return out
