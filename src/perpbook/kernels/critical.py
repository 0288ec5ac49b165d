"""How much larger the book could be in each imagined future: one pass gives the survival of every size at once.

With cash and sizes left alone, an account's surplus at any moment of a path is concave in a common scale on its positions,
and is its cash at scale nothing; so a path survives every scale up to one, which is the least over its moments. What fails:
margin of the whole position (tiers that jump), rules and partial liquidations that change sizes on the way.
"""

from __future__ import annotations

from perpbook.kernels.drill import Draw, Weather, stage_path
from perpbook.kernels.jit import inlined, lean
from perpbook.kernels.paths import fill_path
from perpbook.kernels.scale import largest_scale, surplus_at_scale
from perpbook.kernels.tape import Tape
from perpbook.kernels.types import Floats, Holdings

MOST = 64.0
"""Scales beyond this count as this."""


@lean
def critical_scales(
    tape: Tape, held: Holdings, weather: Weather, draw: Draw, first_price: Floats, prices: Floats, out: Floats
) -> None:
    """The largest scale at which each account lives through each path of `draw`: `out` (P, A), 0 to `MOST`.

    held : sizes free to scale, at the start.  first_price : (n,) its prices at the start.  prices : (C,) scratch.
    """
    for p in range(draw.first, draw.last):
        fill_path(draw.source, draw.seed, p, draw.brush, draw.steps)
        stage_path(tape, draw.steps, weather)
        for a in range(held.cash.size):
            for i in range(held.start[a], held.start[a + 1]):
                held.price[i] = first_price[i]
            out[p - draw.first, a] = walk_account(tape, held, a, prices)


@inlined
def walk_account(tape: Tape, held: Holdings, a: int, prices: Floats) -> float:
    """The least of account a's largest scales over a path. Funding is what a position of that scale would have paid: it
    moves the price that profit is counted from."""
    best, cursor = MOST, 0
    for t in range(tape.open_ns.size):
        while cursor < tape.funding_bar.size and tape.funding_bar[cursor] <= t:
            for i in range(held.start[a], held.start[a + 1]):
                if held.scalable[i]:
                    held.price[i] += tape.open[held.column[i], t] * tape.funding_rate[held.column[i], cursor]
            cursor += 1
        for closing in range(2):
            see_prices(tape, held, a, t, closing, prices)
            if surplus_at_scale(held, a, prices, 0.0, best)[0] < 0.0:
                best = min(best, largest_scale(held, a, prices, 0.0))
    return best


@inlined
def see_prices(tape: Tape, held: Holdings, a: int, t: int, closing: int, prices: Floats) -> None:
    """Prices of account a's columns in bar t: the end that hurts what it holds there, or the close."""
    i = held.start[a]
    while i < held.start[a + 1]:
        c, net = held.column[i], 0.0
        while i < held.start[a + 1] and held.column[i] == c:
            net += held.delta[i]
            i += 1
        if closing == 1:
            prices[c] = tape.close[c, t]
        else:
            prices[c] = tape.low[c, t] if net > 0.0 else tape.high[c, t]
