"""One order over several books: merged by what a level costs with fees, in whole lots, at least cost (`kernels/route.py`).

Legs on different venues are not the same thing: each has its own collateral, funding and death. This is for buying or selling
where any venue will do; to make a position smaller see `execution.reduce`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.route import Ladders, cheapest_fill
from perpbook.kernels.types import Floats, Integers
from perpbook.model.contract import in_lots

MOST_VENUES = 12
"""Every set of venues is tried where venues have fixed costs or least sizes: four thousand sets."""

MOST_LOTS = 2**53
"""More lots are not counted exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueBook:
    """One side of a venue's book, and what trading there costs.

    levels : (price, base quantity) best first.  taker_fee_rate, carrier_fee_rate : fractions of notional, the venue's own (a
    rebate < 0) and what stands between takes (builder, referrer).  fixed_cost : quote per use, >= 0: gas, setting up margin,
    the cost of a refusal times its chance.  lot_size : base, > 0.  least, most : base; a leg is between them.
    """

    venue: str
    levels: tuple[tuple[float, float], ...]
    taker_fee_rate: float
    lot_size: float
    least: float = 0.0
    most: float = math.inf
    carrier_fee_rate: float = 0.0
    fixed_cost: float = 0.0

    @property
    def fee_rate(self) -> float:
        """All that is charged on notional."""
        return self.taker_fee_rate + self.carrier_fee_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteLeg:
    """What one venue fills. `quantity` base, > 0; `average_price`, `worst_price` before fees; `fees`, `carrier_fees`,
    `fixed_cost` quote, paid > 0."""

    venue: str
    quantity: float
    average_price: float
    worst_price: float
    fees: float
    carrier_fees: float
    fixed_cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where an order goes. `side` +1 buys, -1 sells; base and quote. `missing` : what no venue could take, or no whole lot holds.

    `average_price` is after fees, without fixed costs; `cost` is all that is paid (a sale: received < 0).
    """

    side: int
    wanted: float
    legs: tuple[RouteLeg, ...]

    @property
    def filled(self) -> float:
        """Base quantity over all legs."""
        return math.fsum(leg.quantity for leg in self.legs)

    @property
    def missing(self) -> float:
        """Base quantity that is in no leg."""
        return max(self.wanted - self.filled, 0.0)

    @property
    def fixed_costs(self) -> float:
        """Quote, over the venues used."""
        return math.fsum(leg.fixed_cost for leg in self.legs)

    @property
    def average_price(self) -> float | None:
        """Quote per base after fees; None when nothing is filled."""
        if not self.legs:
            return None
        traded = math.fsum(leg.quantity * leg.average_price for leg in self.legs)
        fees = math.fsum(leg.fees + leg.carrier_fees for leg in self.legs)
        return (traded + self.side * fees) / self.filled

    @property
    def cost(self) -> float:
        """Quote paid (> 0) or received (< 0), everything counted."""
        average = self.average_price
        return 0.0 if average is None else self.side * average * self.filled + self.fixed_costs


def route(books: Sequence[VenueBook], side: int, quantity: float) -> Route:
    """Fill as much of `quantity` (base, > 0) as books and lots allow, never more, at the least cost.

    Exact where lots are alike. Where they differ it is exact in the unit that divides them all; each leg is then rounded down
    to its own lot, and the residue goes to the venue with the smallest lot that has room.

    Raises
    ------
    InputError : a book or a number that cannot be used; names the venue.
    """
    _refuse(books, side, quantity)
    unit = common_lot([book.lot_size for book in books])
    wanted = whole_lots(quantity, unit)
    ladders = _ladders(books, side, unit)
    taken = _legs_in_units(ladders, wanted)
    step = np.array([round(book.lot_size / unit) for book in books], dtype=np.int64)
    whole = _with_residue(ladders, taken // step * step, step, wanted)
    legs = [_leg(book, int(lots), unit) for book, lots in zip(books, whole, strict=True) if lots > 0]
    return Route(side=side, wanted=quantity, legs=tuple(legs))


def whole_lots(quantity: float, lot: float) -> int:
    """Whole lots in a quantity, rounded down; a quantity that is one up to rounding counts as it."""
    return math.floor(quantity / lot * (1.0 + 1e-12))


def common_lot(lots: Sequence[float]) -> float:
    """The largest size of which every lot is a whole multiple."""
    exact = [Decimal(repr(float(lot))) for lot in lots]
    places = max(max(-int(one.as_tuple().exponent), 0) for one in exact)
    return float(Decimal(reduce(math.gcd, [int(one.scaleb(places)) for one in exact])).scaleb(-places))


def _ladders(books: Sequence[VenueBook], side: int, unit: float) -> Ladders:
    keys: list[float] = []
    lots: list[int] = []
    start = [0]
    for book in books:
        through, seen = 0, 0.0
        for price, quantity in book.levels:
            seen += quantity
            keys.append(side * price * (1.0 + side * book.fee_rate) * unit)
            lots.append(whole_lots(seen, unit) - through)
            through += lots[-1]
        start.append(len(keys))
    steps = [round(book.lot_size / unit) for book in books]
    return Ladders(
        start=np.array(start, dtype=np.int64),
        key=np.array(keys, dtype=np.float64),
        lots=np.array(lots, dtype=np.int64),
        least=np.array([_up(book.least, unit, s) for book, s in zip(books, steps, strict=True)], dtype=np.int64),
        most=np.array([_down(book.most, unit, s) for book, s in zip(books, steps, strict=True)], dtype=np.int64),
        fixed=np.array([book.fixed_cost for book in books], dtype=np.float64),
    )


def _up(quantity: float, unit: float, step: int) -> int:
    return -(-math.ceil(quantity / unit * (1.0 - 1e-12)) // step) * step


def _down(quantity: float, unit: float, step: int) -> int:
    return MOST_LOTS if quantity / unit >= MOST_LOTS else whole_lots(quantity, unit) // step * step


def _legs_in_units(ladders: Ladders, wanted: int) -> Integers:
    """(venues,) units that each venue fills in the cheapest way."""
    taken = np.zeros(ladders.key.size, dtype=np.int64)
    cheapest_fill(ladders, wanted, taken)
    through = np.concatenate([[0], np.cumsum(taken)])
    out: Integers = through[ladders.start[1:]] - through[ladders.start[:-1]]
    return out


def _with_residue(ladders: Ladders, whole: Integers, step: Integers, wanted: int) -> Integers:
    """Rounded legs, and what rounding left over laid on the smallest lots that have room, venues in use first."""
    out = whole.copy()
    through = np.concatenate([[0], np.cumsum(ladders.lots)])
    room = np.minimum(through[ladders.start[1:]] - through[ladders.start[:-1]], ladders.most) - out
    left = wanted - int(out.sum())
    for venue in sorted(range(step.size), key=lambda one: (whole[one] == 0, step[one])):
        more = min(left, int(room[venue])) // int(step[venue]) * int(step[venue])
        unused = out[venue] == 0
        if more <= 0 or (unused and (ladders.fixed[venue] > 0.0 or more < ladders.least[venue])):
            continue
        out[venue] += more
        left -= more
    return out


def _leg(book: VenueBook, lots: int, unit: float) -> RouteLeg:
    """A leg priced on its own levels, best first."""
    quantity = in_lots(lots, unit)
    left, traded, worst = quantity, 0.0, book.levels[0][0]
    for price, there in book.levels:
        take = min(there, left)
        if take <= 0.0:
            break
        traded, left, worst = traded + take * price, left - take, price
    return RouteLeg(
        venue=book.venue,
        quantity=quantity,
        average_price=(traded + left * worst) / quantity,
        worst_price=worst,
        fees=traded * book.taker_fee_rate,
        carrier_fees=traded * book.carrier_fee_rate,
        fixed_cost=book.fixed_cost,
    )


def _refuse(books: Sequence[VenueBook], side: int, quantity: float) -> None:
    if side not in (1, -1):
        raise InputError(f"the side is {side}: it must be 1 to buy or -1 to sell")
    if not 0.0 < quantity < math.inf:
        raise InputError(f"the quantity is {quantity:g}: it must be a number above 0")
    if not 0 < len(books) <= MOST_VENUES:
        raise InputError(f"{len(books)} venues: an order goes over 1 to {MOST_VENUES}")
    if len({book.venue for book in books}) < len(books):
        raise InputError("two books are of one venue: merge them, or name them apart")
    for book in books:
        refuse_levels(book.venue, book.levels, side)
        _refuse_costs(book)
        if max(quantity, sum(there for _, there in book.levels)) / book.lot_size >= MOST_LOTS:
            raise InputError(f"{book.venue}: too many lots of {book.lot_size:g} to count; give its true lot size")


def refuse_levels(venue: str, levels: Sequence[tuple[float, float]], side: int) -> None:
    """Refuse levels that are no side of a book: not finite, not above 0, or not best first. side : +1 asks, -1 bids."""
    found: Floats = np.array(levels, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(found).all() or (found <= 0.0).any():
        raise InputError(f"{venue}: a price or quantity of its book is not a number above 0; read the book again")
    if (np.diff(found[:, 0]) * side <= 0.0).any():
        raise InputError(f"{venue}: the levels of its book are not best first; read the book again")


def _refuse_costs(book: VenueBook) -> None:
    numbers = (book.taker_fee_rate, book.carrier_fee_rate, book.fixed_cost, book.lot_size, book.least)
    if not all(map(math.isfinite, numbers)) or math.isnan(book.most):
        raise InputError(f"{book.venue}: a fee, lot or limit is not a number")
    if (
        book.lot_size <= 0.0
        or book.least < 0.0
        or book.most < 0.0
        or book.fixed_cost < 0.0
        or book.carrier_fee_rate < 0.0
    ):
        raise InputError(
            f"{book.venue}: lots are above 0; limits, fixed costs and what a carrier takes are not below 0"
        )
    if abs(book.fee_rate) >= 1.0:
        raise InputError(f"{book.venue}: fees of {book.fee_rate:g} of notional; write 5 bps as 0.0005")
