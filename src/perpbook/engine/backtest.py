"""A run over the past: book, terms, bars, playbook and strategy in, `Outcome` out. No clock, no files, no randomness."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perpbook.engine.arrange import Arrangement, Frictions, arrange
from perpbook.engine.outcome import Outcome
from perpbook.engine.play import Play, play
from perpbook.engine.reel import Reel, reel, refuse_nonsense
from perpbook.errors import BookError, InputError
from perpbook.kernels.journal import BY_LIMIT, BY_STRATEGY, ROOM, empty_journal
from perpbook.kernels.margin import account_margin
from perpbook.kernels.orders import Habits, no_orders
from perpbook.kernels.screens import Block
from perpbook.kernels.step import DONE, TICK, WIDTH, Run, Transfers, advance
from perpbook.kernels.types import Flags, Floats
from perpbook.model.bars import Bars
from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS
from perpbook.model.units import to_iso
from perpbook.playbook.schema import Playbook
from perpbook.playbook.words import reason_words
from perpbook.strategies.table import Leg, TargetTable
from perpbook.terms.terms import VenueTerms

CHUNK_BARS = 1 << 16
"""Bars between two calls of `progress`."""

COUNTS = ("ticks", "blocks", "given_up", "unknown", "decided")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fills:
    """How orders meet the market. `latency` ticks beyond the next open.

    pessimistic: slippage as modelled, limits fill only when traded through, margin tested at every bar's worst prices.
    Otherwise optimistic: no slippage, a touch fills, margin is tested at closes alone. The truth lies between.
    """

    pessimistic: bool = True
    latency: int = 0

    def __post_init__(self) -> None:
        if self.latency < 0:
            raise InputError(f"latency is {self.latency} ticks: it must be 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Everything a run is given. Without a playbook no rule acts: the control run."""

    book: Book
    terms: Mapping[str, VenueTerms]
    bars: Bars
    playbook: Playbook | None = None
    legs: tuple[Leg, ...] = ()
    targets: TargetTable | None = None
    due: Flags | None = None
    betas: Mapping[str, float] = field(default_factory=dict)
    frictions: Frictions = Frictions()
    fills: Fills = Fills()
    daily_volume: Floats | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A run laid out and not begun, or part of the way: what `advance` is called with."""

    journey: Journey
    arrangement: Arrangement
    reel: Reel
    play: Play
    habits: Habits
    run: Run
    curve: Floats
    start_equity: Floats


def prepare(journey: Journey, *, room: int = 4096) -> Ready:
    """Lay a run out.

    Raises
    ------
    InputError : prices that are no prices; targets for what is not there.
    BookError : an account is liquidatable at the first bar's open already.
    MissingData : something held has no bars.
    """
    bars = journey.bars
    refuse_nonsense(bars)
    legs = journey.targets.legs if journey.targets is not None else journey.legs
    arrangement = arrange(
        journey.book, journey.terms, bars, legs=legs, frictions=journey.frictions, betas=journey.betas
    )
    film = reel(
        bars, arrangement, targets=journey.targets, due=journey.due, frictions=journey.frictions,
        daily_volume=journey.daily_volume,
    )  # fmt: skip
    rules = play(arrangement, journey.book, journey.playbook or Playbook(schema_version=1), journey.betas)
    opens = np.ascontiguousarray(bars.open[:, 0])
    start = _alive(arrangement, opens, to_iso(int(bars.open_ns[0])))
    habits = Habits(
        latency=journey.fills.latency,
        slip=1.0 if journey.fills.pessimistic else 0.0,
        touch=0 if journey.fills.pessimistic else 1,
        adverse=1 if journey.fills.pessimistic else 0,
    )
    room = max(room, 2 * ROOM * (len(arrangement.rows) + 1))
    return Ready(
        journey=journey,
        arrangement=arrangement,
        reel=film,
        play=rules,
        habits=habits,
        run=_new_run(journey, arrangement, film, rules, room),
        curve=np.zeros((len(arrangement.accounts), bars.count)),
        start_equity=start,
    )


def backtest(
    journey: Journey, *, forced: bool = False, progress: Callable[[int, int], None] | None = None
) -> Outcome:
    """Run to the last bar; `progress(done, all)` is called between stretches. `forced` ticks every bar in full.

    Raises
    ------
    InvariantError : money appeared or vanished (with seed and bar).
    """
    ready = prepare(journey)
    what: list[np.ndarray] = []
    figures: list[np.ndarray] = []
    bars, stopped = journey.bars.count, ""
    for until in [*range(CHUNK_BARS, bars, CHUNK_BARS), bars]:
        go_on(ready, until, what, figures, forced=forced)
        if progress is not None:
            progress(until, bars)
    return conclude(ready, what, figures, stopped)


def go_on(
    ready: Ready, until: int, what: list[np.ndarray], figures: list[np.ndarray], *, forced: bool = False
) -> None:
    """Advance to a bar, emptying the journal into `what` and `figures` on the way."""
    while True:
        status = advance(
            ready.reel.tape, ready.arrangement.slots, ready.habits, ready.run, ready.curve, until, forced
        )
        journal = ready.run.journal
        rows = int(journal.rows[0])
        what.append(journal.what[:rows].copy())
        figures.append(journal.figures[:rows].copy())
        journal.rows[0] = 0
        if status == DONE:
            return


def conclude(ready: Ready, what: Sequence[np.ndarray], figures: Sequence[np.ndarray], stopped: str) -> Outcome:
    """Close the accounts of a run where it stands, and check them."""
    run, slots, ended = ready.run, ready.arrangement.slots, int(ready.run.clock[TICK])
    totals = run.holding.totals.copy()
    if ended:
        _mark_to_end(ready, totals, ended)
    outcome = Outcome(
        arrangement=ready.arrangement,
        bars=ready.journey.bars,
        start_book=ready.journey.book,
        curve=ready.curve,
        outside=_outside(ready, what, figures),
        what=np.concatenate([*what, np.zeros((0, 5), dtype=np.int64)]),
        figures=np.concatenate([*figures, np.zeros((0, 6))]),
        totals=totals,
        moved=run.holding.moved.copy(),
        start_equity=ready.start_equity,
        ended=ended,
        counts=dict(zip(COUNTS, run.counts.tolist(), strict=True)),
        seed=ready.journey.seed,
        stopped=stopped,
        reasons={BY_STRATEGY: "strategy", BY_LIMIT: "limit order", **reason_words()},
    )
    assert slots.account.size == totals.shape[0]
    if ended:
        outcome.check()
    return outcome


def _mark_to_end(ready: Ready, totals: Floats, ended: int) -> None:
    """Count price profit up to the last close."""
    slots, holding = ready.arrangement.slots, ready.run.holding
    closes = ready.journey.bars.close[slots.column, ended - 1]
    step = closes - holding.marked
    held = holding.quantity != 0.0
    weight = np.where(holding.quantity > 0.0, slots.weight, 1.0)
    step = np.where(slots.coin == 1, step * weight, step)
    entry = np.where(holding.entry > 0.0, holding.entry, 1.0)
    step = np.where(slots.inverse == 1, step / entry, step)
    totals[:, 0] += np.where(held, holding.quantity * step, 0.0)


def _outside(ready: Ready, what: Sequence[np.ndarray], figures: Sequence[np.ndarray]) -> Floats:
    """(B,) dollars outside accounts at every close: what is left there at the end, and before what came from it."""
    from perpbook.kernels.journal import MONEY_IN, MONEY_OUT

    bars = ready.journey.bars.count
    left = float(ready.run.outside.layers.sum() + ready.run.outside.transit[0])
    out = np.full(bars, left)
    for rows, sizes in zip(what, figures, strict=True):
        for row, size in zip(rows, sizes, strict=True):
            if row[1] in (MONEY_IN, MONEY_OUT):
                out[: row[0]] += size[0]
    return out


def _alive(arrangement: Arrangement, prices: Floats, when: str) -> Floats:
    """(A,) equity at the first open. BookError for an account that is dead there already."""
    out = np.zeros(len(arrangement.accounts))
    for number, account in enumerate(arrangement.accounts):
        equity, need = account_margin(arrangement.holding.lines, number, prices)
        if need > 0.0 and equity < need:
            raise BookError(
                f"{account.id} is liquidatable at the first bar ({when}): equity {equity:,.2f} against maintenance "
                f"margin {need:,.2f}; start earlier, or change the book"
            )
        out[number] = equity
    return out


def _new_run(journey: Journey, arrangement: Arrangement, film: Reel, rules: Play, room: int) -> Run:
    rows, accounts = len(arrangement.rows), len(arrangement.accounts)
    columns, bars = journey.bars.open.shape[0], journey.bars
    orders = no_orders(rows)
    clock = np.zeros(7, dtype=np.int64)
    clock[4] = 64
    transfers = _transfers(journey, arrangement)
    _rest_orders(journey, arrangement, orders)
    return Run(
        holding=arrangement.holding,
        orders=orders,
        journal=empty_journal(room),
        transfers=transfers,
        policy=rules.policy,
        memory=rules.memory,
        storms=rules.storms,
        outside=rules.outside,
        state=rules.state,
        findings=rules.findings,
        proposals=rules.proposals,
        scratch=rules.scratch._replace(
            prices=np.zeros(columns), stormy=np.zeros((columns, rules.storms.broken.size))
        ),
        block=Block(
            bounds=np.zeros((columns, 2)), cash=np.zeros(accounts), equity=np.zeros(accounts), book=np.zeros(1),
            paid=np.zeros(rows),
        ),
        event_bar=film.event_bar,
        target=np.full(rows, np.nan),
        rows=np.zeros((accounts, min(WIDTH, bars.count) + 1)),
        since=np.zeros(accounts, dtype=np.int64),
        prices=np.zeros(columns),
        weights=np.zeros(rows),
        columns=np.zeros(rows, dtype=np.int64),
        clock=clock,
        counts=np.zeros(5, dtype=np.int64),
    )  # fmt: skip


def _transfers(journey: Journey, arrangement: Arrangement) -> Transfers:
    """Money under way at the start. Without an arrival time it never arrives."""
    room = 64 + len(journey.book.transfers)
    out = Transfers(
        count=np.zeros(1, dtype=np.int64),
        bar=np.zeros(room, dtype=np.int64),
        account=np.zeros(room, dtype=np.int64),
        dollars=np.zeros(room),
    )
    ids = [account.id for account in arrangement.accounts]
    for one in journey.book.transfers:
        if one.arrives_ns is None or one.asset not in STABLECOINS or one.destination not in ids:
            continue
        number = int(out.count[0])
        out.bar[number] = max(0, (one.arrives_ns - int(journey.bars.open_ns[0])) // journey.bars.bar_ns)
        out.account[number], out.dollars[number] = ids.index(one.destination), one.amount
        out.count[0] = number + 1
    return out


def _rest_orders(journey: Journey, arrangement: Arrangement, orders: object) -> None:
    """Resting limit orders of the book."""
    from perpbook.kernels.orders import Orders

    assert isinstance(orders, Orders)
    for account in journey.book.accounts:
        for one in account.orders:
            number = int(orders.limits[0])
            if number == orders.limit_row.size:
                raise BookError(f"the book has more than {number} resting orders: a run keeps no more")
            try:
                row = arrangement.row_of(account.id, one.symbol)
            except KeyError:
                raise BookError(
                    f"{account.id} has an order in {one.symbol}, which it neither holds nor trades in this run"
                ) from None
            orders.limit_row[number], orders.limit_quantity[number] = row, one.quantity
            orders.limit_price[number], orders.limit_reduce[number] = one.limit_price, one.reduce_only
            orders.limits[0] = number + 1


