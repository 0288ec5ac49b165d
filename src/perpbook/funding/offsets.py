"""Ways to stop what a position pays while its direction stays: every way tried on the book, re-assessed, and ranked.

Money is dollars, received > 0. What a way saves over a horizon is the funding of its trades: minus the dollars that each adds to
a contract's exposure, times what that contract's funding is expected to add up to. Intervals add end to end, as if every forecast
missed against the book at once: wider than the truth, never narrower.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from perpbook.funding.forecast import Forecast
from perpbook.funding.trading import Desk, Money, Spot, spot_cost
from perpbook.funding.trial import Danger, Sender, account_in, tried
from perpbook.margin.assess import assess
from perpbook.margin.assessment import PositionAssessment
from perpbook.model.account import MarginMode
from perpbook.model.trade import Trade
from perpbook.model.units import HOUR_NS

Curve = tuple[Forecast, ...]
"""One contract's funding over rising horizons."""

Curves = Mapping[tuple[str, str], Curve]
"""By venue and symbol."""

KEPT = 0.99
"""A direction kept to so much is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A sum expected over the horizon, with its interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What could be done: `kind` of venue, spot, hedge, smaller; `kept` the share of the direction that is left."""

    kind: str
    words: str
    trades: tuple[Trade, ...]
    kept: float
    spot: Spot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """A way judged: dollars of funding `saved` over the horizon, its `cost`, at once and to end it, and the `net` of both.

    `break_even_ns` is when the mean has paid for it (None: not within the longest horizon forecast); `refused` says why a venue
    would not take it."""

    way: Way
    saved: Sum
    cost: float
    net: Sum
    break_even_ns: int | None
    money: Money | None
    dangers: tuple[Danger, ...]
    refused: str = ""
    assumed: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Bleeding:
    """A position that is expected to pay: `carry` over the horizon, `yearly` as a rate (> 0 it pays), and the ways to stop that,
    best first. `missing` names ways that could not be tried, and why."""

    position: PositionAssessment
    carry: Sum
    yearly: float
    model: str
    offsets: tuple[Offset, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What both verbs tell beside their tables: ISO times, seconds, and notes."""

    as_of: str
    horizon_days: float
    level: float
    simulated: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offsets:
    """Every position that is expected to pay, with the ways to stop it."""

    told: Told
    positions: tuple[Bleeding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """A desk, what funding is expected, how money goes, the horizon's number among those forecast, and the part of a position
    that a partial way is for."""

    desk: Desk
    curves: Curves
    send: Sender
    horizon: int
    part: float = 0.5


def plan_offsets(planner: Planner, least: float = 0.0) -> tuple[Bleeding, ...]:
    """Every position that is expected to pay more than `least` dollars over the horizon, the dearest first."""
    before = assess(planner.desk.snapshot, planner.desk.terms).assessment
    found = []
    for one in before.positions:
        curve = curve_of(planner, one.account, one.symbol)
        if curve is not None:
            carry = cash(curve[planner.horizon], one.exposure)
            if carry.mean < -least:
                found.append(_bleeding(planner, one, carry))
    return tuple(sorted(found, key=lambda one: one.carry.mean))


def curve_of(planner: Planner, account: str, symbol: str) -> Curve | None:
    """What is expected of a contract of an account's venue."""
    contract = planner.desk.contract(account, symbol).contract
    return planner.curves.get((contract.venue, contract.symbol))


def cash(forecast: Forecast, dollars: float) -> Sum:
    """What dollars of exposure receive over a forecast's horizon."""
    ends = sorted((-dollars * forecast.low, -dollars * forecast.high))
    return Sum(mean=-dollars * forecast.mean, low=ends[0], high=ends[1])


def total(sums: Sequence[Sum]) -> Sum:
    """The sum of sums, end to end."""
    return Sum(mean=sum(one.mean for one in sums), low=sum(one.low for one in sums), high=sum(one.high for one in sums))


def _bleeding(planner: Planner, one: PositionAssessment, carry: Sum) -> Bleeding:
    curve = curve_of(planner, one.account, one.symbol)
    assert curve is not None
    missing: list[str] = []
    offsets = [judged(planner, one.asset, way) for way in ways(planner, one, missing)]
    forecast = curve[planner.horizon]
    yearly = forecast.mean * 365 * 24 * HOUR_NS / forecast.horizon_ns
    ranked = sorted(offsets, key=rank)
    return Bleeding(
        position=one, carry=carry, yearly=yearly * (1.0 if one.exposure > 0 else -1.0), model=forecast.model,
        offsets=tuple(ranked), missing=tuple(missing),
    )  # fmt: skip


def rank(offset: Offset) -> tuple[bool, bool, bool, bool, float]:
    """The best first: what is not refused, no account dies of, pays for itself, keeps the direction, then by net."""
    dies = any(one.dies for one in offset.dangers)
    return bool(offset.refused), dies, offset.net.mean <= 0.0, offset.way.kept < KEPT, -offset.net.mean


def ways(planner: Planner, one: PositionAssessment, missing: list[str]) -> Iterator[Way]:
    """Every way there is; what cannot be tried is named in `missing`."""
    places = list(_places(planner, one, missing))
    for account, symbol in places:
        yield from _elsewhere(planner, one, account, symbol)
    yield from _spot(planner, one, missing)
    missing.append("dated futures: neither the terms nor the history have any")
    for account, symbol in places:
        yield from _hedge(planner, one, account, symbol)
    quantity = planner.desk.quantity(one.account, one.symbol, -planner.part * one.exposure)
    if quantity:
        kept = 1.0 - abs(quantity) / abs(one.quantity)
        trade = Trade(account=one.account, symbol=one.symbol, quantity=quantity)
        yield Way(kind="smaller", words=f"close {1.0 - kept:.0%} of it", trades=(trade,), kept=kept)


def _places(planner: Planner, one: PositionAssessment, missing: list[str]) -> Iterator[tuple[str, str]]:
    """Other contracts in the asset that accounts of the book may trade and whose funding is known."""
    for account in planner.desk.snapshot.book.accounts:
        venue = planner.desk.terms[account.venue]
        held = {planner.desk.contract(account.id, position.symbol).contract.symbol for position in account.positions}
        here = [
            symbol
            for symbol, terms in venue.contracts.items()
            if terms.contract.base == one.asset and (terms.contract.settle == venue.settle or symbol in held)
        ]
        for symbol in here:
            if account.id == one.account and planner.desk.contract(one.account, one.symbol).contract.symbol == symbol:
                continue
            if account.mode is MarginMode.ISOLATED and symbol not in held:
                missing.append(f"{symbol} in {account.id}: the account is isolated on another contract")
            elif (account.venue, symbol) not in planner.curves:
                missing.append(f"{symbol} on {account.venue}: no funding of it is known")
            else:
                yield account.id, symbol


def _elsewhere(planner: Planner, one: PositionAssessment, account: str, symbol: str) -> Iterator[Way]:
    """The whole exposure in another contract."""
    opened = planner.desk.quantity(account, symbol, one.exposure)
    if opened:
        close = Trade(account=one.account, symbol=one.symbol, quantity=-one.quantity)
        trade = Trade(account=account, symbol=symbol, quantity=opened)
        kept = planner.desk.notional(trade) / abs(one.exposure)
        yield Way(kind="venue", words=f"the same in {symbol} @ {account}", trades=(close, trade), kept=kept)


def _hedge(planner: Planner, one: PositionAssessment, account: str, symbol: str) -> Iterator[Way]:
    """A part of it held against in another contract, where that is expected to be paid."""
    curve = curve_of(planner, account, symbol)
    quantity = planner.desk.quantity(account, symbol, -planner.part * one.exposure)
    if curve is not None and quantity and cash(curve[planner.horizon], -one.exposure).mean > 0.0:
        trade = Trade(account=account, symbol=symbol, quantity=quantity)
        kept = 1.0 - planner.desk.notional(trade) / abs(one.exposure)
        yield Way(
            kind="hedge", words=f"{1.0 - kept:.0%} against it in {symbol} @ {account}", trades=(trade,), kept=kept
        )


def _spot(planner: Planner, one: PositionAssessment, missing: list[str]) -> Iterator[Way]:
    """Coins bought with the account's own money, as many as its initial margin allows, and so much less of the perpetual.

    A dollar moved from the perpetual to the coin frees the perpetual's initial margin and ties up the coin's haircut and costs.
    """
    desk, account = planner.desk, planner.desk.account(one.account)
    weight = desk.terms[account.venue].collateral.get(one.asset)
    if one.exposure < 0.0 or desk.contract(one.account, one.symbol).contract.is_inverse:
        missing.append("spot: only a long in a contract that pays dollars can be held as coins")
        return
    if weight is None or weight.maintenance_weight <= 0.0 or account.mode is MarginMode.ISOLATED:
        missing.append(f"spot in {one.account}: {one.asset} counts for nothing as margin there")
        return
    free = assess(desk.snapshot, desk.terms).assessment
    own = account_in(free, one.account)
    eats = (
        1.0 - weight.maintenance_weight + desk.prices.spot_fee + 2.0 * desk.prices.half_spread + desk.fee(one.account)
    )
    eats -= one.initial_margin / one.notional
    room = own.summary.free_collateral / eats if eats > 0.0 else one.notional
    cash_held = sum(one_.amount for one_ in account.collateral if one_.asset == desk.terms[account.venue].settle)
    dollars = min(one.notional, max(min(0.99 * room, cash_held / (1.0 + eats)), 0.0))
    quantity = desk.quantity(one.account, one.symbol, -dollars)
    if not quantity:
        missing.append(f"spot in {one.account}: no money is free there")
        return
    trade = Trade(account=one.account, symbol=one.symbol, quantity=quantity)
    bought = desk.notional(trade)
    words = f"{bought / one.notional:.0%} as {one.asset} coins in {one.account}, the rest as it is"
    yield Way(
        kind="spot", words=words, trades=(trade,), kept=1.0,
        spot=Spot(account=one.account, asset=one.asset, dollars=bought),
    )  # fmt: skip


def judged(planner: Planner, asset: str, way: Way) -> Offset:
    """Try a way on the book, and what it saves and costs."""
    trial = tried(planner.desk, planner.send, asset, way.trades, way.spot)
    saved, cost = saved_over(planner, way, planner.horizon), trial.done.cost + undoing(planner.desk, way)
    return Offset(
        way=way, saved=saved, cost=cost, money=trial.money, refused=trial.refused, assumed=trial.done.assumed,
        net=Sum(mean=saved.mean - cost, low=saved.low - cost, high=saved.high - cost),
        break_even_ns=break_even(planner, way, cost), dangers=trial.dangers,
    )  # fmt: skip


def undoing(desk: Desk, way: Way) -> float:
    """Dollars that ending a way later costs more than ending the position alone: a hedge is closed again, and coins are sold
    where the perpetual would have been closed."""
    closing = sum(desk.cost(trade) for trade in way.trades)
    if way.kind == "hedge":
        return closing
    return spot_cost(desk, way.spot) - closing if way.spot is not None else 0.0


def saved_over(planner: Planner, way: Way, horizon: int) -> Sum:
    """Funding that a way's trades receive over a horizon, against leaving things as they are; what is closed in one account and
    opened in another of the same contract is known to bring nothing."""
    added: dict[tuple[str, str], float] = {}
    for trade in way.trades:
        contract = planner.desk.contract(trade.account, trade.symbol).contract
        dollars = planner.desk.notional(trade) * (1.0 if trade.quantity > 0 else -1.0)
        key = contract.venue, contract.symbol
        added[key] = added.get(key, 0.0) + dollars
    return total([cash(planner.curves[key][horizon], dollars) for key, dollars in added.items()])


def break_even(planner: Planner, way: Way, cost: float) -> int | None:
    """When the mean saved first comes to the cost, straight between the horizons forecast; None where it does not."""
    then, had = 0, 0.0
    curve = next(iter(planner.curves.values()))
    for number, forecast in enumerate(curve):
        saved = saved_over(planner, way, number).mean
        if saved >= cost:
            share = (cost - had) / (saved - had) if saved > had else 1.0
            return then + round(share * (forecast.horizon_ns - then))
        then, had = forecast.horizon_ns, saved
    return None
