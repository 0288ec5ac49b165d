"""Where accounts die: roots of surplus along a ray of prices.

Prices move along `p + f d`, f >= 0 one way and f <= 0 the other. Surplus g(f) = equity - maintenance margin is concave
in f, so the safe stretch is one interval [f_low, f_high]; Newton's method from outside it walks in without overshooting
and, where surplus is piecewise linear, ends after finitely many steps with the right tier at the *liquidation*
notional. NaN: there is no such root.
"""

from __future__ import annotations

import numpy as np

from perpbook.kernels.jit import kernel, part
from perpbook.kernels.types import Floats, Lines

LEAST = 0.01
"""No price of a joint move falls under this share of itself, whatever its beta: as in the stress scenarios."""

FARTHEST = 2.0**40
"""Moves beyond this multiple of the price count as never."""


@part
def surplus_on_ray(
    lines: Lines, low: int, high: int, rest: float, prices: Floats, direction: Floats, f: float
) -> tuple[float, float]:
    """Surplus at f and its derivative, over items low..high-1; `rest` is what the others contribute, dollars."""
    value, rise = rest, 0.0
    for i in range(low, high):
        c = lines.column[i]
        price = prices[c] + f * direction[c]
        value += lines.delta[i] * price
        tilt = lines.delta[i]
        if lines.pieces[i] > 0:
            need, slope = lines.slope[i, 0] * price + lines.offset[i, 0], lines.slope[i, 0]
            for k in range(1, lines.pieces[i]):
                other = lines.slope[i, k] * price + lines.offset[i, k]
                if other > need:
                    need, slope = other, lines.slope[i, k]
            if lines.reciprocal[i] > 0.0:
                need += lines.reciprocal[i] / price
                slope -= lines.reciprocal[i] / (price * price)
            value -= need
            tilt -= slope
        rise += tilt * direction[c]
    return value, rise


@part
def ray_bounds(lines: Lines, low: int, high: int, prices: Floats, direction: Floats) -> tuple[float, float]:
    """The stretch of f in which every price met by the items stays positive: (<= 0, >= 0), inf when unbounded."""
    left, right = -np.inf, np.inf
    for i in range(low, high):
        c = lines.column[i]
        if direction[c] > 0.0:
            left = max(left, -prices[c] / direction[c])
        elif direction[c] < 0.0:
            right = min(right, -prices[c] / direction[c])
    return left, right


@part
def walk_in(
    lines: Lines, low: int, high: int, rest: float, prices: Floats, direction: Floats, f: float, side: float
) -> float:
    """Newton from f, where surplus is negative, towards the safe stretch: `side` +1 walks right, -1 left."""
    for _ in range(400):
        value, rise = surplus_on_ray(lines, low, high, rest, prices, direction, f)
        if value >= 0.0:
            return f
        if -value >= FARTHEST * rise * side:
            return np.nan
        step = -value / rise
        if abs(step) <= 1e-15 * max(abs(f), 1e-3):
            return f
        f += step
    return f


@part
def safe_stretch(
    lines: Lines, low: int, high: int, rest: float, prices: Floats, direction: Floats
) -> tuple[float, float]:
    """Both ends of the stretch of f in which surplus is not negative; NaN for an end that never comes.

    An end where some price would not be positive does not come: nobody is saved by it.
    """
    left, right = ray_bounds(lines, low, high, prices, direction)
    lower, upper = np.nan, np.nan
    start = left * (1.0 - 1e-12) if left > -np.inf else -1.0
    value, rise = surplus_on_ray(lines, low, high, rest, prices, direction, start)
    while left == -np.inf and start > -FARTHEST and (value >= 0.0 or rise < 0.0):
        start *= 2.0
        value, rise = surplus_on_ray(lines, low, high, rest, prices, direction, start)
    if value < 0.0:
        lower = walk_in(lines, low, high, rest, prices, direction, start, 1.0)
    start = right * (1.0 - 1e-12) if right < np.inf else 1.0
    value, rise = surplus_on_ray(lines, low, high, rest, prices, direction, start)
    while right == np.inf and start < FARTHEST and (value >= 0.0 or rise > 0.0):
        start *= 2.0
        value, rise = surplus_on_ray(lines, low, high, rest, prices, direction, start)
    if value < 0.0:
        upper = walk_in(lines, low, high, rest, prices, direction, start, -1.0)
    return (lower if lower < right else np.nan), (upper if upper > left else np.nan)


@part
def next_floor(lines: Lines, low: int, high: int, prices: Floats, at: Floats, direction: Floats) -> float:
    """How far along the ray the next of the items' prices comes to its floor, inf when none falls."""
    nearest = np.inf
    for i in range(low, high):
        c = lines.column[i]
        if direction[c] < 0.0:
            nearest = min(nearest, (at[c] - LEAST * prices[c]) / -direction[c])
    return max(nearest, 0.0)


@kernel
def death_along(lines: Lines, a: int, prices: Floats, direction: Floats) -> float:
    """`death_on_the_way`, with room of its own."""
    return death_on_the_way(lines, a, prices, prices.copy(), direction.copy())


@part
def death_on_the_way(lines: Lines, a: int, prices: Floats, at: Floats, way: Floats) -> float:
    """How far an account that lives gets along `at + f way`, f >= 0, before it dies; NaN for never. `at` begins as
    `prices`, `way` as the direction; both are used up.

    No price falls under `LEAST` of itself: one that gets there stays, and the walk goes on with the others. Between two
    such floors the way is a ray, on which surplus is concave: alive at both ends is alive between them.
    """
    low, high = lines.start[a], lines.start[a + 1]
    gone = 0.0
    for _ in range(prices.size + 1):
        step = next_floor(lines, low, high, prices, at, way)
        if step == np.inf:
            return gone + safe_stretch(lines, low, high, lines.cash[a], at, way)[1]
        if surplus_on_ray(lines, low, high, lines.cash[a], at, way, step)[0] < 0.0:
            return gone + walk_in(lines, low, high, lines.cash[a], at, way, step, -1.0)
        gone += step
        for c in range(prices.size):
            at[c] += step * way[c]
            if way[c] < 0.0 and at[c] <= LEAST * prices[c] * (1.0 + 1e-9):
                way[c] = 0.0
    return np.nan


@part
def reach_of(lines: Lines, low: int, high: int, betas: Floats, side: float) -> float:
    """How far a joint move goes before the first price of items low..high-1 that falls with it (`side` 1: in a fall, -1: in
    a rise) stands at `LEAST`; inf when none does."""
    steepest = 0.0
    for i in range(low, high):
        steepest = max(steepest, side * betas[lines.column[i]])
    return (1.0 - LEAST) / steepest if steepest > 0.0 else np.inf


@kernel
def joint_moves(lines: Lines, prices: Floats, betas: Floats, out: Floats) -> None:
    """The joint move at which each account dies, falling and rising: `out` (accounts, 2), fractions, NaN for never.

    Every price goes to `p (1 + beta s)`, but not under `LEAST` p; `betas` is (columns,). For an account that is dead
    already the ends of the stretch in which it would live are given: one of them is on the wrong side of 0, and one that
    lies beyond where the first price stops falling is NaN.
    """
    direction = prices * betas
    for a in range(lines.cash.size):
        low, high = lines.start[a], lines.start[a + 1]
        if surplus_on_ray(lines, low, high, lines.cash[a], prices, direction, 0.0)[0] < 0.0:
            fall, rise = safe_stretch(lines, low, high, lines.cash[a], prices, direction)
            out[a, 0] = fall if fall >= -reach_of(lines, low, high, betas, 1.0) else np.nan
            out[a, 1] = rise if rise <= reach_of(lines, low, high, betas, -1.0) else np.nan
        else:
            out[a, 0] = -death_along(lines, a, prices, -direction)
            out[a, 1] = death_along(lines, a, prices, direction)


@kernel
def deaths_on_ray(lines: Lines, prices: Floats, direction: Floats, out: Floats) -> None:
    """Fraction of the way from `prices` to `prices + direction` at which each account dies: `out` (accounts,).

    0 when it is dead already, NaN when it survives to the end.
    """
    for a in range(lines.cash.size):
        low, high = lines.start[a], lines.start[a + 1]
        out[a] = np.nan
        if surplus_on_ray(lines, low, high, lines.cash[a], prices, direction, 0.0)[0] < 0.0:
            out[a] = 0.0
        elif surplus_on_ray(lines, low, high, lines.cash[a], prices, direction, 1.0)[0] < 0.0:
            out[a] = walk_in(lines, low, high, lines.cash[a], prices, direction, 1.0, -1.0)


@kernel
def liquidation_prices(lines: Lines, prices: Floats, out: Floats) -> None:
    """The price of its own column at which each item's account dies, every other price frozen: `out` (n, 2), low and
    high, dollars, NaN for none. Items of one account and column (two legs of a hedge) share theirs."""
    for a in range(lines.cash.size):
        total, _ = surplus_on_ray(lines, lines.start[a], lines.start[a + 1], lines.cash[a], prices, prices, 0.0)
        low = lines.start[a]
        while low < lines.start[a + 1]:
            column = lines.column[low]
            high = low
            while high < lines.start[a + 1] and lines.column[high] == column:
                high += 1
            own, _ = surplus_on_ray(lines, low, high, 0.0, prices, prices, 0.0)
            below, above = safe_stretch(lines, low, high, total - own, prices, prices)
            for i in range(low, high):
                out[i, 0], out[i, 1] = prices[column] * (1.0 + below), prices[column] * (1.0 + above)
            low = high


@kernel
def bankruptcy_prices(lines: Lines, prices: Floats, equity: Floats, out: Floats) -> None:
    """The price of its own column at which each item's account has no equity left, others frozen: `out` (n,).

    `equity` (accounts,) is at `prices`. NaN when no positive price does it, or none this side of `FARTHEST`.
    """
    for a in range(lines.cash.size):
        low = lines.start[a]
        while low < lines.start[a + 1]:
            column, high, delta = lines.column[low], low, 0.0
            while high < lines.start[a + 1] and lines.column[high] == column:
                delta += lines.delta[high]
                high += 1
            near = abs(equity[a]) < FARTHEST * abs(delta) * prices[column]
            price = prices[column] - equity[a] / delta if near else np.nan
            for i in range(low, high):
                out[i] = price if price > 0.0 else np.nan
            low = high


@kernel
def first_deaths(lines: Lines, prices: Floats, directions: Floats, fractions: Floats) -> None:
    """`deaths_on_ray` for every scenario: directions (columns, scenarios), `fractions` (accounts, scenarios)."""
    for s in range(directions.shape[1]):
        deaths_on_ray(lines, prices, np.ascontiguousarray(directions[:, s]), fractions[:, s])
