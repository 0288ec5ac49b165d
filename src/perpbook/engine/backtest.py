"""A run over the past: book, terms, bars, playbook and strategy in, `Outcome` out. No clock, no files, no randomness."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perpbook.engine.arrange import Arrangement, Frictions, arrange
from perpbook.engine.outcome import Outcome
from perpbook.engine.play import Play, play
from perpbook.engine.reel import Reel, reel
from perpbook.errors import BookError, InputError
from perpbook.kernels.body import DONE, MONEY, SPAN, TICK, WIDTH, Body
from perpbook.kernels.holding import PRICE
from perpbook.kernels.journal import BY_LIMIT, BY_STRATEGY, BY_VENUE, MONEY_IN, MONEY_OUT, ROOM, empty_journal
from perpbook.kernels.margin import account_margin
from perpbook.kernels.orders import Habits, Orders, no_orders
from perpbook.kernels.screens import Block
from perpbook.kernels.settle import AT_ONCE
from perpbook.kernels.shelter import no_shelter
from perpbook.kernels.step import advance
from perpbook.kernels.sums import Sum
from perpbook.kernels.types import Flags, Floats, Integers, Rows
from perpbook.model.bars import Bars
from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS
from perpbook.model.units import to_iso
from perpbook.playbook.past import Past
from perpbook.playbook.schema import Playbook
from perpbook.playbook.words import reason_words
from perpbook.strategies.table import Leg, TargetTable
from perpbook.terms.find import find_contract
from perpbook.terms.terms import VenueTerms

CHUNK_BARS = 1 << 16
"""Bars between two calls of `progress`."""


CLOCK = 8
"""Places in `kernels.step.Body.clock`."""

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
    """Everything a run is given. Without a playbook no rule acts: the control run. `past` : what the book's positions were paid
    before; of it a run takes who paid how often in a row."""

    book: Book
    terms: Mapping[str, VenueTerms]
    bars: Bars
    playbook: Playbook | None = None
    legs: tuple[Leg, ...] = ()
    targets: TargetTable | None = None
    due: Flags | None = None
    betas: Mapping[str, float] = field(default_factory=dict)
    frictions: Frictions = field(default_factory=Frictions)
    fills: Fills = field(default_factory=Fills)
    daily_volume: Floats | None = None
    seed: int = 0
    past: Past | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A run laid out and not begun, or part of the way: what `advance` is called with."""

    journey: Journey
    arrangement: Arrangement
    reel: Reel
    play: Play
    habits: Habits
    body: Body
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
    legs = journey.targets.legs if journey.targets is not None else journey.legs
    arrangement = arrange(
        journey.book, journey.terms, bars, legs=legs, frictions=journey.frictions, betas=journey.betas
    )
    film = reel(
        bars, arrangement, targets=journey.targets, due=journey.due, frictions=journey.frictions,
        daily_volume=journey.daily_volume,
    )  # fmt: skip
    rules = play(
        arrangement, journey.book, journey.playbook or Playbook(schema_version=1), journey.betas, len(bars.series)
    )
    _count_before(journey, arrangement)
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
        body=_new_body(journey, arrangement, rules, room),
        start_equity=start,
    )


def _count_before(journey: Journey, arrangement: Arrangement) -> None:
    """Let every position go on from the payments in a row that are known of it."""
    if journey.past is None:
        return
    held = [(account, one.symbol) for account in journey.book.accounts for one in account.positions]
    for (account, symbol), one in zip(held, journey.past, strict=True):
        if one is not None:
            contract = find_contract(journey.terms[account.venue], symbol).contract
            row = arrangement.holding.rows[arrangement.row_of(account.id, contract.symbol)]
            row.paid_in_row, row.received = one.paid_in_row, float(one.received)


def backtest(journey: Journey, *, forced: bool = False, progress: Callable[[int, int], None] | None = None) -> Outcome:
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


def go_on(ready: Ready, until: int, what: list[np.ndarray], figures: list[np.ndarray], *, forced: bool = False) -> None:
    """Advance to a bar, emptying the journal into `what` and `figures` on the way."""
    while True:
        status = advance(
            ready.reel.tape, ready.reel.schedule, ready.arrangement.slots, ready.habits, ready.body, ready.play.mind,
            until, forced,
        )  # fmt: skip
        journal = ready.body.journal
        rows = int(journal.rows[0])
        what.append(journal.what[:rows].copy())
        figures.append(journal.figures[:rows].copy())
        journal.rows[0] = 0
        if status == DONE:
            return


def conclude(ready: Ready, what: Sequence[np.ndarray], figures: Sequence[np.ndarray], stopped: str) -> Outcome:
    """Close the accounts of a run where it stands, and check them."""
    body, ended = ready.body, int(ready.body.clock[TICK])
    totals = body.holding.totals.copy()
    if ended:
        _mark_to_end(ready, totals, ended)
    outcome = Outcome(
        arrangement=ready.arrangement,
        bars=ready.journey.bars,
        start_book=ready.journey.book,
        curve=body.curve,
        outside=_outside(ready, what, figures),
        what=np.concatenate([*what, np.zeros((0, 5), dtype=np.int64)]),
        figures=np.concatenate([*figures, np.zeros((0, 6))]),
        totals=totals,
        moved=body.holding.moved.copy(),
        start_equity=ready.start_equity,
        ended=ended,
        counts=dict(zip(COUNTS, body.counts.tolist(), strict=True)),
        seed=ready.journey.seed,
        stopped=stopped,
        reasons={BY_STRATEGY: "strategy", BY_LIMIT: "limit order", BY_VENUE: "auto-deleveraging", **reason_words()},
        layers=ready.play.names.layers,
    )
    if ended:
        outcome.check()
    return outcome


def _mark_to_end(ready: Ready, totals: Floats, ended: int) -> None:
    """Count price profit up to the last close."""
    rows, held = ready.arrangement.slots.rows, ready.body.holding.rows
    step = ready.journey.bars.close[rows.column, ended - 1] - held.marked
    step = np.where(rows.coin == 1, step * np.where(held.quantity > 0.0, rows.weight, 1.0), step)
    step = np.where(rows.inverse == 1, step / np.where(held.entry > 0.0, held.entry, 1.0), step)
    totals[:, PRICE] += np.where(held.quantity != 0.0, held.quantity * step, 0.0)


def _outside(ready: Ready, what: Sequence[np.ndarray], figures: Sequence[np.ndarray]) -> Floats:
    """(B,) dollars outside accounts at every close: what is left there at the end, and before what came from it.

    Money is sent after a close and arrives before one. A fee paid from a layer is counted from the start.
    """
    out = np.full(ready.journey.bars.count, float(ready.body.outside.layers.sum() + ready.body.outside.transit[0]))
    for rows, sizes in zip(what, figures, strict=True):
        for row, size in zip(rows, sizes, strict=True):
            if row[1] == MONEY_IN:
                out[: row[0]] += size[0]
            elif row[1] == MONEY_OUT:
                out[: row[0] + 1] += size[0]
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


def _new_body(journey: Journey, arrangement: Arrangement, rules: Play, room: int) -> Body:
    rows, accounts = len(arrangement.rows), len(arrangement.accounts)
    columns, bars = len(journey.bars.series), journey.bars.count
    clock = np.zeros(CLOCK, dtype=np.int64)
    clock[SPAN] = WIDTH
    under_way, moving = _transfers(journey, arrangement)
    return Body(
        holding=arrangement.holding,
        orders=_resting(journey, arrangement),
        journal=empty_journal(room),
        under_way=under_way,
        moving=moving,
        outside=rules.outside,
        block=_empty_block(columns, accounts, rows, min(WIDTH, bars)),
        shelter=no_shelter(columns, accounts),
        target=np.full(rows, np.nan),
        curve=np.empty((accounts, bars)),
        prices=np.zeros(columns),
        weights=np.zeros(rows),
        columns=np.zeros(rows, dtype=np.int64),
        clock=clock,
        counts=np.zeros(5, dtype=np.int64),
    )  # fmt: skip


def _empty_block(columns: int, accounts: int, rows: int, lanes: int) -> Block:
    return Block(
        sum=Sum(
            span=np.zeros(3, dtype=np.int64),
            bounds=np.zeros((columns, 2)),
            weights=np.zeros(2 * rows + AT_ONCE),
            columns=np.zeros(2 * rows + AT_ONCE, dtype=np.int64),
            figures=np.zeros(3),
            still=np.zeros((rows, 2)),
            sums=np.zeros(lanes),
        ),
        cash=np.zeros((accounts, lanes)),
        total=np.zeros(lanes),
        lows=np.zeros(accounts + 1),
        unit=np.zeros((columns, lanes)),
        wallet=np.zeros((accounts, lanes)),
        funding=np.zeros(lanes),
        flow=np.zeros(lanes),
        paid=np.zeros(2 * AT_ONCE),
        payers=np.zeros(AT_ONCE, dtype=np.int64),
        equity=np.zeros(accounts),
        book=np.zeros(1),
    )


def _transfers(journey: Journey, arrangement: Arrangement) -> tuple[Rows, Integers]:
    """Money under way at the start.

    Without an arrival time, to no account of the run, or to one where it counts for nothing, it never arrives.
    """
    out = np.zeros(64 + len(journey.book.transfers), dtype=MONEY).view(np.recarray)
    moving = np.zeros(1, dtype=np.int64)
    ids = [account.id for account in arrangement.accounts]
    for one in journey.book.transfers:
        if one.arrives_ns is None or one.asset not in STABLECOINS or one.destination not in ids:
            continue
        number = ids.index(one.destination)
        if not _counts(arrangement, number, one.asset):
            continue
        late = (one.arrives_ns - int(journey.bars.open_ns[0])) // journey.bars.bar_ns
        out[int(moving[0])] = (max(0, late), number, one.amount)
        moving[0] += 1
    return out, moving


def _counts(arrangement: Arrangement, account: int, asset: str) -> bool:
    """Whether an asset is margin in an account: something settles in it there, or the venue takes it as collateral."""
    settles = {row.terms.contract.settle for row in arrangement.rows if row.terms and row.account == account}
    terms = arrangement.terms[account]
    return asset == terms.settle or asset in settles or asset in terms.collateral


def _resting(journey: Journey, arrangement: Arrangement) -> Orders:
    """Resting limit orders of the book."""
    orders = no_orders(len(arrangement.rows))
    for account in journey.book.accounts:
        for one in account.orders:
            number = int(orders.resting_count[0])
            if number == orders.resting.size:
                raise BookError(f"the book has more than {number} resting orders: a run keeps no more")
            try:
                row = arrangement.row_of(account.id, one.symbol)
            except KeyError:
                raise BookError(
                    f"{account.id} has an order in {one.symbol}, which it neither holds nor trades in this run"
                ) from None
            orders.resting[number] = (row, one.quantity, one.limit_price, one.reduce_only)
            orders.resting_count[0] = number + 1
    return orders
