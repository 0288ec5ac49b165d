"""Which leg, on which venue, to make smaller: `reduce(target)`.

A position can only be reduced where it is held. Every way to bring an asset's net exposure to the target is weighed by

    cost to close + weight x (dollars that liquidations may cost afterwards) - carry saved

with an account's dollars at risk its chance of liquidation within the horizon times its equity. Accounts die separately, so
that is a sum over accounts, and the best shares of each are found by dynamic programming: over every number of lots where the
cut is at most `GRID` of them, else on a grid that is made finer around the best until it is one of lots.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from perpbook.errors import InputError
from perpbook.execution.chances import YEAR_SECONDS, Swings, liquidation_chances
from perpbook.execution.closing import Cost, Held, PositionKey, after_closing, positions_held
from perpbook.kernels.in_force import yearly_rate
from perpbook.margin.arrays import BookArrays, book_arrays
from perpbook.margin.measures import measure
from perpbook.model.account import Account
from perpbook.model.market import Snapshot
from perpbook.terms.terms import VenueTerms

GRID = 100
"""Steps that a cut is divided into at first."""

FINER = 5
"""Each further grid is so many times as fine, over one step of the last on either side."""

MOST_TRIES = 700
"""Ways tried for one account on one grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What an asset's net exposure should become: base units, signed, over all accounts, coins in them included. Positions with
    one of the tags `whole` are left alone, so that what they hedge stays hedged."""

    asset: str
    exposure: float
    whole: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """What counts. weight : dollars given for a dollar at risk; horizon_seconds : over which accounts may die and carry is paid.

    carry : yearly funding rates by position (> 0: longs pay), where something better than the rate in force is known.
    """

    swings: Swings
    horizon_seconds: float
    weight: float = 1.0
    carry: Mapping[PositionKey, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (0.0 < self.horizon_seconds < math.inf and 0.0 <= self.weight < math.inf):
            raise InputError("the horizon must be above 0 and the weight of liquidations not below 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One leg made smaller. `quantity` is the change, signed as an order; `base` its exposure, signed; `carry` dollars saved over
    the horizon (None: no rate is known), `cost` as `closing.Cost`."""

    account: str
    venue: str
    symbol: str
    quantity: float
    held: float
    base: float
    cost: Cost
    carry: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """The cheapest way found. Exposures in base units; `at_risk` dollars that liquidations may cost within the horizon, before
    and after; `left` how far from the target the book stays, and `why`. `exact`: every number of lots was weighed."""

    target: Target
    before: float
    after: float
    cuts: tuple[Cut, ...]
    at_risk: tuple[float, float]
    left: float
    why: str
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """A book and what closing parts of one of its accounts is worth."""

    snapshot: Snapshot
    terms: Mapping[str, VenueTerms]
    weighing: Weighing
    arrays: BookArrays

    def account(self, name: str) -> Account:
        return next(one for one in self.snapshot.book.accounts if one.id == name)

    def carry(self, held: Held) -> float | None:
        """Dollars that holding all of a position pays over the horizon, received < 0."""
        rate = self.weighing.carry.get(held.key)
        if rate is None:
            quoted = held.item.quote.funding_rate if held.item.quote else None
            if quoted is None:
                return None
            rate = yearly_rate(quoted, self.arrays.terms[held.item.account].funding.interval_ns)
        side = 1.0 if held.quantity > 0 else -1.0
        return side * rate * held.notional * self.weighing.horizon_seconds / YEAR_SECONDS

    def at_risk(self, name: str, cuts: Sequence[tuple[Held, float]] = ()) -> float:
        """Dollars of an account that liquidation may cost once parts of positions are closed."""
        alone = replace(self.snapshot, book=replace(self.snapshot.book, accounts=(self.account(name),)))
        made = {held.key: (held, quantity, held.cost(quantity).known) for held, quantity in cuts}
        arrays = book_arrays(after_closing(alone, self.terms, made).book, self.snapshot.market, self.terms)
        chance = liquidation_chances(arrays, self.weighing.swings, self.weighing.horizon_seconds)[name]
        return chance * max(float(measure(arrays).equity[0]), 0.0)

    def worth(self, name: str, cuts: Sequence[tuple[Held, float]]) -> float:
        """What is minimised, for one account."""
        cost = sum(
            held.cost(quantity).known - (self.carry(held) or 0.0) * quantity / abs(held.quantity)
            for held, quantity in cuts
        )
        return cost + (self.weighing.weight * self.at_risk(name, cuts) if self.weighing.weight > 0.0 else 0.0)


def reduce(snapshot: Snapshot, terms: Mapping[str, VenueTerms], target: Target, weighing: Weighing) -> Reduction:
    """The legs to make smaller so that an asset's net exposure comes to the target: nothing is opened, nothing turns.

    Raises
    ------
    InputError : the asset is not held, a number is none, or a volatility is not known.
    MissingData : a price is not known.
    """
    if not math.isfinite(target.exposure):
        raise InputError(f"the target is {target.exposure:g}: it must be a number of {target.asset}")
    arrays = book_arrays(snapshot.book, snapshot.market, terms)
    of_asset = [item for item in arrays.items if item.asset == target.asset]
    if not of_asset:
        raise InputError(
            f"no account holds {target.asset}: held are {', '.join(sorted({one.asset for one in arrays.items}))}"
        )
    before = math.fsum(item.delta for item in of_asset)
    wanted = before - target.exposure
    held = [one for one in positions_held(arrays) if one.item.asset == target.asset and one.base * wanted > 0.0]
    legs = [one for one in held if not set(one.tags) & set(target.whole)]
    desk = _Desk(snapshot=snapshot, terms=terms, weighing=weighing, arrays=arrays)
    quantities, exact = _search(desk, legs, abs(wanted))
    cuts = [_cut(desk, one, quantity) for one, quantity in zip(legs, quantities, strict=True) if quantity > 0.0]
    after = before + math.fsum(cut.base for cut in cuts)
    names = dict.fromkeys(one.account for one in legs)
    made = {
        name: [(leg, q) for leg, q in zip(legs, quantities, strict=True) if leg.account == name and q > 0]
        for name in names
    }
    return Reduction(
        target=target, before=before, after=after, cuts=tuple(cuts), exact=exact, left=after - target.exposure,
        at_risk=(sum(map(desk.at_risk, names)), sum(desk.at_risk(name, made[name]) for name in names)),
        why=_why(after - target.exposure, legs, held, quantities),
    )  # fmt: skip


def _why(left: float, legs: Sequence[Held], held: Sequence[Held], quantities: Sequence[float]) -> str:
    """Why the target is not met to the last unit; "" where it is."""
    lots = [_base_lot(one) for one in legs]
    if abs(left) <= 1e-9 * max([abs(one.base) for one in held], default=1.0):
        return ""
    if not held:
        return "no position of it stands on that side: only opening one would bring the book there"
    if any(quantity < abs(one.quantity) for one, quantity in zip(legs, quantities, strict=True)) and abs(left) <= max(
        lots
    ):
        return "less than a lot is left"
    if len(legs) < len(held):
        return "the rest is in positions that stay whole"
    return "everything on that side is closed: only opening a position would bring the book there"


def _cut(desk: _Desk, held: Held, quantity: float) -> Cut:
    share, carry = quantity / abs(held.quantity), desk.carry(held)
    return Cut(
        account=held.account, venue=held.venue, symbol=held.symbol, held=held.quantity,
        quantity=-math.copysign(quantity, held.quantity), base=-held.base * share, cost=held.cost(quantity),
        carry=None if carry is None else carry * share,
    )  # fmt: skip


def _base_lot(held: Held) -> float:
    """A lot in base units, 0 where it is not known."""
    return held.lot * abs(held.base / held.quantity)


def _quantity(held: Held, base: float) -> float:
    """A cut of so many base units in the contract's own unit, whole lots, rounded down."""
    return held.down(base * abs(held.quantity / held.base) * (1.0 + 1e-12))


Choices = dict[int, tuple[float, tuple[int, ...]]]
"""By total of units: what it is worth at best, and the units of each leg."""


def _search(desk: _Desk, legs: Sequence[Held], wanted: float) -> tuple[list[float], bool]:
    """Quantities to close by leg, > 0, and whether every number of lots was tried."""
    if not legs or wanted <= 0.0:
        return [0.0] * len(legs), True
    wanted = min(wanted, sum(abs(one.base) for one in legs))
    accounts = [tuple(group) for _, group in itertools.groupby(range(len(legs)), key=lambda one: legs[one].account)]
    least = min((_base_lot(one) for one in legs if one.lot > 0.0), default=wanted / GRID / FINER**2)
    grid = min(GRID, *(_grid_of(len(group)) for group in accounts))
    unit = max(least, wanted / grid)
    exact = unit <= least * (1.0 + 1e-9) and len({_base_lot(one) for one in legs}) == 1
    spans = [range(math.ceil(min(abs(one.base), wanted) / unit - 1e-9) + 1) for one in legs]
    while True:
        best = _best(desk, legs, accounts, spans, (unit, wanted))
        if unit <= least * (1.0 + 1e-9):
            return _with_rest(
                legs, [_quantity(one, n * unit) for one, n in zip(legs, best, strict=True)], wanted
            ), exact
        finer = max(unit / FINER, least)
        times = unit / finer
        tops = [math.ceil(min(abs(one.base), wanted) / finer - 1e-9) for one in legs]
        spans = [
            range(max(math.floor((n - 1) * times), 0), min(math.ceil((n + 1) * times), top) + 1)
            for n, top in zip(best, tops, strict=True)
        ]
        unit = finer


def _grid_of(legs: int) -> int:
    """Steps at which the ways to divide them among an account's legs are no more than `MOST_TRIES`."""
    steps = 1
    while math.comb(steps + 1 + legs, legs) <= MOST_TRIES:
        steps += 1
    return steps


def _best(
    desk: _Desk,
    legs: Sequence[Held],
    accounts: Sequence[tuple[int, ...]],
    spans: Sequence[range],
    scale: tuple[float, float],
) -> list[int]:
    """Units by leg: as much as is wanted or can be, at the least worth. scale : base units of one unit, and wanted."""
    unit, wanted = scale
    most = math.floor(wanted / unit * (1.0 + 1e-9))
    totals: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for group in accounts:
        choices = _choices(desk, [legs[one] for one in group], [spans[one] for one in group], unit, most)
        totals = _added(totals, choices, most)
    order = [one for group in accounts for one in group]
    found = totals[max(totals)][1]
    return [found[order.index(one)] for one in range(len(legs))]


def _choices(desk: _Desk, legs: Sequence[Held], spans: Sequence[range], unit: float, most: int) -> Choices:
    """Every total one account may close."""
    out: Choices = {}
    for picked in itertools.product(*spans):
        total = sum(picked)
        if total > most:
            continue
        cuts = [(leg, _quantity(leg, n * unit)) for leg, n in zip(legs, picked, strict=True)]
        worth = desk.worth(legs[0].account, cuts)
        if total not in out or worth < out[total][0]:
            out[total] = (worth, picked)
    return out


def _added(totals: Choices, choices: Choices, most: int) -> Choices:
    out: Choices = {}
    for (so_far, (value, picked)), (more, (worth, own)) in itertools.product(totals.items(), choices.items()):
        total = so_far + more
        if total <= most and (total not in out or value + worth < out[total][0]):
            out[total] = (value + worth, picked + own)
    return out


def _with_rest(legs: Sequence[Held], quantities: list[float], wanted: float) -> list[float]:
    """What rounding down left over, laid on the smallest lot that has room; never more than is wanted."""
    for number in sorted(range(len(legs)), key=lambda one: _base_lot(legs[one])):
        held = legs[number]
        closed = math.fsum(q * abs(one.base / one.quantity) for one, q in zip(legs, quantities, strict=True))
        more = _quantity(
            held, min(wanted - closed + quantities[number] * abs(held.base / held.quantity), abs(held.base))
        )
        quantities[number] = max(more, quantities[number])
    return quantities
