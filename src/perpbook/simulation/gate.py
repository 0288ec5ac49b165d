"""The order gate of a simulated venue: what it refuses, for which reason, in which words."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from perpbook.model.account import MarginMode
from perpbook.model.order import OrderRequest, RejectReason, TimeInForce
from perpbook.simulation.bucket import Bucket
from perpbook.simulation.floor import Floor, Pit, tied_up, worst_initial
from perpbook.simulation.ladder import ASKS, BIDS
from perpbook.simulation.order_rules import Oversize, is_multiple, price_step

Refusal = tuple[RejectReason, str]
"""Why, and in what words."""

WORDS = {
    RejectReason.CLOSED: "nothing reaches the venue now",
    RejectReason.PRICE: "the price is no whole number of steps, or too far from the market",
    RejectReason.SIZE: "the size is no whole number of lots, or is worth less than {least:g}",
    RejectReason.REDUCE_ONLY: "a reduce-only order must make the position smaller",
    RejectReason.POST_ONLY: "a post-only order would have traded at once, at {best:g}",
    RejectReason.MARGIN: "there is not enough margin for the order",
    RejectReason.DUPLICATE: "an order with this client id was placed before",
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """An order at the gate."""

    floor: Floor
    bucket: Bucket
    pit: Pit
    request: OrderRequest

    @property
    def held(self) -> float:
        """The position it meets."""
        return self.bucket.held(self.pit.symbol)


def refusal(arrival: Arrival) -> Refusal | None:
    """The first reason to refuse an order, None for none."""
    for reason, is_refused in CHECKS:
        if is_refused(arrival):
            return reason, _words(arrival, reason)
    return None


def in_words(floor: Floor, reason: RejectReason, best: float = 0.0) -> str:
    """The venue's words for a reason."""
    words = floor.rules.words.get(reason) or WORDS[reason]
    return words.format(least=floor.rules.least_notional, best=best)


def quantity_taken(arrival: Arrival) -> float:
    """What of an order (> 0) the venue works on: a reduce-only one no more than the position."""
    size = abs(arrival.request.quantity)
    return min(size, abs(arrival.held)) if arrival.request.reduce_only else size


def _words(arrival: Arrival, reason: RejectReason) -> str:
    best = arrival.pit.best(ASKS if arrival.request.quantity > 0 else BIDS)
    return in_words(arrival.floor, reason, best or 0.0)


def _closed(arrival: Arrival) -> bool:
    return arrival.pit.prices.is_closed


def _size(arrival: Arrival) -> bool:
    return not is_multiple(abs(arrival.request.quantity), arrival.pit.terms.contract.lot_size)


def _price(arrival: Arrival) -> bool:
    price, contract = arrival.request.limit_price, arrival.pit.terms.contract
    return not is_multiple(price, price_step(arrival.floor.rules, contract, price))


def _band(arrival: Arrival) -> bool:
    rules, prices, price = arrival.floor.rules, arrival.pit.prices, arrival.request.limit_price
    if rules.band is None:
        return False
    reference = (prices.oracle or prices.mark) if rules.band_both else prices.mark
    off = price / reference - 1.0
    if not rules.band_both:
        off = max(off if arrival.request.quantity > 0 else -off, 0.0)
    return abs(off) > rules.band


def _reduce_only(arrival: Arrival) -> bool:
    request, rules = arrival.request, arrival.floor.rules
    if not request.reduce_only:
        return False
    if arrival.held * request.quantity >= 0.0:
        return True
    if not rules.reduce_only_rests and request.time_in_force is not TimeInForce.IOC:
        return True
    return rules.oversize is Oversize.REJECT and abs(request.quantity) > abs(arrival.held) * (1.0 + 1e-12)


def _least(arrival: Arrival) -> bool:
    request, rules = arrival.request, arrival.floor.rules
    if quantity_taken(arrival) * request.limit_price >= rules.least_notional:
        return False
    closes_all = abs(request.quantity) >= abs(arrival.held) * (1.0 - 1e-12)
    return not (request.reduce_only and (rules.small_reductions or closes_all))


def _post_only(arrival: Arrival) -> bool:
    request = arrival.request
    if request.time_in_force is not TimeInForce.POST:
        return False
    best = arrival.pit.best(ASKS if request.quantity > 0 else BIDS)
    return best is not None and (request.limit_price >= best if request.quantity > 0 else request.limit_price <= best)


def _margin(arrival: Arrival) -> bool:
    """Initial margin of every contract, this order and those that rest included, is more than equity less what the order would
    lose at once. An order that cannot make a position larger is never refused."""
    floor, bucket, pit, request = arrival.floor, arrival.bucket, arrival.pit, arrival.request
    if request.reduce_only:
        return False
    now, then = worst_initial(bucket, pit), worst_initial(bucket, pit, request.quantity)
    if then <= now and arrival.held * request.quantity < 0.0:
        return False
    lost = max(request.quantity * (request.limit_price - pit.risk_price), 0.0)
    fee = abs(request.quantity) * request.limit_price * max(floor.fees.taker_fee_rate, 0.0)
    return bucket.equity(floor.marks) - lost - fee < tied_up(bucket, floor.pits) - now + then


def _bound(arrival: Arrival) -> bool:
    """An isolated bucket holds one contract."""
    if arrival.bucket.opened.mode is not MarginMode.ISOLATED:
        return False
    others = [symbol for symbol, held in arrival.bucket.holdings.items() if held.quantity != 0.0]
    return any(symbol != arrival.pit.symbol for symbol in others)


CHECKS: tuple[tuple[RejectReason, Callable[[Arrival], bool]], ...] = (
    (RejectReason.CLOSED, _closed),
    (RejectReason.SIZE, _size),
    (RejectReason.PRICE, _price),
    (RejectReason.REDUCE_ONLY, _reduce_only),
    (RejectReason.SIZE, _least),
    (RejectReason.PRICE, _band),
    (RejectReason.POST_ONLY, _post_only),
    (RejectReason.MARGIN, _bound),
    (RejectReason.MARGIN, _margin),
)
"""In the order they are asked."""


def is_sound(request: OrderRequest) -> bool:
    """Whether its numbers are numbers."""
    return math.isfinite(request.quantity) and math.isfinite(request.limit_price)
