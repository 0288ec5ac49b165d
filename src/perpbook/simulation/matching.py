"""Who trades with whom: an order that arrives takes the best prices, oldest first; one that rests is met by the market."""

from __future__ import annotations

from perpbook.model.order import OrderState
from perpbook.simulation.bucket import DECIMALS, Bucket, Placed
from perpbook.simulation.floor import Floor, Pit
from perpbook.simulation.ladder import ASKS, BIDS

SELF_TRADE = "self-trade prevention: the resting order is cancelled"
"""Hyperliquid's rule (its page on self-trade prevention), and the usual default elsewhere."""


def take(
    floor: Floor, bucket: Bucket, pit: Pit, wanted: float, limit: float | None, order: Placed | None, fee: float
) -> float:
    """An account takes up to `wanted` (signed) no worse than `limit` (None: any price); what it traded, >= 0.

    At one price the market's size comes first, or accounts' orders where the venue is optimistic.
    """
    side, sign, left = (ASKS, 1.0, wanted) if wanted > 0.0 else (BIDS, -1.0, -wanted)
    least = 1e-12 * left
    while left > least:
        own, market = pit.resting(side), pit.market(side)
        first = own[0].request.limit_price if own else None
        price = market[0][0] if market else None
        if first is None and price is None:
            break
        is_own = _comes_first(first, price, sign, floor.optimistic)
        at = first if is_own else price
        assert at is not None
        if limit is not None and sign * at > sign * limit:
            break
        if is_own:
            left = round(left - _meet(floor, bucket, pit, own[0], sign * left, fee, order), DECIMALS)
            continue
        size = min(left, market[0][1])
        pit.ladder.take(side, market[0][2], size)
        floor.crowd_trade(pit, sign * size, at)
        floor.trade(bucket, pit, sign * size, at, fee, order)
        left = round(left - size, DECIMALS)
    return round(abs(wanted) - max(left, 0.0), DECIMALS)


def _comes_first(own: float | None, market: float | None, sign: float, optimistic: bool) -> bool:
    if own is None or market is None:
        return market is None
    return sign * own < sign * market or (own == market and optimistic)


def _meet(
    floor: Floor, bucket: Bucket, pit: Pit, resting: Placed, wanted: float, fee: float, order: Placed | None
) -> float:
    """Trade with a resting order; what was traded, 0 when that order goes away instead."""
    maker = floor.buckets[resting.request.account]
    if maker is bucket:
        floor.end(resting, OrderState.CANCELED, SELF_TRADE)
        return 0.0
    size = min(abs(wanted), _workable(maker, resting))
    if size <= 0.0:
        floor.end(resting, OrderState.CANCELED, NOTHING_LEFT)
        return 0.0
    price, sign = resting.request.limit_price, (1.0 if wanted > 0.0 else -1.0)
    floor.trade(bucket, pit, sign * size, price, fee, order)
    fill_resting(floor, maker, pit, resting, size)
    return size


NOTHING_LEFT = "reduce-only: there is no position left to reduce"


def _workable(maker: Bucket, order: Placed) -> float:
    """What of a resting order may trade: of a reduce-only one no more than the position it reduces."""
    if not order.request.reduce_only:
        return order.left
    held = maker.held(order.symbol)
    return min(order.left, abs(held)) if held * order.request.quantity < 0.0 else 0.0


def fill_resting(floor: Floor, maker: Bucket, pit: Pit, order: Placed, size: float) -> None:
    """A resting order trades at its own price, with the maker's fee, and leaves when it is full or can do no more."""
    sign = 1.0 if order.is_buy else -1.0
    floor.trade(maker, pit, sign * size, order.request.limit_price, floor.fees.maker_fee_rate, order)
    if order.state is OrderState.FILLED:
        floor.end(order, OrderState.FILLED)
    elif order.request.reduce_only and _workable(maker, order) <= 0.0:
        floor.end(order, OrderState.CANCELED, NOTHING_LEFT)
    else:
        floor.tell_order(order)


def meet_market(floor: Floor, pit: Pit) -> None:
    """The market trades with what rests: through an order's price as far as its own size goes (risk averse), or at its touch and
    in full (optimistic)."""
    for side in (BIDS, ASKS):
        for order in list(pit.resting(side)):
            maker = floor.buckets[order.request.account]
            size = _workable(maker, order)
            if size <= 0.0:
                floor.end(order, OrderState.CANCELED, NOTHING_LEFT)
            elif floor.optimistic:
                if _is_touched(pit, order):
                    _with_crowd(floor, maker, pit, order, size)
            else:
                _through(floor, maker, pit, order, size)


def _is_touched(pit: Pit, order: Placed) -> bool:
    sign, price = (1.0 if order.is_buy else -1.0), order.request.limit_price
    levels = pit.ladder.levels(ASKS if order.is_buy else BIDS)
    return sign * pit.prices.mark <= sign * price or bool(levels and sign * levels[0][0] <= sign * price)


def _through(floor: Floor, maker: Bucket, pit: Pit, order: Placed, size: float) -> None:
    other, sign, price = (ASKS if order.is_buy else BIDS), (1.0 if order.is_buy else -1.0), order.request.limit_price
    got = 0.0
    for at, there, key in pit.ladder.levels(other):
        if sign * at >= sign * price or got >= size:
            break
        part = min(there, size - got)
        pit.ladder.take(other, key, part)
        got += part
    if got > 0.0:
        _with_crowd(floor, maker, pit, order, got)


def _with_crowd(floor: Floor, maker: Bucket, pit: Pit, order: Placed, size: float) -> None:
    floor.crowd_trade(pit, size if order.is_buy else -size, order.request.limit_price)
    fill_resting(floor, maker, pit, order, size)
