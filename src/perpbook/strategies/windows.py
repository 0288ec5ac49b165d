"""Trailing windows and held states over one series, exact up to each bar: nothing in them reads ahead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perpbook.model.bars import Floats

Bools = NDArray[np.bool_]


def rolling(values: Floats, window: int, fold: np.ufunc) -> Floats:
    """`fold` (np.add, np.maximum, np.minimum) over the `window` values that end at each; NaN until there are so many.

    Every window is the tail of one block and the head of the next, each accumulated once, so the cost does not depend on
    the window and no rounding builds up along the series.

    Source: M. van Herk, "A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels",
    Pattern Recognition Letters 13 (1992).
    """
    out = np.full(values.size, np.nan)
    if values.size < window:
        return out
    blocks = -(-values.size // window)
    padded = np.zeros(blocks * window)
    padded[: values.size] = values
    square = padded.reshape(blocks, window)
    heads = fold.accumulate(square, axis=1).ravel()
    tails = fold.accumulate(square[:, ::-1], axis=1)[:, ::-1].ravel()
    last = np.arange(window - 1, values.size)
    out[last] = fold(tails[last - window + 1], heads[last])
    whole = last[(last + 1) % window == 0]
    out[whole] = heads[whole]
    return out


def rolling_mean(values: Floats, window: int) -> Floats:
    """The mean of the `window` values that end at each; NaN until there are so many."""
    out: Floats = rolling(values, window, np.add) / window
    return out


def before(values: Floats) -> Floats:
    """Each value's predecessor; NaN for the first."""
    out = np.full(values.size, np.nan)
    out[1:] = values[:-1]
    return out


def held(on: Bools, off: Bools) -> Bools:
    """A switch that `on` turns on and `off` turns off, and that stays as it is otherwise; it starts off."""
    touched = np.where(on | off, np.arange(on.size), -1)
    newest = np.maximum.accumulate(touched)
    out: Bools = (newest >= 0) & on[np.maximum(newest, 0)]
    return out


def hysteresis(score: Floats, enter: float | Floats, leave: float) -> Floats:
    """+1 from where `score` exceeds `enter` until it falls under `leave`; -1 likewise for `-score`; else 0.

    A score beyond `enter` on the other side turns the state over. A NaN score leaves it as it is.
    """
    high, low = score > enter, score < -np.asarray(enter)
    up = held(high, (score < leave) | low)
    down = held(low, (-score < leave) | high)
    out: Floats = up.astype(np.float64) - down.astype(np.float64)
    return out
