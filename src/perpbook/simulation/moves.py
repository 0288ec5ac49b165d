"""One move of a simulated venue's market, in the order of DESIGN's tick: prices, funding, timers, resting orders, margin."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

from perpbook.errors import DataError
from perpbook.model.market import Depth
from perpbook.model.order import OrderState
from perpbook.model.units import DAY_NS
from perpbook.simulation.bucket import Bucket
from perpbook.simulation.floor import Floor, Pit
from perpbook.simulation.happened import Settled
from perpbook.simulation.liquidator import liquidate_all
from perpbook.simulation.market import Prices
from perpbook.simulation.matching import meet_market
from perpbook.simulation.shown import mark_seen
from perpbook.terms.terms import PriceSource

EXPIRED = "expired"
DEAD_MAN = "the dead man's switch: all orders are cancelled"


def move_market(floor: Floor, to_ns: int, prices: Mapping[str, Prices], books: Mapping[str, Depth]) -> None:
    """Bring the market to a time and settle what that means."""
    for symbol, given in prices.items():
        check_prices(symbol, given)
    for symbol, depth in books.items():
        check_book(symbol, depth)
    since, floor.now_ns = floor.now_ns, to_ns
    for symbol, pit in floor.pits.items():
        pit.is_stirred |= pit.ladder.age(to_ns - since)
        if symbol in prices or symbol in books:
            stand(floor, pit, prices.get(symbol), books.get(symbol))
            floor.tell(mark_seen(floor, pit))
    interval = floor.terms.funding.interval_ns
    for number in range(since // interval + 1, to_ns // interval + 1):
        settle(floor, number * interval)
    run_timers(floor)
    for pit in floor.pits.values():
        if pit.bids or pit.asks:
            meet_market(floor, pit)
    liquidate_all(floor)


def stand(floor: Floor, pit: Pit, prices: Prices | None, book: Depth | None) -> None:
    """Put a contract's market where it is told."""
    if prices is not None:
        pit.prices, pit.risk_price = prices, _risk_price(floor, prices)
        floor.marks[pit.symbol] = pit.risk_price
        if prices.funding_rate is not None:
            pit.funding_rate = capped(prices.funding_rate, floor.terms.funding.cap)
    if book is not None:
        pit.ladder.stand_as(book, pit.prices.mark)
    else:
        pit.ladder.stand_around(pit.prices.mark, pit.prices.depth, pit.prices.spread)
    pit.is_stirred = True


def _risk_price(floor: Floor, prices: Prices) -> float:
    """The price that the venue margins on."""
    return (prices.oracle or prices.mark) if floor.terms.risk_price is PriceSource.ORACLE else prices.mark


def capped(rate: float, cap: float | None) -> float:
    """A funding rate inside the venue's cap."""
    return rate if cap is None else max(-cap, min(cap, rate))


def settle(floor: Floor, at_ns: int) -> None:
    """Pay funding once, that was due at a time: minus position times price times rate, from longs to shorts where the rate is
    > 0."""
    for pit in floor.pits.values():
        pit.settled.append((at_ns, pit.funding_rate))
    for name, bucket in floor.buckets.items():
        for symbol, held in sorted(bucket.holdings.items()):
            pit = floor.pits[symbol]
            if held.quantity == 0.0 or pit.funding_rate == 0.0:
                continue
            price = funding_price(floor, pit)
            cash = -held.quantity * price * pit.funding_rate
            bucket.cash += cash
            floor.crowd_cash -= cash
            floor.dirty[name] = None
            settled = Settled(
                account=name, symbol=symbol, quantity=held.quantity, rate=pit.funding_rate, price=price, cash=cash,
                at_ns=at_ns,
            )  # fmt: skip
            bucket.settled.append(settled)
            floor.tell(settled)


def funding_price(floor: Floor, pit: Pit) -> float:
    """The price that funding is reckoned on, by the terms."""
    prices = pit.prices
    return (prices.oracle or prices.mark) if floor.terms.funding.price is PriceSource.ORACLE else prices.mark


def run_timers(floor: Floor) -> None:
    """Let dead man's switches fire and orders expire that are due by now."""
    for bucket in floor.buckets.values():
        for symbol in sorted(bucket.cancel_at):
            if bucket.cancel_at[symbol] <= floor.now_ns:
                _fire(floor, bucket, symbol)
        for order in list(bucket.resting.values()):
            if order.expires_ns is not None and order.expires_ns <= floor.now_ns:
                floor.end(order, OrderState.CANCELED, EXPIRED)


def _fire(floor: Floor, bucket: Bucket, symbol: str) -> None:
    day = bucket.cancel_at.pop(symbol) // DAY_NS
    bucket.triggers[day] = bucket.triggers.get(day, 0) + 1
    floor.cancel_all(bucket, DEAD_MAN, symbol)


def check_prices(symbol: str, given: Prices) -> None:
    """Refuse prices that are none.

    Raises
    ------
    DataError : a price is not a positive finite number, or a rate not a finite one.
    """
    for name in ("mark", "oracle", "index", "open_interest", "depth", "spread"):
        value = getattr(given, name)
        if value is not None and not (math.isfinite(value) and (value > 0.0 or (value == 0.0 and name in MAY_BE_NONE))):
            raise DataError(f"{symbol}: {name} is {value!r}, not a positive number: mend the path that it comes from")
    if given.funding_rate is not None and not math.isfinite(given.funding_rate):
        raise DataError(
            f"{symbol}: funding_rate is {given.funding_rate!r}, not a number: mend the path that it comes from"
        )


MAY_BE_NONE = ("open_interest", "depth", "spread")


def check_book(symbol: str, depth: Depth) -> None:
    """Refuse a book that is none.

    Raises
    ------
    DataError : a level is not of positive numbers, levels are out of order, or the best bid is not under the best ask.
    """
    for rows, sign in ((depth.bids, -1.0), (depth.asks, 1.0)):
        if not all(0.0 < price < math.inf and 0.0 < quantity < math.inf for price, quantity in rows):
            raise DataError(
                f"{symbol}: a level of the book is not of positive numbers: mend the path that it comes from"
            )
        if any(sign * after[0] <= sign * before[0] for before, after in itertools.pairwise(rows)):
            raise DataError(f"{symbol}: levels of the book are out of order: mend the path that it comes from")
    if depth.bids and depth.asks and depth.bids[0][0] >= depth.asks[0][0]:
        raise DataError(f"{symbol}: the best bid is not under the best ask: mend the path that it comes from")
