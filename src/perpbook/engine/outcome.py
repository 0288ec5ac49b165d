"""What a run gave: equity curves, events, totals, and the check that no dollar appeared or vanished."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from perpbook.engine.arrange import Arrangement
from perpbook.errors import InvariantError
from perpbook.kernels import journal as codes
from perpbook.kernels.holding import ARRIVED, FEES, FUNDING, GAS, INSURED, PENALTIES, PRICE, SEIZED, SENT, SLIPPAGE
from perpbook.kernels.types import Floats, Integers
from perpbook.model.bars import Bars
from perpbook.model.book import Book
from perpbook.model.event import Event, EventKind
from perpbook.model.market import STABLECOINS

KINDS = {
    codes.FILL: EventKind.FILL,
    codes.LIQUIDATION: EventKind.LIQUIDATION,
    codes.BACKSTOP: EventKind.BACKSTOP,
    codes.SEIZED_REST: EventKind.SEIZED_REST,
    codes.INSURED_LOSS: EventKind.INSURED_LOSS,
    codes.MONEY_IN: EventKind.MONEY_IN,
    codes.MONEY_OUT: EventKind.MONEY_OUT,
    codes.REFUSED: EventKind.REFUSED,
    codes.RULE: EventKind.RULE,
    codes.HALT: EventKind.HALT,
    codes.WANTED: EventKind.WANTED,
}
TRADES = (codes.FILL, codes.LIQUIDATION, codes.BACKSTOP)
ROW_KINDS = {"price": PRICE, "funding": FUNDING, "fees": FEES, "slippage": SLIPPAGE, "penalties": PENALTIES}
ACCOUNT_KINDS = {"seized": SEIZED, "insured": INSURED, "arrived": ARRIVED, "sent": SENT, "gas": GAS}
NOTHING = 1e-12
"""Relative: what a trade leaves under this is nothing left, as in `kernels.holding.trade`."""
TOLERANCE = 1e-9
"""Relative to the money that moved: beyond it a run has lost or made up a dollar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A finished (or stopped) run over bars 0..`ended`-1.

    `curve` (A, B) is every account's equity at every close, dollars; `outside` (B,) what the book has outside accounts.
    `what`, `figures` are the journal (see `kernels.journal`); `totals` (n, 5) dollars by row, `moved` (A, 5) by account.
    `book` is the book at the end. `stopped` says why a run ended early. `layers` : names of those that the journal numbers.
    """

    arrangement: Arrangement
    bars: Bars
    start_book: Book
    curve: Floats
    outside: Floats
    what: Integers
    figures: Floats
    totals: Floats
    moved: Floats
    start_equity: Floats
    ended: int
    counts: dict[str, int]
    seed: int = 0
    stopped: str = ""
    reasons: dict[int, str] = field(default_factory=dict)
    layers: tuple[str, ...] = ()

    @property
    def equity(self) -> Floats:
        """(ended,) the whole book's equity at every close."""
        total: Floats = self.curve[:, : self.ended].sum(axis=0) + self.outside[: self.ended]
        return total

    def attribution(self) -> dict[str, float]:
        """Dollars by kind over the run, received > 0; with the start they add up to the end."""
        out = {name: float(self.totals[:, kind].sum()) for name, kind in ROW_KINDS.items()}
        out |= {name: float(self.moved[:, kind].sum()) for name, kind in ACCOUNT_KINDS.items()}
        return out

    def check(self) -> None:
        """Start equity plus every total is end equity, account by account.

        Raises
        ------
        InvariantError : it is not, to 1e-9 of the money that moved; names account, seed and last bar.
        """
        for number, account in enumerate(self.arrangement.accounts):
            rows = self.arrangement.slots.rows.account == number
            parts = np.concatenate([self.totals[rows].ravel(), self.moved[number]])
            expected = float(self.start_equity[number] + parts.sum())
            found = float(self.curve[number, self.ended - 1])
            scale = float(abs(self.start_equity[number]) + np.abs(parts).sum() + 1.0)
            if not abs(found - expected) <= TOLERANCE * scale:
                raise InvariantError(
                    f"{account.id} ends bar {self.ended - 1} with {found!r} dollars where its start, profit, funding and "
                    f"costs make {expected!r} (seed {self.seed}): report this with the command you ran"
                )

    def quantities(self, row: int) -> tuple[Integers, Floats]:
        """Bars after which a row holds something else, and what: the first entry is before bar 0."""
        mine = (self.what[:, 3] == row) & np.isin(self.what[:, 1], TRADES)
        held = [self.arrangement.rows[row].quantity]
        for change in self.figures[mine, 0].tolist():
            left = held[-1] + change
            held.append(0.0 if abs(left) <= NOTHING * max(abs(held[-1]), abs(change)) else left)
        return np.concatenate([[-1], self.what[mine, 0]]).astype(np.int64), np.array(held, dtype=np.float64)

    def held(self, row: int, bars: Integers) -> Floats:
        """A row's quantity at the END of each of `bars` (-1: at the start)."""
        changed, quantity = self.quantities(row)
        out: Floats = quantity[np.searchsorted(changed, bars, side="right") - 1]
        return out

    def funding_events(self) -> list[Event]:
        """Every settlement met, in order of time within each row."""
        from perpbook.engine.reel import settlements_by_bar

        found = settlements_by_bar(self.bars)
        bar, column, rate = found.bar, found.column, found.rate
        out = []
        for number in self.arrangement.positions:
            row = self.arrangement.rows[number]
            assert row.terms is not None
            mine = (column == row.column) & (bar < self.ended)
            quantity = self.held(number, bar[mine] - 1)
            price = self.bars.open[row.column, bar[mine]]
            inverse = row.terms.contract.is_inverse
            cash = -quantity / price * rate[mine] if inverse else -quantity * price * rate[mine]
            account = self.arrangement.accounts[row.account].id
            for at in np.flatnonzero(quantity != 0.0):
                tick = int(bar[mine][at])
                out.append(
                    Event(
                        tick=tick, time_ns=int(self.bars.open_ns[tick]), kind=EventKind.FUNDING, account=account,
                        symbol=row.symbol, quantity=float(quantity[at]), price=float(price[at]), cash=float(cash[at]),
                        asset=self.currency(number), measured=float(rate[mine][at]),
                    )
                )  # fmt: skip
        return out

    def currency(self, row: int) -> str:
        """The asset a row's profit is paid in."""
        found = self.arrangement.rows[row]
        assert found.terms is not None
        return found.terms.contract.settle

    def dollars(self, account: int) -> str:
        """What an account's dollars are called: as its contracts settle, else as it holds them already."""
        rows = [row for row in self.arrangement.rows if row.account == account and row.terms]
        names = [row.terms.contract.settle for row in rows if row.terms]
        names += [self.arrangement.terms[account].settle]
        names += [balance.asset for balance in self.arrangement.accounts[account].collateral]
        return next((name for name in names if name in STABLECOINS), "USDC")

    def events(self) -> Iterator[Event]:
        """Everything that happened, in the order it did: funding before the rest of its tick."""
        funding = sorted(self.funding_events(), key=lambda event: event.tick)
        waiting = iter(funding)
        pending = next(waiting, None)
        for number in range(self.what.shape[0]):
            event = self.event(number)
            before = event.kind is not EventKind.MONEY_IN
            while pending is not None and (pending.tick < event.tick or (before and pending.tick == event.tick)):
                yield pending
                pending = next(waiting, None)
            yield event
        while pending is not None:
            yield pending
            pending = next(waiting, None)

    def event(self, number: int) -> Event:
        """One row of the journal as an event."""
        tick, kind, account, row, reason = (int(value) for value in self.what[number])
        quantity, price, fee, other, measured, limit = (float(value) for value in self.figures[number])
        name = self.place(kind, account)
        symbol = self.arrangement.rows[row].symbol if row >= 0 else ""
        cash, asset = 0.0, ""
        if kind in TRADES:
            asset = self.currency(row)
            cash = fee + (other if kind != codes.FILL else 0.0)
            if self.arrangement.slots.rows.inverse[row]:
                cash /= self._reference(kind, row, tick, price)
        elif kind in (codes.MONEY_IN, codes.MONEY_OUT):
            cash, asset, quantity = quantity + fee, self.dollars(account), 0.0
        return Event(
            tick=tick, time_ns=int(self.bars.open_ns[tick]) + self.bars.bar_ns, kind=KINDS[kind], account=name,
            symbol=symbol, quantity=quantity, price=price, cash=cash, asset=asset,
            reason=self.reasons.get(reason, ""), measured=measured, limit=limit,
        )  # fmt: skip

    def place(self, kind: int, account: int) -> str:
        """Where an event of the journal happened: its account, or the layer that wants money; "" for the book."""
        if account >= 0:
            return self.arrangement.accounts[account].id
        return self.layers[-1 - account] if kind == codes.WANTED else ""

    def _reference(self, kind: int, row: int, tick: int, price: float) -> float:
        """The price dollars of cost are turned into coin at: the open a fill was referred to, or the price found."""
        if kind == codes.FILL:
            return float(self.bars.open[self.arrangement.rows[row].column, tick])
        return price
