"""A book that leads to nothing, taken in one breath: most messages are such, and a market's worst second is made of them.

A shortcut and no rule of its own: it takes a book only where the whole way (`Guard.receive`) would keep it and do nothing else,
and leaves all that it is not sure of to that. A law holds that a guard with it and one without it end alike.
"""

from __future__ import annotations

from perpbook.guard.calm import Calm
from perpbook.guard.sense import AHEAD_NS
from perpbook.guard.signals import Signals
from perpbook.guard.turn import Turn
from perpbook.guard.view import WantsLook
from perpbook.model.message import BookSeen


class Glance:
    """Of one guard. Without a watch decisions are made as time passes, and no price asks for one."""

    def __init__(self, turn: Turn, watch: WantsLook | None, signals: Signals | None) -> None:
        self._turn, self._watch, self._signals = turn, watch, signals
        self.calm = Calm(turn.settings.contracts)

    def passes(self, book: BookSeen) -> bool:
        """Whether a book would be kept and lead to nothing; nothing changes."""
        turn, watch, signals = self._turn, self._watch, self._signals
        known, desk, settings, at_ns = turn.known, turn.desk, turn.settings, book.received_ns
        name = (book.venue, book.symbol)
        if desk.live or desk.kill or desk.timers or known.decide or name in known.awaited:
            return False
        if desk.alerts and ("feed.refused", "", book.symbol) in desk.alerts:
            return False
        before = known.books.get(name)
        try:
            return (
                before is not None
                and (book.at_ns, book.sequence) >= (before.at_ns, before.sequence)
                and book.at_ns <= at_ns + AHEAD_NS
                and max(turn.now_ns, at_ns) - known.decided_ns < settings.timing.decide
                and (watch is None or at_ns < watch.until_ns)
                and (signals is None or at_ns < signals.quiet_until(book.venue, book.symbol))
                and name in settings.contracts
                and book.depth.is_sound()
            )
        except (TypeError, ValueError, IndexError, AttributeError):
            return False

    def keep(self, book: BookSeen) -> None:
        """Know a book that passes, and grant its contract a calm until more than a book is needed."""
        turn, name = self._turn, (book.venue, book.symbol)
        turn.known.books[name] = book
        if book.received_ns > turn.now_ns:
            turn.now_ns = book.received_ns
        until_ns = turn.known.decided_ns + turn.settings.timing.decide
        if self._watch is not None:
            until_ns = min(until_ns, self._watch.until_ns)
        if self._signals is not None:
            until_ns = min(until_ns, self._signals.quiet_until(*name))
        self.calm.grant(name, until_ns, book.at_ns, book.sequence)
