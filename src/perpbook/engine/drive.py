"""A run with the trader's own strategy in it: Python at its decision times, compiled between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from perpbook.engine.backtest import Journey, Ready, conclude, go_on, prepare
from perpbook.engine.outcome import Outcome
from perpbook.errors import PerpbookError
from perpbook.kernels.body import HALTED, WAITING
from perpbook.kernels.holding import GAS, SENT
from perpbook.kernels.journal import BY_STRATEGY, MONEY_OUT, REFUSED, write
from perpbook.kernels.orders import has_margin, start
from perpbook.kernels.types import Floats, Integers
from perpbook.strategies.orders import Orders, Wanted
from perpbook.strategies.own import BlameStrategy
from perpbook.strategies.protocol import Strategy, Window, view_at
from perpbook.strategies.table import Leg


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """What moving money costs: `bars` until it arrives, and `dollars` per transfer, paid by the sender."""

    bars: int = 1
    dollars: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A strategy, the bars (rising) at whose close it is asked, what it sees, and how its transfers travel."""

    strategy: Strategy
    asked: Integers
    window: Window
    routes: Routes = field(default_factory=Routes)


def drive(
    journey: Journey, driver: Driver, *, forced: bool = False, progress: Callable[[int, int], None] | None = None
) -> Outcome:
    """Run to the last bar, asking the strategy on its schedule.

    A strategy that raises or asks for nonsense ends the run there: the outcome keeps what there is until then, and
    `stopped` says where and why.
    """
    ready = prepare(journey)
    what: list[np.ndarray] = []
    figures: list[np.ndarray] = []
    rows = np.array([ready.arrangement.row_of(leg.account, leg.symbol) for leg in driver.window.legs])
    stopped, bars = "", journey.bars.count
    for bar in driver.asked.tolist():
        go_on(ready, bar + 1, what, figures, forced=forced)
        try:
            wanted = _ask(ready, driver, bar, rows)
        except PerpbookError as error:
            stopped = str(error)
            break
        _obey(ready, driver, bar, rows, wanted)
        if progress is not None:
            progress(bar + 1, bars)
    if not stopped:
        go_on(ready, bars, what, figures, forced=forced)
    return conclude(ready, [*what, _left(ready)[0]], [*figures, _left(ready)[1]], stopped)


def _left(ready: Ready) -> tuple[np.ndarray, np.ndarray]:
    """What the journal still holds."""
    journal = ready.body.journal
    count = int(journal.rows[0])
    return journal.what[:count].copy(), journal.figures[:count].copy()


def _ask(ready: Ready, driver: Driver, bar: int, rows: Integers) -> Orders:
    """Call the strategy with what is known at the bar's close."""
    arrangement, journey = ready.arrangement, ready.journey
    ids = tuple(account.id for account in arrangement.accounts)
    equity = dict(zip(ids, ready.body.curve[:, bar].tolist(), strict=True))
    held = ready.body.holding.rows.quantity[rows]
    positions = {leg.name: float(size) for leg, size in zip(driver.window.legs, held, strict=True)}
    view = view_at(journey.bars, bar, driver.window, equity, positions)
    orders = Orders(now_ns=view.now_ns, legs=driver.window.legs, places=(*ids, *arrangement.layers))
    with BlameStrategy(f"the strategy failed at bar {bar}"):
        driver.strategy(view, orders)
    return orders


def _obey(ready: Ready, driver: Driver, bar: int, rows: Integers, orders: Orders) -> None:
    """Start what the strategy asked for."""
    for number, share in sorted(orders.targets.items()):
        row = int(rows[number])
        ready.body.target[row] = share
        _begin(ready, bar, row, _change_to(ready, bar, row, share))
    for one in orders.trades:
        _begin(ready, bar, int(rows[one.leg]), one.quantity)
    for one in orders.limits:
        _rest(ready, bar, int(rows[one.leg]), one)
    for money in orders.transfers:
        _send(ready, driver.routes, bar, (money.source, money.destination), money.amount)


def _change_to(ready: Ready, bar: int, row: int, share: float) -> float:
    """The signed quantity that brings a row to a share of book equity."""
    slots, body = ready.arrangement.slots.rows, ready.body
    price = float(ready.journey.bars.close[slots.column[row], bar])
    dollars = share * max(float(body.block.book[0]), 0.0)
    wanted = dollars if slots.inverse[row] else dollars / price
    return wanted - float(body.holding.rows.quantity[row])


def _begin(ready: Ready, bar: int, row: int, change: float) -> None:
    """Start a market order; while the book is halted it may only reduce."""
    body, slots = ready.body, ready.arrangement.slots
    column = int(slots.rows.column[row])
    held = float(body.holding.rows.quantity[row])
    if body.clock[HALTED]:
        change = max(-abs(held), min(abs(held), change)) if held * change < 0.0 else 0.0
    price = float(ready.journey.bars.close[column, bar])
    due = bar + 1 + ready.habits.latency
    if change != 0.0 and start(slots, body.holding, body.orders, row, change, price, due, BY_STRATEGY):
        body.clock[WAITING] += 1


def _rest(ready: Ready, bar: int, row: int, order: Wanted) -> None:
    """Leave a limit order resting; refused when there are too many, or the book is halted and it would add risk."""
    orders, held = ready.body.orders, float(ready.body.holding.rows.quantity[row])
    number, grows = int(orders.resting_count[0]), held * order.quantity >= 0.0
    if number == orders.resting.size or (ready.body.clock[HALTED] and grows):
        write(ready.body.journal, bar, REFUSED, int(ready.arrangement.slots.rows.account[row]), row, BY_STRATEGY)
        return
    orders.resting[number] = (row, order.quantity, order.limit_price, int(bool(ready.body.clock[HALTED])))
    orders.resting_count[0] = number + 1


def _send(ready: Ready, routes: Routes, bar: int, way: tuple[str, str], dollars: float) -> None:
    """Money leaves its place for another; refused when it is not there, or the account's margin needs it."""
    body, arrangement = ready.body, ready.arrangement
    places = [account.id for account in arrangement.accounts]
    source, destination = way
    number = int(body.moving[0])
    sender = places.index(source) if source in places else -1
    if number == body.under_way.size or not _can_spare(ready, bar, sender, source, dollars + routes.dollars):
        write(body.journal, bar, REFUSED, sender, -1, BY_STRATEGY)
        return
    if sender >= 0:
        wallet = body.holding.accounts
        wallet[sender].cash -= dollars + routes.dollars
        body.holding.lines.cash[sender] = wallet[sender].cash + wallet[sender].fixed
        body.holding.moved[sender, SENT] -= dollars
        body.holding.moved[sender, GAS] -= routes.dollars
        event = write(body.journal, bar, MONEY_OUT, sender, -1, BY_STRATEGY)
        body.journal.figures[event, 0], body.journal.figures[event, 2] = -dollars, -routes.dollars
    else:
        body.outside.layers[arrangement.layers.index(source)] -= dollars + routes.dollars
    body.outside.transit[0] += dollars
    receiver = places.index(destination) if destination in places else -1 - arrangement.layers.index(destination)
    body.under_way[number] = (bar + 1 + routes.bars, receiver, dollars)
    body.moving[0] = number + 1


def _can_spare(ready: Ready, bar: int, sender: int, source: str, dollars: float) -> bool:
    """Whether a place holds that much beyond what its positions need as initial margin."""
    if sender < 0:
        return bool(ready.body.outside.layers[ready.arrangement.layers.index(source)] >= dollars)
    slots, holding = ready.arrangement.slots, ready.body.holding
    prices: Floats = np.ascontiguousarray(ready.journey.bars.close[:, bar])
    if holding.accounts.cash[sender] < dollars:
        return False
    first = int(slots.start[sender])
    if first == int(slots.start[sender + 1]):
        return True
    return bool(has_margin(slots, holding, first, 0.0, prices, dollars))


def asked_every(bars: int, step: int) -> Integers:
    """Bars 0, step, 2 step, ... of a run."""
    out: Integers = np.arange(0, bars, max(step, 1), dtype=np.int64)
    return out


def window_of(journey: Journey, legs: Sequence[Leg], bars: int) -> Window:
    """What a strategy on some legs sees: so many of the last bars."""
    return Window.of(journey.bars, tuple(legs), bars)
