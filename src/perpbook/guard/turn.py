"""What every part of the guard works with while one message is taken: the desk, what is known just now, and effects so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from perpbook.files.plain import plain
from perpbook.guard.desk import Desk
from perpbook.guard.funded import AccountFunding, Rated
from perpbook.guard.settings import Settings
from perpbook.guard.view import View
from perpbook.model.action import RiskView
from perpbook.model.alert import Alert, Severity
from perpbook.model.effect import AskAccount, AskBook, AskOrder, Effect, Tell, Write
from perpbook.model.message import AccountSeen, BookSeen, MarkSeen
from perpbook.model.record import Record, RecordKind

OWN = frozenset(
    {"feed.refused", "stale.feed", "unknown.account", "order.unknown", "verify.waits", "guard.error"}
    | {"kill.order", "kill.flat", "kill.contract", "refused.proposal", "clock.behind", "timer.refused"}
)
"""Kinds of alerts that the guard itself raises and ends; who decides raises others."""


@dataclass(slots=True)
class Known:
    """What was last told and still holds; gone after a crash. `stale` (venue, stream) pairs. asked : when something was last
    asked for. unreconciled : accounts not yet held against the journal. awaited : books without which
    nothing could be proposed, since when. decided_ns : when was last decided. decide : it is to
    be done again at once. before : the risk that was decided on. looks, judged : decisions asked for, and those of them that
    could tell the book's risk. noticed : alerts that stand by what was seen beside the book. funding : what accounts received and
    paid. rates : what was settled, by (venue, symbol)."""

    accounts: dict[str, AccountSeen] = field(default_factory=dict)
    books: dict[tuple[str, str], BookSeen] = field(default_factory=dict)
    marks: dict[tuple[str, str], MarkSeen] = field(default_factory=dict)
    stale: set[tuple[str, str]] = field(default_factory=set)
    asked: dict[tuple[str, ...], int] = field(default_factory=dict)
    unreconciled: set[str] = field(default_factory=set)
    started_ns: int = 0
    awaited: dict[tuple[str, str], int] = field(default_factory=dict)
    decided_ns: int = 0
    decide: bool = False
    before: RiskView | None = None
    looks: int = 0
    judged: int = 0
    noticed: set[tuple[str, str, str]] = field(default_factory=set)
    funding: dict[str, AccountFunding] = field(default_factory=dict)
    rates: dict[tuple[str, str], Rated] = field(default_factory=dict)


@dataclass(slots=True)
class Turn:
    """One guard's state and the effects of the message it is taking. The desk changes by `write` alone. shown : what is being
    decided on, None while nothing is."""

    desk: Desk
    settings: Settings
    known: Known
    now_ns: int = 0
    effects: list[Effect] = field(default_factory=list)
    shown: View | None = None

    def write(self, kind: RecordKind, **body: object) -> None:
        """Append a record, and take it."""
        record = Record(kind=kind, at_ns=self.now_ns, body=plain(body))
        self.effects.append(Write(record=record))
        self.desk.apply(record)

    def do(self, effect: Effect) -> None:
        """Want something done after everything so far."""
        self.effects.append(effect)

    def say(self, alert: Alert, stands: bool = False) -> None:
        """Tell people something, once. `stands` : it holds until it is told to be over, and is not told again while it does."""
        if stands and self.desk.alerts.get(alert.key) == alert.severity.value:
            return
        self.write(RecordKind.ALERT, alert=alert, stands=stands)
        self.do(Tell(alert=alert))

    def tell(self, kind: str, severity: Severity, sentence: str, account: str = "", proposal: str = "") -> None:
        """Tell something that happened."""
        at_ns = self.now_ns
        self.say(
            Alert(kind=kind, severity=severity, at_ns=at_ns, sentence=sentence, account=account, proposal=proposal)
        )

    def over(self, kind: str, account: str = "", symbol: str = "") -> None:
        """Tell that something that stood is over, if it stood."""
        severity = self.desk.alerts.get((kind, account, symbol))
        if severity is not None:
            told = Alert(
                kind=kind, severity=Severity(severity), at_ns=self.now_ns, sentence="over",
                account=account, symbol=symbol, resolved=True,
            )  # fmt: skip
            self.say(told)

    def ask(self, effect: AskAccount | AskBook | AskOrder, since_ns: int) -> None:
        """Ask for something, unless it was asked after a time and not long ago."""
        name = (type(effect).__name__, *(str(getattr(effect, part)) for part in effect.__slots__))
        last = self.known.asked.get(name, -1)
        if last < since_ns or self.now_ns - last >= self.settings.timing.again:
            self.known.asked[name] = self.now_ns
            self.do(effect)

    def fresh_account(self, account: str, since_ns: int) -> AccountSeen | None:
        """An account as it was told after a time, or None; then it is asked for."""
        seen = self.known.accounts.get(account)
        if seen is not None and self._is_after(seen.at_ns, seen.received_ns, since_ns):
            return seen
        self.ask(AskAccount(account=account, venue=self.settings.accounts[account]), since_ns)
        return None

    def fresh_book(self, venue: str, symbol: str, since_ns: int) -> BookSeen | None:
        """A book as it was told after a time, or None; then it is asked for."""
        seen = self.known.books.get((venue, symbol))
        if seen is not None and self._is_after(seen.at_ns, seen.received_ns, since_ns):
            return seen
        self.ask(AskBook(venue=venue, symbol=symbol), since_ns)
        return None

    def was_told(self, account: str, symbol: str, since_ns: int) -> bool:
        """Whether an account and a contract's book there were told after a time."""
        seen, book = self.known.accounts.get(account), self.known.books.get((self.settings.accounts[account], symbol))
        return seen is not None and book is not None and min(seen.received_ns, book.received_ns) > since_ns

    def _is_after(self, at_ns: int, received_ns: int, since_ns: int) -> bool:
        return received_ns > since_ns and at_ns > since_ns - self.settings.timing.skew

    def is_stale(self, venue: str) -> bool:
        """A stream of a venue is silent."""
        return any(name == venue for name, _ in self.known.stale)


def mid(book: BookSeen) -> float:
    """The middle of a book."""
    return 0.5 * (book.depth.bids[0][0] + book.depth.asks[0][0])


def held(seen: AccountSeen) -> Mapping[str, float]:
    """Signed quantity by symbol; positions of nothing are left out."""
    found: dict[str, float] = {}
    for position in seen.account.positions:
        found[position.symbol] = found.get(position.symbol, 0.0) + position.quantity
    return {symbol: quantity for symbol, quantity in found.items() if quantity != 0.0}


def known_of(known: Known, price: BookSeen | MarkSeen) -> dict[tuple[str, str], Any]:
    """Where a price is kept, by (venue, symbol)."""
    return known.books if isinstance(price, BookSeen) else known.marks
