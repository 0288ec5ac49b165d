"""The largest size of a new trade that a predicate allows, in whole lots."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from perpbook.model.contract import in_lots

DOUBLINGS = 40
"""A trade still allowed at 2^40 times the size asked about counts as unlimited, and that size is the answer."""

FINEST = 1_000_000
"""Without a lot, the size asked about is divided this finely."""


def largest_trade(ok: Callable[[float], bool], start: float, lot: float) -> float:
    """The largest multiple of `lot` for which `ok` holds, searched from `start` (> 0): 0 when even one lot fails.

    Doubling until `ok` fails, then halving. `ok` must be monotone beyond its first failure: once a size fails, every
    larger one does. Only whole lots are ever asked about, so the answer is a size that was itself checked, never one
    rounded afterwards; and should `ok` fail where a smaller size passed, the smaller one is the answer.
    """
    if start <= 0.0:
        return 0.0
    step = lot if lot > 0.0 else start / FINEST
    good, bad = 0, max(int(Decimal(repr(start)) / Decimal(repr(step))), 1)
    if bad > 1:
        if not ok(in_lots(1, step)):
            return 0.0
        good = 1
    for _ in range(DOUBLINGS):
        if not ok(in_lots(bad, step)):
            break
        good, bad = bad, 2 * bad
    else:
        return in_lots(good, step)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if ok(in_lots(middle, step)) else (good, middle)
    return in_lots(good, step)
