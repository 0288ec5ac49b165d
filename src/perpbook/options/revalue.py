"""What options are worth in dollars when the spot has moved and time has passed.

Forwards move with the spot and keep their rate to it. The volatility of an option is today's surface at its remaining time, read
at its strike over the forward before the move (sticky strike: each strike keeps its volatility) or after it (sticky delta: the
smile travels with the price), with what the option's own quote is off the smile, times what a fall adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.black import black_greeks, black_prices
from perpbook.kernels.types import Flags, Floats, Integers
from perpbook.model.option import OptionChain, OptionContract
from perpbook.options.chain import years_between
from perpbook.options.surface import Surface

STICKY = ("delta", "strike")

REFERENCE_DAYS = 30.0
"""The tenor at which `VolatilityRule.with_spot` was measured."""

MOST_OF_NEAR = 3.0
"""Nearer tenors than 30 days move by more, but by no more than this many times."""

HIGHEST = 5.0
"""No volatility is taken to rise above 500 %."""

LOWEST = 0.01
"""Nor to be less than 1 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityRule:
    """How volatility moves with the spot. A fall of the spot by a log move of x multiplies the 30-day volatility by
    exp(with_spot x), that of T days by exp(with_spot x (30/T)^power); a rise leaves it.

    0.5 is what Deribit's 30-day index did from 2021-03 to 2025-08: 0.63 for bitcoin and 0.50 for ether a day's fall, -0.04 and
    -0.01 a day's rise, by least squares on daily moves.
    """

    sticky: str = "delta"
    with_spot: float = 0.5
    power: float = 0.3

    def __post_init__(self) -> None:
        if self.sticky not in STICKY:
            raise InputError(f'volatility cannot be sticky by "{self.sticky}": choose {" or ".join(STICKY)}')
        if not 0.0 <= self.with_spot <= 5.0:
            raise InputError(f"volatility moving {self.with_spot:g} times a fall does not do: choose from 0 to 5")
        if not 0.0 <= self.power <= 1.0:
            raise InputError(f"a power of {self.power:g} does not do: choose from 0 to 1")


class Laid(NamedTuple):
    """n options as arrays: years to expiry and forward now, strike, 1 for a call, 1 for a coin-settled one; `offset` is its own
    volatility less the smile's, which it keeps at other prices and times."""

    years: Floats
    forward: Floats
    strike: Floats
    call: Flags
    inverse: Flags
    offset: Floats


def lay(chain: OptionChain, contracts: Sequence[OptionContract]) -> Laid:
    """Options of a chain as arrays, on the smile."""
    forwards = {expiry.expiry_ns: expiry.forward for expiry in chain.expiries}
    return Laid(
        years=np.array([years_between(chain.as_of_ns, one.expiry_ns) for one in contracts], dtype=np.float64),
        forward=np.array([forwards[one.expiry_ns] for one in contracts], dtype=np.float64),
        strike=np.array([one.strike for one in contracts], dtype=np.float64),
        call=np.array([one.is_call for one in contracts], dtype=np.uint8),
        inverse=np.array([one.is_inverse for one in contracts], dtype=np.uint8),
        offset=np.zeros(len(contracts)),
    )


def some(laid: Laid, at: Integers) -> Laid:
    """Some of them, by number."""
    return Laid(laid.years[at], laid.forward[at], laid.strike[at], laid.call[at], laid.inverse[at], laid.offset[at])


def dollars_after(
    surface: Surface,
    laid: Laid,
    factors: Floats,
    elapsed: Floats,
    rule: VolatilityRule = VolatilityRule(),
    times: Floats | None = None,
) -> Floats:
    """(n, m) dollars that one coin of each option is worth at m moments: the spot `factors` (m,) > 0 times today's, `elapsed`
    (m,) years from now. At or after its expiry an option is worth its payoff at that spot. `times` (n, m) is what volatility is
    multiplied by, None for what the rule says of a fall from today's spot."""
    left = np.maximum(laid.years[:, None] - elapsed[None, :], 0.0)
    carry = np.log(laid.forward / surface.spot) / np.where(laid.years > 0.0, laid.years, 1.0)
    still = surface.spot * np.exp(carry[:, None] * left)
    forward = still * factors[None, :]
    base = forward if rule.sticky == "delta" else still
    k = np.log(laid.strike[:, None] / base)
    volatility = np.maximum(surface.volatilities(k, np.maximum(left, 1e-9)) + laid.offset[:, None], LOWEST)
    volatility = np.minimum(volatility * (risen(factors, left, rule) if times is None else times), HIGHEST)
    discount = np.where(laid.inverse[:, None] != 0, surface.spot * factors[None, :] / forward, 1.0)
    out = np.empty(left.shape)
    shape = left.shape
    black_prices(
        forward.ravel(), np.broadcast_to(laid.strike[:, None], shape).ravel(), left.ravel(), volatility.ravel(),
        np.ascontiguousarray(discount).ravel(), np.broadcast_to(laid.call[:, None], shape).ravel(), out.ravel(),
    )  # fmt: skip
    return out


def risen(factors: Floats, left: Floats, rule: VolatilityRule) -> Floats:
    """(n, m) times that volatility has risen. left : (n, m) years that options still have."""
    fall = np.maximum(-np.log(factors), 0.0)
    days = np.maximum(left * 365.0, 1e-6)
    nearer = np.minimum((REFERENCE_DAYS / days) ** rule.power, MOST_OF_NEAR)
    out: Floats = np.exp(rule.with_spot * fall[None, :] * nearer)
    return out


class Sensitivities(NamedTuple):
    """(n,) of one coin of each option now: dollars, volatility, delta in coins (dollars gained by a dollar's rise of the spot),
    that delta less the premium's worth in coins, dollars a day of waiting, dollars per point (0.01) of volatility."""

    dollars: Floats
    volatility: Floats
    delta: Floats
    premium_adjusted_delta: Floats
    theta_day: Floats
    vega_point: Floats


def sensitivities(surface: Surface, laid: Laid) -> Sensitivities:
    """The greeks that matter to a book in dollars.

    A coin-settled option is worth D = price x spot / forward dollars, and its delta is that of D. Whoever counts in coins holds
    the premium in coins too, and is hedged by the premium-adjusted delta (delta less D / spot) instead.
    """
    on_smile = surface.volatilities(np.log(laid.strike / laid.forward), np.maximum(laid.years, 1e-9))
    volatility = np.maximum(on_smile + laid.offset, LOWEST)
    discount = np.where(laid.inverse != 0, surface.spot / laid.forward, 1.0)
    out = np.empty((5, laid.years.size))
    black_greeks(laid.forward, laid.strike, laid.years, volatility, discount, laid.call, out)
    delta = out[1] * laid.forward / surface.spot
    day = np.array([0.0, 1.0 / 365.0])
    waited = dollars_after(surface, laid, np.ones(2), day)
    return Sensitivities(
        dollars=out[0],
        volatility=volatility,
        delta=delta,
        premium_adjusted_delta=delta - out[0] / surface.spot,
        theta_day=waited[:, 1] - waited[:, 0],
        vega_point=out[3] * 0.01,
    )
