"""What a guard was told, as far as its decisions hang on it: kept while it runs, so that they can be made again.

Kept is every message, but for two kinds. A wake that led to no effect and no decision moved the time and nothing else, and the
time stands on the next line. A book or a price that led to none changed what is known of its contract and nothing else: the
newest of each is kept in front of the next message that led to something, or came while something was under way. So at every
decision a guard made again knows what this one knew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, fields

from perpbook.guard.guard import Guard
from perpbook.guard.turn import Known, known_of
from perpbook.model.effect import Effect
from perpbook.model.message import AccountSeen, BookSeen, KillLevel, MarkSeen, Message, Wake

Price = BookSeen | MarkSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """A guard begins at `now_ns` on a journal of so many records, or (`known` not None) goes on from there: a place where a
    replay can begin.

    run : what it was begun with, plain.  lost : messages before this that were not kept, because there was no room.
    """

    now_ns: int
    records: int
    run: Mapping[str, object]
    known: Known | None = None
    lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """A message, what was known of prices just before, the guard's time, and how many records there are once it is taken."""

    message: Message
    now_ns: int
    records: int
    prices: tuple[Price, ...] = ()


Line = Began | Took
Keep = Callable[[Line], bool]
"""Takes a line, never waits; False where there is no room."""


class Recorder:
    """A guard whose inputs are kept: `start` and `receive` are the guard's own.

    keep : where lines go.  fresh_page : whether the next place where a replay can begin is wanted now.
    """

    def __init__(
        self, guard: Guard, keep: Keep, run: Mapping[str, object], fresh_page: Callable[[], bool] = lambda: False
    ) -> None:
        self.guard, self._keep, self._run, self._fresh_page = guard, keep, run, fresh_page
        self._prices: dict[tuple[type, str, str], Price] = {}
        self._lost = 0

    def start(self, at_ns: int) -> list[Effect]:
        """As `Guard.start`."""
        began = Began(now_ns=at_ns, records=self.guard.desk.records, run=self._run)
        effects = self.guard.start(at_ns)
        self._lost = 0 if self._keep(began) else 1
        return effects

    def skim(self, book: BookSeen) -> bool:
        """As `Guard.skim`."""
        if not self.guard.skim(book):
            return False
        self._prices[BookSeen, book.venue, book.symbol] = book
        return True

    def receive(self, message: Message) -> list[Effect]:
        """As `Guard.receive`."""
        known, desk = self.guard.known, self.guard.desk
        looks, judged = known.looks, known.judged
        effects = self.guard.receive(message)
        led = bool(effects) or known.looks != looks
        if not led and isinstance(message, Price):
            if known_of(known, message).get((message.venue, message.symbol)) is message:
                self._prices[type(message), message.venue, message.symbol] = message
        elif led or not isinstance(message, Wake):
            matters = led or bool(desk.live) or desk.kill is not KillLevel.NONE or not isinstance(message, AccountSeen)
            self._put(message, matters)
            if known.judged != judged and (self._lost or self._fresh_page()):
                self._begin_anew()
        return effects

    def _put(self, message: Message, with_prices: bool) -> None:
        prices: tuple[Price, ...] = ()
        if with_prices:
            prices = tuple(self._prices.values())
            self._prices.clear()
        line = Took(message=message, now_ns=self.guard.now_ns, records=self.guard.desk.records, prices=prices)
        if self._lost or not self._keep(line):
            self._lost += 1

    def _begin_anew(self) -> None:
        """Write down all that is known, so that a replay can begin here."""
        guard = self.guard
        page = Began(
            now_ns=guard.now_ns, records=guard.desk.records, run=self._run, known=copied(guard.known), lost=self._lost
        )
        if self._keep(page):
            self._lost = 0
            self._prices.clear()


def copied(known: Known) -> Known:
    """What is known, apart from what changes later."""
    found = copy(known)
    for one in fields(known):
        part = getattr(known, one.name)
        if isinstance(part, dict | set):
            setattr(found, one.name, part.copy())
    return found
