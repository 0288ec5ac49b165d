"""What each venue refuses in an order, as data: least values, price steps and bands, reduce-only, the dead man's switch.

Lots, ticks, fees and margins are in `terms`; these are the habits of the order gate, which terms do not hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from perpbook.model.contract import Contract
from perpbook.model.order import RejectReason
from perpbook.model.units import SECOND_NS


class Oversize(Enum):
    """A reduce-only order larger than the position: the venue refuses it, or trades only as much as there is."""

    REJECT = "reject"
    SHRINK = "shrink"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadMan:
    """A venue's timer that cancels orders. `least_ns` ahead at least; `triggers_a_day` (UTC) at most, None for no limit;
    `by_symbol` : set for one contract at a time."""

    least_ns: int = 0
    triggers_a_day: int | None = None
    by_symbol: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRules:
    """A venue's order gate.

    least_notional : quote.  small_reductions : reduce-only orders may be smaller; else only one that closes all.
    figures, decimals : significant figures of a price and its most decimals less those of a lot; None: the contract's tick holds.
    band : fraction of the reference price beyond which an order is refused, None for none; `band_both` : on both sides, else only
    where it would trade worse than the reference.  reduce_only_rests : whether such an order may rest.  words : the venue's own
    for a reason; `{least}` and `{best}` stand for the least notional and the best price it met.
    """

    least_notional: float = 0.0
    small_reductions: bool = True
    figures: int | None = None
    decimals: int = 6
    band: float | None = None
    band_both: bool = False
    oversize: Oversize = Oversize.SHRINK
    reduce_only_rests: bool = True
    dead_man: DeadMan | None = None
    words: Mapping[RejectReason, str] = field(default_factory=lambda: MappingProxyType({}))


HYPERLIQUID = OrderRules(
    least_notional=10.0,
    small_reductions=False,
    figures=5,
    decimals=6,
    band=0.8,
    band_both=True,
    oversize=Oversize.REJECT,
    dead_man=DeadMan(least_ns=5 * SECOND_NS, triggers_a_day=10),
    words=MappingProxyType(
        {
            RejectReason.PRICE: "Price must be divisible by tick size.",
            RejectReason.SIZE: "Order must have minimum value of ${least:g}.",
            RejectReason.REDUCE_ONLY: "Reduce only order would increase position.",
            RejectReason.POST_ONLY: "Post only order would have immediately matched, bbo was {best:g}.",
            RejectReason.MARGIN: "Insufficient margin to place order.",
        }
    ),
)
"""Sources: the venue's pages on error responses, tick and lot size, and the exchange endpoint (schedule cancel), read
2026-11-27. The band is what its front end says ("80% away from the reference price"); that an order which closes all may be
under $10, and that an oversized reduce-only order is refused, is what users of other clients report."""

BINANCE = OrderRules(
    least_notional=5.0,
    band=0.15,
    dead_man=DeadMan(by_symbol=True),
    words=MappingProxyType(
        {
            RejectReason.PRICE: "Price not increased by tick size, or outside the PERCENT_PRICE filter.",
            RejectReason.SIZE: "Order's notional must be no smaller than {least:g} (unless you choose reduce only).",
            RejectReason.REDUCE_ONLY: "ReduceOnly Order is rejected.",
            RejectReason.POST_ONLY: "Due to the order could not be executed as maker, the Post Only order will be rejected.",
            RejectReason.MARGIN: "Margin is insufficient.",
            RejectReason.DUPLICATE: "ClientOrderId is duplicated.",
        }
    ),
)
"""Sources: a recorded exchangeInfo of the USD-M market (MIN_NOTIONAL 5, multipliers 0.85 and 1.15 for 117 of 122 contracts), and
the venue's list of error codes. Single contracts have other figures."""

DYDX = OrderRules(reduce_only_rests=False)
"""Source: the chain's x/clob (message_place_order.go): reduce-only on immediate-or-cancel orders alone; no least notional, no
band, no timer (short-term orders expire by themselves)."""

PLAIN = OrderRules(band=0.5, band_both=True)
"""A venue whose gate is not recorded: lots, ticks and margin of its terms, and a wide band."""

RULES: Mapping[str, OrderRules] = MappingProxyType({"hyperliquid": HYPERLIQUID, "binance": BINANCE, "dydx": DYDX})


def order_rules(venue: str) -> OrderRules:
    """The gate of a venue."""
    return RULES.get(venue, PLAIN)


def price_step(rules: OrderRules, contract: Contract, price: float) -> float:
    """The step that prices near `price` come in, quote; 0 when it is not known.

    With significant figures the step grows with the price, but a whole number is always allowed.
    """
    if rules.figures is None:
        return contract.tick_size
    lot_decimals = max(0, -exponent(contract.lot_size)) if contract.lot_size else 0
    finest = lot_decimals - rules.decimals
    return float(10.0 ** min(0, max(exponent(price) - rules.figures + 1, finest)))


def exponent(value: float) -> int:
    """The power of ten that a number > 0 begins at: 2 for 123.4, -3 for 0.001."""
    return math.floor(math.log10(value) + 1e-12)


def is_multiple(value: float, step: float) -> bool:
    """Whether a value is a whole number of steps, to 1e-9 of itself; any is where the step is 0."""
    if step == 0.0:
        return True
    return abs(value - round(value / step) * step) <= 1e-9 * max(abs(value), step)


def floored(value: float, step: float) -> float:
    """A value > 0 rounded down to whole steps, as the decimal number; as it is where the step is 0."""
    if step == 0.0:
        return value
    steps, parts = whole_parts(step)
    return math.floor(value * parts / steps + 1e-9) * steps / parts


def whole_parts(step: float) -> tuple[int, int]:
    """A step > 0 of a few decimals as numerator and denominator: dividing by the latter rounds like the decimal number."""
    first = exponent(step)
    more = 0 if is_multiple(step, 10.0**first) else 2
    parts = 10 ** (max(0, -first) + more)
    return round(step * parts), parts
