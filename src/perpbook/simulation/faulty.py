"""A simulated venue as its client sees it, through faults; `truth` is the venue as it is."""

from __future__ import annotations

from collections.abc import Callable

from perpbook.model.account import Account
from perpbook.model.message import AccountSeen, BookSeen, Message
from perpbook.model.order import Fill, OrderReport, OrderRequest
from perpbook.simulation.exchange import Exchange
from perpbook.simulation.faults import Faulted, Faults


class FaultyExchange:
    """`draw` gives the next uniform in [0, 1). Reads that fail raise VenueUnavailable; `place` and `cancel` raise OutcomeUnknown,
    whether they acted (HANG) or not (ERROR): a client cannot know. `struck` is what truly went wrong."""

    truth: Exchange
    struck: list[Faulted]
    faults: Faults

    def __init__(self, exchange: Exchange, faults: Faults, draw: Callable[[], float]) -> None: ...

    def step(self, now_ns: int) -> None:
        """Once after every `truth.advance`: disconnects and the trader's own hand."""

    def place(self, request: OrderRequest, now_ns: int) -> OrderReport:
        """`Exchange.place`, or a fault."""
        raise NotImplementedError

    def cancel(self, account: str, symbol: str, client_id: str, now_ns: int) -> OrderReport:
        """`Exchange.cancel`, or a fault."""
        raise NotImplementedError

    def order(self, account: str, symbol: str, client_id: str, now_ns: int) -> OrderReport:
        """`Exchange.order`, or a fault."""
        raise NotImplementedError

    def open_orders(self, account: str, now_ns: int) -> tuple[OrderReport, ...]:
        """`Exchange.open_orders`, or a fault."""
        raise NotImplementedError

    def fills(self, account: str, since_ns: int, now_ns: int) -> tuple[Fill, ...]:
        """`Exchange.fills`, or a fault."""
        raise NotImplementedError

    def account(self, account: str, now_ns: int) -> AccountSeen:
        """As it is, or as it was (STALE_ACCOUNT: `at_ns` tells)."""
        raise NotImplementedError

    def book(self, symbol: str, now_ns: int) -> BookSeen:
        """As it is; while disconnected as it was."""
        raise NotImplementedError

    def drain(self, now_ns: int) -> tuple[Message, ...]:
        """Messages that have arrived by now, `received_ns` being now; dropped ones never come."""
        raise NotImplementedError

    def snapshot(self, account: str) -> Account:
        """The truth about an account."""
        raise NotImplementedError
