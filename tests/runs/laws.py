"""The laws of the tick, each a function of a run that raises when the run breaks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.engine.backtest import Journey, Ready, conclude, go_on, prepare
from perpbook.engine.outcome import Outcome
from perpbook.kernels import journal as codes
from perpbook.kernels.state import FUNDING_MOVED, REBALANCE
from perpbook.ledger.apply import fold
from perpbook.model.account import Account
from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS

EXACT = 1e-9
MAY_GROW = (FUNDING_MOVED, REBALANCE)


class BrokenLaw(AssertionError):
    """A run did what none may; says which law and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A journey that was made, with everything it left behind."""

    journey: Journey
    ready: Ready
    outcome: Outcome


def travel(journey: Journey, *, forced: bool = False, stops: Sequence[int] = (), until: int | None = None) -> Run:
    """Make a journey, up to a bar if told so, pausing at every stop."""
    ready = prepare(journey)
    what: list[np.ndarray] = []
    figures: list[np.ndarray] = []
    last = journey.bars.count if until is None else until
    for stop in [*(stop for stop in stops if stop < last), last]:
        go_on(ready, stop, what, figures, forced=forced)
    return Run(journey=journey, ready=ready, outcome=conclude(ready, what, figures, ""))


def expect(told: bool | np.bool_, law: str, where: object = "") -> None:
    if not told:
        raise BrokenLaw(f"{law} {where}".strip())


def left_behind(run: Run) -> dict[str, np.ndarray]:
    """Every array that a run leaves, by name."""
    out, held, memory = run.outcome, run.ready.body.holding, run.ready.play.mind.rules.memory
    found = {
        "curve": out.curve[:, : out.ended], "outside": out.outside[: out.ended], "what": out.what,
        "figures": out.figures, "totals": out.totals, "moved": out.moved,
    }  # fmt: skip
    found |= {f"memory.{name}": array for name, array in memory._asdict().items()}
    for part, records in (("rows", held.rows), ("accounts", held.accounts), ("orders", run.ready.body.orders.rows)):
        found |= {f"{part}.{name}": np.asarray(records[name]) for name in records.dtype.names or ()}
    idle = run.ready.body.orders.rows.bar < 0
    for name in ("quantity", "reason", "reduce"):
        found[f"orders.{name}"] = np.where(idle, 0, found[f"orders.{name}"])
    return found


def identical(one: Run, other: Run, law: str) -> None:
    """Two runs are the same to the bit."""
    ours, theirs = left_behind(one), left_behind(other)
    for name, array in ours.items():
        expect(array.shape == theirs[name].shape, law, f"{name}: {array.shape} and {theirs[name].shape}")
        same = (array == theirs[name]) | ((array != array) & (theirs[name] != theirs[name]))
        if not same.all():
            at = tuple(int(part[0]) for part in np.nonzero(~same))
            raise BrokenLaw(f"{law}: {name} differs first at {at}: {array[at]!r} and {theirs[name][at]!r}")


def folded_book_is_the_arrays_book(run: Run) -> None:
    """The start book and every event, one after the other, make the book that the arrays hold at the end."""
    book = book_at(run)
    for number, account in enumerate(book.accounts):
        held, law = wallet_of(run, number), f"the folded book is not the arrays' book: {account.id}"
        sizes = {one.symbol: one for one in account.positions}
        for index, row in enumerate(run.outcome.arrangement.rows):
            if row.account != number:
                continue
            quantity = float(run.ready.body.holding.rows.quantity[index])
            entry = float(run.ready.body.holding.rows.entry[index])
            if row.terms is None:
                ours = sum(one.amount for one in account.collateral if one.asset == row.symbol)
                expect(close(ours, quantity, held[row.symbol]), law, f"{row.symbol}: {ours} and {quantity}")
                continue
            one = sizes.pop(row.symbol, None)
            ours = one.quantity if one else 0.0
            expect(close(ours, quantity, run_of(run, index)), law, f"{row.symbol}: {ours} and {quantity}")
            if one and quantity:
                expect(close(one.entry_price, entry, entry), law, f"{row.symbol} entry {one.entry_price} and {entry}")
        expect(not sizes, law, sizes)
        ours, cash = dollars_of(run, account, number), float(run.ready.body.holding.accounts.cash[number])
        expect(close(ours, cash, held["$"]), law, f"dollars {ours} and {cash}")


def book_at(run: Run) -> Book:
    """The start book with every event of the run folded in."""
    return fold(run.journey.book, run.outcome.events(), run.journey.terms)


def close(one: float, other: float, scale: float) -> bool:
    return abs(one - other) <= EXACT * max(abs(scale), abs(one), 1e-6)


def run_of(run: Run, row: int) -> float:
    """The largest size a row ever had."""
    return float(np.abs(run.outcome.quantities(row)[1]).max())


def wallet_of(run: Run, number: int) -> dict[str, float]:
    """The money that went through an account's wallets: its dollars under "$", its coins by name."""
    rows = run.outcome.arrangement.slots.rows
    mine = rows.account == number
    worth = float(np.abs(run.outcome.totals[mine]).sum() + np.abs(run.outcome.moved[number]).sum())
    out = {"$": worth + abs(float(run.outcome.start_equity[number])) + 1.0}
    for _index, row in enumerate(run.outcome.arrangement.rows):
        if row.terms is None and row.account == number:
            out[row.symbol] = out["$"] / float(run.journey.bars.low[row.column].min())
    return out


def dollars_of(run: Run, account: Account, number: int) -> float:
    """An account's dollars; those that nothing settles in at what the venue counts them for."""
    terms, total = run.outcome.arrangement.terms[number], 0.0
    whole = {row.terms.contract.settle for row in run.outcome.arrangement.rows if row.terms and row.account == number}
    for one in account.collateral:
        if one.asset in STABLECOINS:
            taken = terms.collateral.get(one.asset)
            weight = taken.maintenance_weight if taken else 0.0
            total += one.amount * (1.0 if one.asset in (terms.settle, *whole) or one.amount < 0 else weight)
    return total


def rules_only_reduce(run: Run) -> None:
    """Orders of rules but those that bring to a target, reduce-only limits and liquidations never flip or grow a position."""
    reduce_only: dict[int, bool] = {}
    for account in run.journey.book.accounts:
        for order in account.orders:
            row = run.outcome.arrangement.row_of(account.id, order.symbol)
            reduce_only[row] = reduce_only.get(row, True) and order.reduce_only
    quantity = [row.quantity for row in run.outcome.arrangement.rows]
    for what, figures in zip(run.outcome.what, run.outcome.figures, strict=True):
        tick, kind, _, row, reason = (int(value) for value in what)
        if kind not in (codes.FILL, codes.LIQUIDATION, codes.BACKSTOP):
            continue
        before, change = quantity[row], float(figures[0])
        quantity[row] = before + change
        by_limit = reason == codes.BY_LIMIT and reduce_only.get(row, False)
        if kind != codes.FILL or by_limit or (reason < codes.BY_STRATEGY and reason not in MAY_GROW):
            hair = 1e-12 * abs(before)
            expect(before * change < 0.0, "an order that may only reduce grew a position", (tick, row, before, change))
            expect(
                abs(change) <= abs(before) + hair, "an order that may only reduce flipped", (tick, row, before, change)
            )


def fills_are_fair(run: Run) -> None:
    """No fill where a market is stale, none better than its limit or the open, none outside what the bar traded."""
    bars, rows = run.journey.bars, run.outcome.arrangement.rows
    limits: dict[tuple[int, bool], list[float]] = {}
    for account in run.journey.book.accounts:
        for order in account.orders:
            key = (run.outcome.arrangement.row_of(account.id, order.symbol), order.quantity > 0)
            limits.setdefault(key, []).append(order.limit_price)
    for what, figures in zip(run.outcome.what, run.outcome.figures, strict=True):
        tick, kind, _, row, reason = (int(value) for value in what)
        if kind != codes.FILL:
            continue
        column, price, buys = rows[row].column, float(figures[1]), figures[0] > 0
        opened = float(bars.open[column, tick])
        expect(not bars.stale[column, tick], "a fill in a stale bar", (tick, row))
        side = 1.0 if buys else -1.0
        if reason == codes.BY_LIMIT:
            own = limits[row, bool(buys)]
            expect(any(side * price <= side * one for one in own), "a fill beyond its limit", (tick, row, price, own))
            inside = bars.low[column, tick] <= price <= bars.high[column, tick]
            expect(inside and (price in own or price == opened), "a limit filled where nothing traded", (tick, row))
        else:
            expect(side * (price - opened) >= 0.0, "a market order filled better than the open", (tick, row))


def the_dead_hold_nothing(run: Run) -> None:
    """An account whose rest was taken holds no position then, and is worth nothing at that close."""
    quantity = [row.quantity for row in run.outcome.arrangement.rows]
    curve = run.outcome.curve
    for what, figures in zip(run.outcome.what, run.outcome.figures, strict=True):
        tick, kind, account, row, _ = (int(value) for value in what)
        if kind in (codes.FILL, codes.LIQUIDATION, codes.BACKSTOP):
            quantity[row] += float(figures[0])
        if kind in (codes.SEIZED_REST, codes.INSURED_LOSS):
            for index, one in enumerate(run.outcome.arrangement.rows):
                if one.account == account and one.terms:
                    left = abs(quantity[index]) <= 1e-9 * run_of(run, index)
                    expect(left, "an account that was taken over still holds", (tick, one.symbol, quantity[index]))
            expect(curve[account, tick] == 0.0, "an account that was taken over is worth", curve[account, tick])


def accounts_live_apart(journey: Journey) -> None:
    """Left to itself, an account lives and dies alone: beside others it has the same equity at every close."""
    bare = replace(journey, playbook=None, targets=None, due=None)
    together = travel(bare).outcome.curve
    for number, account in enumerate(journey.book.accounts):
        own = tuple(one for one in journey.book.transfers if one.destination == account.id)
        book = replace(journey.book, accounts=(account,), transfers=own)
        alone = travel(replace(bare, book=book)).outcome.curve[0]
        if not np.array_equal(alone, together[number]):
            at = int(np.flatnonzero(alone != together[number])[0])
            raise BrokenLaw(
                f"{account.id} fares otherwise beside others: bar {at}, {alone[at]!r}, {together[number][at]!r}"
            )


def judge(journey: Journey) -> Run:
    """Hold one journey to every law."""
    run = travel(journey)
    run.outcome.check()
    identical(run, travel(journey, forced=True), "screens change the run")
    draw = np.random.default_rng(journey.seed)
    stops = np.unique(draw.integers(1, journey.bars.count + 1, size=5)).tolist()
    identical(run, travel(journey, stops=stops), f"stopping at {stops} changes the run")
    folded_book_is_the_arrays_book(run)
    rules_only_reduce(run)
    fills_are_fair(run)
    the_dead_hold_nothing(run)
    accounts_live_apart(journey)
    return run
