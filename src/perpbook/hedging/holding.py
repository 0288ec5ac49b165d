"""Options held along recorded prices: bought, revalued at every moment, ended at their payoff, and bought again where asked.

Moments are the first bar's open and every close. An option that ends inside a bar pays at that bar's close. Volatility is the
surface's times a level: that of a volatility index where there is one (`Level`), and between its closes what a fall adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.errors import InputError
from perpbook.hedging.candidates import Trading, on_quotes, sides_of
from perpbook.kernels.types import Floats, Integers
from perpbook.model.option import OptionContract, OptionQuote
from perpbook.options.chain import YEAR_NS, years_between
from perpbook.options.legs import OptionLeg
from perpbook.options.revalue import Laid, VolatilityRule, dollars_after, risen
from perpbook.options.surface import Surface


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How volatility stands at m moments: `times` the surface's, known since the spot was `anchor` dollars."""

    times: Floats
    anchor: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What options on one coin are priced by: its `spot` (m,) dollars, a surface, a level, and quotes by name at the first
    moment; `venue` of the chain."""

    spot: Floats
    surface: Surface
    level: Level
    venue: str
    quotes: Mapping[str, OptionQuote]


@dataclass(frozen=True, slots=True, kw_only=True)
class Along:
    """The way options are held along. `moments_ns` (m,) rising; `roll` buys the same again when one ends."""

    moments_ns: Integers
    coins: Mapping[str, Priced]
    trading: Trading
    rule: VolatilityRule
    roll: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One option from its purchase to its end, dollars, > 0 received by the holder. `first` and `last` moments; `paid` at the
    first, spread and fee in it (< 0 for options bought), `value` of what was had for it. `worth` (last - first + 1,), at
    the last the payoff where it `ended`, else what it is worth still. `decay` what waiting alone brought (< 0: took)."""

    option: OptionContract
    coins: float
    first: int
    last: int
    ended: bool
    spot: float
    paid: float
    value: float
    worth: Floats
    decay: float

    @property
    def cost(self) -> float:
        """Dollars of spread and fee, >= 0 a cost."""
        return -self.paid - self.value

    @property
    def gain(self) -> float:
        """Dollars from the purchase to the last moment."""
        return float(self.worth[-1]) + self.paid


def hold(legs: Sequence[OptionLeg], along: Along) -> tuple[Held, ...]:
    """Every option that is held on the way, leg by leg.

    Raises
    ------
    InputError : an option has ended before the first moment, or cannot be traded for want of a price.
    """
    out: list[Held] = []
    for leg in legs:
        first, wanted = 0, leg
        while True:
            held = _bought(wanted, along, first)
            out.append(held)
            if not (along.roll and held.ended and held.last < along.moments_ns.size - 1):
                break
            wanted = wanted.rolled(held.option, held.spot, int(along.moments_ns[first]))
            first = held.last
    return tuple(out)


def standing(held: Sequence[Held], moments: int) -> tuple[Floats, Floats]:
    """(m,) dollars that the options are worth, and (m,) dollars paid out (< 0) and in for them so far, the first premiums
    included."""
    worth, cash = np.zeros(moments), np.zeros(moments)
    for one in held:
        alive = one.worth[:-1] if one.ended else one.worth
        worth[one.first : one.first + alive.size] += alive
        cash[one.first :] += one.paid
        if one.ended:
            cash[one.last :] += one.worth[-1]
    return worth, cash


def _bought(leg: OptionLeg, along: Along, first: int) -> Held:
    priced = along.coins[leg.base]
    now_ns, spot = int(along.moments_ns[first]), float(priced.spot[first])
    option = leg.bought(spot, now_ns, priced.venue)
    ends = int(np.searchsorted(along.moments_ns, option.expiry_ns))
    last = min(ends, along.moments_ns.size - 1)
    surface = replace(priced.surface, spot=spot)
    quote = priced.quotes.get(option.name, OptionQuote(contract=option)) if first == 0 else OptionQuote(contract=option)
    laid = on_quotes([quote], _laid(option, priced.surface, spot, now_ns), surface)
    way = slice(first, last + 1)
    factors, elapsed = priced.spot[way] / spot, (along.moments_ns[way] - now_ns) / YEAR_NS
    left = np.maximum(laid.years[:, None] - elapsed[None, :], 0.0)
    times = priced.level.times[way] * risen(priced.spot[way] / priced.level.anchor[way], left, along.rule)
    each = dollars_after(surface, laid, factors, elapsed, along.rule, times)[0]
    waited = dollars_after(surface, laid, factors[:-1], elapsed[1:], along.rule, times[:, :-1])[0] - each[:-1]
    return Held(
        option=option,
        coins=leg.coins,
        first=first,
        last=last,
        ended=ends <= last,
        spot=spot,
        paid=_paid(quote, leg.coins, float(each[0]), spot, along.trading),
        value=leg.coins * float(each[0]),
        worth=leg.coins * each,
        decay=leg.coins * float(waited.sum()),
    )


def _laid(option: OptionContract, surface: Surface, spot: float, now_ns: int) -> Laid:
    """One option as arrays, its forward by the rate that the surface's own forwards have to its spot."""
    years = years_between(now_ns, option.expiry_ns)
    rates = [np.log(one.forward / surface.spot) / one.years for one in surface.smiles]
    rate = float(np.interp(years, [one.years for one in surface.smiles], rates))
    return Laid(
        years=np.array([years]),
        forward=np.array([spot * np.exp(rate * years)]),
        strike=np.array([option.strike]),
        call=np.array([option.is_call], dtype=np.uint8),
        inverse=np.array([option.is_inverse], dtype=np.uint8),
        offset=np.zeros(1),
    )


def _paid(quote: OptionQuote, coins: float, value: float, spot: float, trading: Trading) -> float:
    """Dollars received for trading so many coins of an option, fee in them (< 0: paid)."""
    pay, receive, *_ = sides_of(quote, value, spot, trading)
    price = pay if coins > 0.0 else receive
    if coins and not np.isfinite(price):
        side = "offered" if coins > 0.0 else "bid"
        raise InputError(
            f"{quote.contract.name} is not {side}: say how wide its market is with --option-spread, as in --option-spread 0.08 "
            "(ask less bid over their mean)"
        )
    return -coins * price if coins else 0.0
