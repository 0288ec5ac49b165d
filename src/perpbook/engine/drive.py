"""A run with the trader's own strategy in it: Python at its decision times, compiled between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from perpbook.engine.backtest import Journey, Ready, conclude, go_on, prepare
from perpbook.engine.outcome import Outcome
from perpbook.engine.send import depart, sender_of
from perpbook.errors import PerpbookError
from perpbook.kernels.body import HALTED, WAITING
from perpbook.kernels.journal import BY_STRATEGY, REFUSED, write
from perpbook.kernels.orders import start
from perpbook.kernels.types import Integers
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


class Purse(Protocol):
    """Whoever moves the book's money: asked at the close of the bars `asked`, and by whom a strategy's transfers go."""

    asked: Integers

    def look(self, ready: Ready, bar: int) -> None: ...  # noqa: D102
    def send(self, ready: Ready, bar: int, source: str, destination: str, dollars: float) -> bool: ...  # noqa: D102


def drive(
    journey: Journey,
    driver: Driver | None,
    *,
    forced: bool = False,
    progress: Callable[[int, int], None] | None = None,
    purse: Purse | None = None,
) -> Outcome:
    """Run to the last bar, asking the strategy (None: there is none) and then whoever holds the `purse` on their schedules.

    A strategy that raises or asks for nonsense ends the run there: the outcome keeps what there is until then, and
    `stopped` says where and why.
    """
    ready = prepare(journey)
    what: list[np.ndarray] = []
    figures: list[np.ndarray] = []
    stopped = take_turns(ready, driver, purse, (what, figures), forced=forced, progress=progress)
    return conclude(ready, [*what, _left(ready)[0]], [*figures, _left(ready)[1]], stopped)


def take_turns(
    ready: Ready,
    driver: Driver | None,
    purse: Purse | None,
    journal: tuple[list[np.ndarray], list[np.ndarray]],
    *,
    forced: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Go on to the last bar, the journal into two lists; why it stopped before, "" where it did not."""
    legs = driver.window.legs if driver is not None else ()
    rows = np.array([ready.arrangement.row_of(leg.account, leg.symbol) for leg in legs], dtype=np.int64)
    bars = ready.journey.bars.count
    asked = [set(one.asked.tolist()) if one is not None else set() for one in (driver, purse)]
    for bar in sorted(asked[0] | asked[1]):
        go_on(ready, bar + 1, *journal, forced=forced)
        if driver is not None and bar in asked[0]:
            try:
                wanted = _ask(ready, driver, bar, rows)
            except PerpbookError as error:
                return str(error)
            _obey(ready, driver, bar, rows, wanted, purse)
        if purse is not None and bar in asked[1]:
            purse.look(ready, bar)
        if progress is not None:
            progress(bar + 1, bars)
    go_on(ready, bars, *journal, forced=forced)
    return ""


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


def _obey(ready: Ready, driver: Driver, bar: int, rows: Integers, orders: Orders, purse: Purse | None) -> None:
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
        way = (money.source, money.destination)
        if purse is None:
            fee = driver.routes.dollars
            left = depart(ready, bar, way, (money.amount, fee), due=bar + 1 + driver.routes.bars, reason=BY_STRATEGY)
        else:
            left = purse.send(ready, bar, *way, money.amount)
        if not left:
            write(ready.body.journal, bar, REFUSED, sender_of(ready, money.source), -1, BY_STRATEGY)


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


def asked_every(bars: int, step: int) -> Integers:
    """Bars 0, step, 2 step, ... of a run."""
    out: Integers = np.arange(0, bars, max(step, 1), dtype=np.int64)
    return out


def window_of(journey: Journey, legs: Sequence[Leg], bars: int) -> Window:
    """What a strategy on some legs sees: so many of the last bars."""
    return Window.of(journey.bars, tuple(legs), bars)
