"""Venues' own timers that cancel orders when the guard falls silent: set while orders of its own rest, and only where nothing
rests that they would take with them and that protects a position.

A timer is set for `dead_man_ns`, and again once a third of that is gone. It is taken off as soon as nothing of ours rests, or a
protective order comes. What is known of timers is in the journal: after a crash one that is still set is taken off, too.
"""

from __future__ import annotations

from perpbook.guard.killing import opening
from perpbook.guard.turn import Turn
from perpbook.model.alert import Alert, Severity
from perpbook.model.effect import SetTimer
from perpbook.model.message import TimerSeen
from perpbook.model.order import TimeInForce
from perpbook.model.record import RecordKind

ALL = ""
"""A timer of every contract of an account."""


def tend(turn: Turn) -> None:
    """Set, set again and take off what is due."""
    if not turn.settings.timers or not (turn.settings.dead_man_ns or turn.desk.timers):
        return
    for account, venue in turn.settings.accounts.items():
        timer = turn.settings.timers.get(venue)
        wanted = _wanted(turn, account, timer.by_symbol) if timer is not None and turn.settings.dead_man_ns else set()
        for symbol in sorted(wanted):
            _set(turn, account, symbol)
        for name, symbol in [key for key in turn.desk.timers if key[0] == account and key[1] not in wanted]:
            _take_off(turn, name, symbol)


def hear(turn: Turn, message: TimerSeen) -> None:
    """What a venue says of a timer: written down once it is off; told when it was refused."""
    key = (message.account, message.symbol)
    if message.why:
        told = f"{message.venue} does not set its timer for {message.account}: {message.why}"
        sentence = f"{told}; what rests stays if the guard dies"
        alert = Alert(
            kind="timer.refused", severity=Severity.WARN, at_ns=turn.now_ns, sentence=sentence, account=message.account
        )
        turn.say(alert, stands=True)
    elif message.wait_ns > 0:
        turn.over("timer.refused", account=message.account)
    if message.wait_ns == 0 and not message.why and key in turn.desk.timers:
        turn.write(RecordKind.TIMER, account=message.account, symbol=message.symbol, until_ns=0)


def _wanted(turn: Turn, account: str, by_symbol: bool) -> set[str]:
    """Contracts, or all as one, in which something of ours rests and nothing that protects."""
    seen = turn.known.accounts.get(account)
    ours = {
        ticket.request.symbol
        for case in turn.desk.live_cases()
        if case.phase.is_acting
        for ticket in turn.desk.tickets_of(case)
        if ticket.request.account == account and ticket.may_live and ticket.request.time_in_force is not TimeInForce.IOC
    }
    if seen is None or seen.hidden_orders or not ours:
        return set()
    opens = {id(order) for order in opening(seen)}
    protected = {
        order.symbol for order in seen.account.orders if id(order) not in opens and order.id not in turn.desk.tickets
    }
    if by_symbol:
        return ours - protected
    return {ALL} if not protected else set()


def _set(turn: Turn, account: str, symbol: str) -> None:
    length = turn.settings.dead_man_ns
    if turn.desk.timers.get((account, symbol), 0) - turn.now_ns > length - length // 3:
        return
    turn.write(RecordKind.TIMER, account=account, symbol=symbol, until_ns=turn.now_ns + length)
    turn.do(SetTimer(account=account, venue=turn.settings.accounts[account], symbol=symbol, wait_ns=length))


def _take_off(turn: Turn, account: str, symbol: str) -> None:
    """Asked for until the venue has said so, or the timer has run out."""
    if turn.desk.timers[account, symbol] + turn.settings.timing.skew < turn.now_ns:
        turn.write(RecordKind.TIMER, account=account, symbol=symbol, until_ns=0)
        return
    name = ("SetTimer", account, symbol)
    if turn.now_ns - turn.known.asked.get(name, -turn.settings.timing.again) >= turn.settings.timing.again:
        turn.known.asked[name] = turn.now_ns
        turn.do(SetTimer(account=account, venue=turn.settings.accounts[account], symbol=symbol, wait_ns=0))
