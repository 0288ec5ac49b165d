"""Carry to be had: long where funding is cheap and short where it is dear, or coins against a short, net of all costs.

Each leg stands in its own account and dies alone: both are re-assessed with the pair in the book, at moves either way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from perpbook.funding.offsets import Told
from perpbook.funding.planner import (
    Planner,
    Sum,
    Way,
    break_even,
    chance_of_profit,
    curve_of,
    netted,
    saved_over,
    sure_when_held,
)
from perpbook.funding.trading import Desk, Spot
from perpbook.funding.trial import account_in, both_ways
from perpbook.margin.assess import Assessed, assess
from perpbook.model.account import MarginMode
from perpbook.model.bars import Settlements
from perpbook.model.trade import Trade
from perpbook.model.units import DAY_NS

SPELL_NS, SPELLS = 3 * DAY_NS, 30
"""How long the difference of two fundings is added up for, and how many such spells the last is held against."""

Histories = Mapping[tuple[str, str], Settlements]
"""By venue and symbol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One side of a pair: `dollars` signed; `symbol` of a contract, or the asset for coins. `free` is the account's free
    collateral once it is open, `ratio_down` and `ratio_up` its margin ratio (1 dies) after the move, `depth` the dollars resting
    where it is entered, None unknown."""

    account: str
    symbol: str
    coins: bool
    dollars: float
    free: float
    ratio_down: float
    ratio_up: float
    depth: float | None

    @property
    def dies(self) -> bool:
        """Whether the move liquidates its account, either way."""
        return max(self.ratio_down, self.ratio_up) >= 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A pair: what it is expected to `receive` over the horizon, its `cost` to open and to close, the `net`, as a rate a year of
    one leg (`yearly`, simple), when it has paid for itself (None: not within the longest horizon forecast), how unusual the
    difference of rates is (`z_score`, None unknown), what rests on the thinner side (`capacity`, dollars, None unknown), and how
    much of both sides is taken within the limits on price lost and on the share of depth (`reachable`). `chance` is that of a net
    above 0, None unknown."""

    asset: str
    kind: str
    legs: tuple[Leg, Leg]
    receive: Sum
    cost: float
    net: Sum
    chance: float | None
    yearly: float
    break_even_ns: int | None
    z_score: float | None
    capacity: float | None
    reachable: float | None
    refused: str
    assumed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a side may be gone into: the mean fraction of price lost, and the share of what rests there."""

    loss: float = 1e-3
    share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Carries:
    """Pairs that are expected to receive funding, `dollars` a leg, and how far into depth each may go."""

    told: Told
    dollars: float
    candidates: tuple[Candidate, ...]
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A contract that an account may trade."""

    account: str
    symbol: str
    asset: str


def scan(
    planner: Planner, places: Sequence[Place], dollars: float, histories: Histories, limits: Limits | None = None
) -> tuple[Candidate, ...]:
    """Every pair that is expected to receive funding, `dollars` a leg: first those that venues would take and no leg dies of,
    then by net."""
    within = limits or Limits()
    pairs = _pairs(planner, places, dollars)
    tried = (_judged(planner, asset, way, dollars, histories, within) for asset, way in pairs)
    found = [one for one in tried if one.receive.mean > 0.0]
    return tuple(sorted(found, key=lambda one: (_fails(one), -one.net.mean)))


def _fails(one: Candidate) -> bool:
    return bool(one.refused) or any(leg.dies for leg in one.legs)


def _pairs(planner: Planner, places: Sequence[Place], dollars: float) -> Iterator[tuple[str, Way]]:
    """Long one contract and short another of the asset in another account; coins and a short in one account."""
    for long, short in permutations(places, 2):
        if long.asset == short.asset and long.account != short.account:
            trades = tuple(_opened(planner.desk, place, side * dollars) for place, side in ((long, 1.0), (short, -1.0)))
            if all(trade.quantity for trade in trades):
                yield long.asset, Way(kind="venues", words="", trades=trades, kept=1.0)
    for short in places:
        account, trade = planner.desk.account(short.account), _opened(planner.desk, short, -dollars)
        weight = planner.desk.terms[account.venue].collateral.get(short.asset)
        counts = weight is not None and weight.maintenance_weight > 0.0 and account.mode is MarginMode.CROSS
        if counts and trade.quantity and not planner.desk.contract(short.account, short.symbol).contract.is_inverse:
            spot = Spot(account=short.account, asset=short.asset, dollars=planner.desk.notional(trade))
            yield short.asset, Way(kind="spot", words="", trades=(trade,), kept=1.0, coins=(spot,))


def _opened(desk: Desk, place: Place, dollars: float) -> Trade:
    quantity = desk.quantity(place.account, place.symbol, dollars)
    return Trade(account=place.account, symbol=place.symbol, quantity=quantity)


def _judged(planner: Planner, asset: str, way: Way, dollars: float, histories: Histories, limits: Limits) -> Candidate:
    """A pair in the book: what it receives, costs, and asks of both accounts."""
    desk, done = planner.desk, planner.desk.after(way.trades, way.coins)
    after = assess(done.snapshot, desk.terms, both_ways(asset))
    receive, cost = saved_over(planner, way, planner.horizon), 2.0 * done.cost
    first, last = _legs(desk, way, after)
    depths = [leg.depth for leg in (first, last) if not leg.coins]
    curve = curve_of(planner, way.trades[0].account, way.trades[0].symbol)
    assert curve is not None
    net, _ = netted(planner, way, cost)
    years = curve[planner.horizon].horizon_ns / (365 * DAY_NS)
    return Candidate(
        asset=asset, kind=way.kind, legs=(first, last), receive=receive, cost=cost, net=net,
        yearly=net.mean / dollars / years, break_even_ns=break_even(planner, way, cost),
        z_score=_unusual(planner, way, histories), chance=chance_of_profit(planner, way, net), capacity=_least(depths),
        reachable=_least([desk.reach(trade, limits.loss, limits.share) for trade in way.trades]),
        refused=_lacks(after, (first, last)), assumed=(*done.assumed, *sure_when_held(planner, way)),
    )  # fmt: skip


def _least(found: Sequence[float | None]) -> float | None:
    """The least, None where one is not known."""
    known = [one for one in found if one is not None]
    return min(known) if len(known) == len(found) else None


def _legs(desk: Desk, way: Way, after: Assessed) -> tuple[Leg, Leg]:
    """Both legs, the long one first."""
    legs = []
    for trade in way.trades:
        dollars = desk.notional(trade) * (1.0 if trade.quantity > 0 else -1.0)
        legs.append(_leg(after, trade.account, trade.symbol, dollars, _depth(desk, trade)))
    for spot in way.coins:
        legs.insert(0, _leg(after, spot.account, spot.asset, spot.dollars, None, coins=True))
    return legs[0], legs[1]


def _leg(
    after: Assessed, account: str, symbol: str, dollars: float, depth: float | None, *, coins: bool = False
) -> Leg:
    number = [one.id for one in after.arrays.accounts].index(account)
    equity, need = after.grid.equity[number], after.grid.maintenance[number]
    down, up = (float(need[s] / equity[s]) if equity[s] > 0.0 else float("inf") for s in range(2))
    return Leg(
        account=account, symbol=symbol, coins=coins, dollars=dollars, depth=depth, ratio_down=down, ratio_up=up,
        free=account_in(after.assessment, account).summary.free_collateral,
    )  # fmt: skip


def _lacks(after: Assessed, legs: tuple[Leg, Leg]) -> str:
    """What an account lacks for its leg, or coins cost more than its dollars."""
    for leg in legs:
        if leg.free < 0.0:
            return f"{leg.account} lacks {-leg.free:,.0f} of initial margin"
        account = next(one for one in after.arrays.accounts if one.id == leg.account)
        owed = min((one.amount for one in account.collateral), default=0.0)
        if leg.coins and owed < 0.0:
            return f"{leg.account} lacks {-owed:,.0f} of cash to buy the coins"
    return ""


def _depth(desk: Desk, trade: Trade) -> float | None:
    """Dollars resting on the side that a trade takes; None where the book file gives none."""
    levels = desk.levels(trade)
    return sum(price * quantity for price, quantity in levels) if levels else None


def _unusual(planner: Planner, way: Way, histories: Histories) -> float | None:
    """How many standard deviations what the pair received in the last spell stands from its mean over the spells before; None
    where one of them has no settlements."""
    total, known = np.zeros(SPELLS), np.ones(SPELLS, dtype=np.bool_)
    for trade in way.trades:
        contract = planner.desk.contract(trade.account, trade.symbol).contract
        history = histories.get((contract.venue, contract.symbol))
        if history is None:
            return None
        age = (planner.curves[contract.venue, contract.symbol][0].now_ns - history.times_ns) // SPELL_NS
        inside = (age >= 0) & (age < SPELLS)
        side = -1.0 if trade.quantity > 0 else 1.0
        total += side * np.bincount(age[inside], history.rates[inside], SPELLS)
        known &= np.bincount(age[inside], history.interval_ns[inside], SPELLS) > 0.8 * SPELL_NS
    spread = float(np.std(total))
    return float((total[0] - np.mean(total)) / spread) if known.all() and spread > 0.0 else None
