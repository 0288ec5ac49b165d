"""What a future cost an account beside prices: a debt left to its venue, winners taken, what a frozen venue keeps."""

from __future__ import annotations

from typing import NamedTuple

from perpbook.kernels.jit import inlined
from perpbook.kernels.types import Floats

DEBT, TAKEN, BARE, KEPT = range(4)
"""Places of an account's tolls, dollars >= 0: debt that its venue was left with (of its own coin, penalties left out),
exposure that auto-deleveraging closed, the part of it whose other leg then stood alone, equity that a frozen venue keeps."""

TOLLS = 4


class Worth(NamedTuple):
    """What the coins of a run are worth. coin : (A, T) dollars that one of each account's own coin is worth at a close.
    back : (A,) share of an account's equity that its venue gives back at the end.  away : (T,) dollars outside accounts."""

    coin: Floats
    back: Floats
    away: Floats


@inlined
def in_dollars(worth: Worth, curve: Floats, tolls: Floats) -> None:
    """Turn every account's equity (A, T) into dollars that come back, and write down what does not."""
    last = curve.shape[1] - 1
    for a in range(curve.shape[0]):
        for t in range(last + 1):
            curve[a, t] *= worth.coin[a, t]
        tolls[a, KEPT] = max(curve[a, last], 0.0) * (1.0 - worth.back[a])
        curve[a, last] -= tolls[a, KEPT]
