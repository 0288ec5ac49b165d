"""A simulated venue as its client sees it, through faults; `truth` is the venue as it is."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import replace

from perpbook.errors import OutcomeUnknown, VenueUnavailable
from perpbook.model.message import AccountSeen, BookSeen, FillSeen, MarkSeen, Message, OrderSeen, Stale
from perpbook.model.order import Fill, OrderReport, OrderRequest, OrderState, RejectReason, TimeInForce
from perpbook.simulation.exchange import Exchange
from perpbook.simulation.faults import (
    OF_ACCOUNTS,
    OF_CANCELS,
    OF_MESSAGES,
    OF_ORDERS,
    OF_READS,
    UNKNOWN,
    Faulted,
    FaultKind,
    Faults,
    drawn,
    malformed,
    of_wrong_symbol,
    subject_of,
)
from perpbook.simulation.happened import Liquidated, Moved, Numbered, Settled

STREAMS = ("books", "account")
"""What a disconnect silences."""


class FaultyExchange:
    """`draw` gives the next uniform in [0, 1). Reads that fail raise VenueUnavailable; `place` and `cancel` raise OutcomeUnknown,
    whether they acted (HANG) or not (ERROR): a client cannot know. `struck` is what truly went wrong, `happened` what truly
    happened."""

    def __init__(self, exchange: Exchange, faults: Faults, draw: Callable[[], float]) -> None:
        self.truth = exchange
        self._faults, self._of_messages = faults, faults.chances(OF_MESSAGES)
        self.struck: list[Faulted] = []
        self.happened: list[Numbered] = []
        self._draw = draw
        self._away_until_ns = 0
        self._is_silent = False
        self._books: dict[str, BookSeen] = {}
        self._before: dict[str, AccountSeen] = {}
        self._late: list[tuple[int, int, Message]] = []
        self._hands = 0
        self._count = 0

    @property
    def faults(self) -> Faults:
        """What may go wrong; another may be set at any time."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults, self._of_messages = faults, faults.chances(OF_MESSAGES)

    @property
    def is_connected(self) -> bool:
        """Whether messages flow."""
        return self._away_until_ns == 0

    def step(self, now_ns: int) -> tuple[Message, ...]:
        """Once after every `truth.advance`: disconnects, reconnects and the trader's own hand; what the client is told of it."""
        told: tuple[Message, ...] = ()
        if self._away_until_ns and now_ns >= self._away_until_ns:
            self._away_until_ns, self._books = 0, {}
            told = self._stale(now_ns, fresh=True)
        elif not self._away_until_ns and self._strikes(self.faults.disconnect):
            self._note(FaultKind.DISCONNECT, now_ns, "")
            self._away_until_ns = now_ns + 1 + int(self._draw() * self.faults.disconnect_max_ns)
            self._is_silent = self._strikes(self.faults.silent)
            self._books = {symbol: self._seen_book(symbol) for symbol in self.truth.symbols}
            told = self._stale(now_ns, fresh=False)
        if self._strikes(self.faults.own_hand):
            self._trade_by_hand(now_ns)
        if self.faults.stale_account > 0.0 and self._draw() < 0.5:
            self._before = {account: self._seen_account(account) for account in self.truth.accounts}
        return told

    def place(self, request: OrderRequest, now_ns: int, expires_ns: int | None = None) -> OrderReport:
        """`Exchange.place`, or a fault."""
        kind = self._fault(OF_ORDERS, now_ns, request.client_id)
        if kind is FaultKind.REJECT:
            return self._rejected(request)
        if kind is FaultKind.ERROR:
            raise OutcomeUnknown(f"{self.truth.name} answered 500 to an order")
        if kind is FaultKind.PARTIAL:
            most = self.truth.whole_lots(request.symbol, abs(request.quantity) * self._draw())
            return self.truth.place(request, now_ns, expires_ns, fill_at_most=most)
        report = self.truth.place(request, now_ns, expires_ns)
        if kind is FaultKind.HANG:
            raise OutcomeUnknown(f"{self.truth.name} did not answer an order in time")
        return self._skewed_report(report)

    def cancel(self, account: str, symbol: str, client_id: str, now_ns: int) -> OrderReport:
        """`Exchange.cancel`, or a fault."""
        kind = self._fault(OF_CANCELS, now_ns, client_id)
        if kind is FaultKind.ERROR:
            raise OutcomeUnknown(f"{self.truth.name} answered 500 to a cancel")
        report = self.truth.cancel(account, symbol, client_id, now_ns)
        if kind is FaultKind.HANG:
            raise OutcomeUnknown(f"{self.truth.name} did not answer a cancel in time")
        return self._skewed_report(report)

    def order(self, account: str, symbol: str, client_id: str, now_ns: int) -> OrderReport:
        """`Exchange.order`, or a fault."""
        self._read(now_ns, client_id)
        return self._skewed_report(self.truth.order(account, symbol, client_id))

    def open_orders(self, account: str, now_ns: int) -> tuple[OrderReport, ...]:
        """`Exchange.open_orders`, or a fault."""
        self._read(now_ns, account)
        return tuple(self._skewed_report(report) for report in self.truth.open_orders(account))

    def fills(self, account: str, since_ns: int, now_ns: int) -> tuple[Fill, ...]:
        """`Exchange.fills`, or a fault; `since_ns` by the venue's clock."""
        self._read(now_ns, account)
        skew = self.faults.skew_ns
        return tuple(replace(fill, time_ns=fill.time_ns + skew) for fill in self.truth.fills(account, since_ns - skew))

    def account(self, account: str, now_ns: int) -> AccountSeen:
        """As it is, or as it was (STALE_ACCOUNT: `at_ns` tells)."""
        kind = self._fault(OF_ACCOUNTS, now_ns, account)
        if kind is FaultKind.ERROR:
            raise VenueUnavailable(f"{self.truth.name} answered 500 to a read")
        seen = self._seen_account(account)
        if kind is FaultKind.STALE_ACCOUNT:
            seen = self._before.get(account, seen)
        return replace(seen, received_ns=now_ns)

    def book(self, symbol: str, now_ns: int) -> BookSeen:
        """As it is; while disconnected as it was."""
        self._read(now_ns, symbol)
        return replace(self._books.get(symbol) or self._seen_book(symbol), received_ns=now_ns)

    def drain(self, now_ns: int) -> tuple[Message, ...]:
        """Messages that have arrived by now, `received_ns` being now; dropped ones never come."""
        new = self.truth.drain()
        self.happened += new
        out: list[Message] = []
        while self._late and self._late[0][0] <= now_ns:
            out.append(heapq.heappop(self._late)[2])
        for one in new:
            if self.is_connected and not isinstance(one.what, Settled | Liquidated | Moved):
                out += self._carried(self._skewed(one.what), now_ns)
        return tuple(
            message if message.received_ns == now_ns else replace(message, received_ns=now_ns) for message in out
        )

    def _carried(self, message: Message, now_ns: int) -> Sequence[Message]:
        """What of a message arrives now."""
        kind = drawn(self._of_messages, self._draw()) if self._of_messages else None
        if kind is None:
            return (message,)
        self._note(kind, now_ns, type(message).__name__)
        match kind:
            case FaultKind.DROP:
                return ()
            case FaultKind.DUPLICATE:
                return (message, message)
            case FaultKind.DELAY:
                self._count += 1
                due = now_ns + 1 + int(self._draw() * self.faults.delay_max_ns)
                heapq.heappush(self._late, (due, self._count, message))
                return ()
            case FaultKind.WRONG_SYMBOL:
                return (of_wrong_symbol(message, self._another(subject_of(message))),)
            case _:
                return (malformed(message, self._draw()),)

    def _another(self, subject: str) -> str:
        """A contract that a message is not about."""
        names = [name for name in (*self.truth.symbols, UNKNOWN) if name != subject]
        return names[int(self._draw() * len(names))]

    def _trade_by_hand(self, now_ns: int) -> None:
        """The trader closes, halves or grows a position, unasked."""
        held = [
            (account, position.symbol, position.quantity)
            for account in self.truth.accounts
            for position in self.truth.account(account).positions
        ]
        if not held:
            return
        account, symbol, quantity = held[int(self._draw() * len(held))]
        share = (-1.0, -0.5, 0.5)[int(self._draw() * 3.0)]
        size = self.truth.whole_lots(symbol, abs(quantity * share))
        if size <= 0.0:
            return
        is_buy = quantity * share > 0.0
        self._hands += 1
        name = f"hand{self._hands:028d}"
        self._note(FaultKind.OWN_HAND, now_ns, name)
        self.truth.place(
            OrderRequest(
                client_id=name,
                account=account,
                venue=self.truth.name,
                symbol=symbol,
                quantity=size if is_buy else -size,
                limit_price=self.truth.whole_ticks(symbol, 1.05 if is_buy else 0.95),
                reduce_only=share < 0.0,
                time_in_force=TimeInForce.IOC,
            ),
            now_ns,
        )

    def _rejected(self, request: OrderRequest) -> OrderReport:
        return OrderReport(
            client_id=request.client_id,
            account=request.account,
            venue=self.truth.name,
            symbol=request.symbol,
            state=OrderState.REJECTED,
            filled=0.0,
            average_price=None,
            at_ns=self.truth.now_ns + self.faults.skew_ns,
            reason=RejectReason.OTHER,
            why="try again later",
        )

    def _fault(self, kinds: Sequence[FaultKind], now_ns: int, what: str) -> FaultKind | None:
        chances = self.faults.chances(kinds)
        kind = drawn(chances, self._draw()) if chances else None
        if kind is not None:
            self._note(kind, now_ns, what)
        return kind

    def _read(self, now_ns: int, what: str) -> None:
        if self._fault(OF_READS, now_ns, what) is not None:
            raise VenueUnavailable(f"{self.truth.name} answered 500 to a read")

    def _strikes(self, chance: float) -> bool:
        return chance > 0.0 and self._draw() < chance

    def _note(self, kind: FaultKind, now_ns: int, what: str) -> None:
        self.struck.append(Faulted(kind=kind, at_ns=now_ns, what=what))

    def _stale(self, now_ns: int, *, fresh: bool) -> tuple[Message, ...]:
        if self._is_silent:
            return ()
        return tuple(Stale(venue=self.truth.name, stream=stream, received_ns=now_ns, fresh=fresh) for stream in STREAMS)

    def _seen_account(self, account: str) -> AccountSeen:
        at = self.truth.now_ns + self.faults.skew_ns
        return AccountSeen(account=self.truth.account(account), at_ns=at, received_ns=at)

    def _seen_book(self, symbol: str) -> BookSeen:
        seen = self.truth.book(symbol)
        return replace(seen, at_ns=seen.at_ns + self.faults.skew_ns)

    def _skewed_report(self, report: OrderReport) -> OrderReport:
        skew = self.faults.skew_ns
        return replace(report, at_ns=report.at_ns + skew) if skew else report

    def _skewed(self, message: Message) -> Message:
        """A message with the venue's own time in it."""
        skew = self.faults.skew_ns
        if skew == 0:
            return message
        match message:
            case BookSeen() | MarkSeen() | AccountSeen():
                return replace(message, at_ns=message.at_ns + skew)
            case FillSeen():
                return replace(message, fill=replace(message.fill, time_ns=message.fill.time_ns + skew))
            case OrderSeen():
                return replace(message, report=self._skewed_report(message.report))
            case _:
                return message
