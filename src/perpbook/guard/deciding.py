"""When to decide, on what, and what becomes of the answer."""

from __future__ import annotations

from perpbook.guard.funded import OLD_NS, OLD_RATES_NS
from perpbook.guard.ladder import NOTHING
from perpbook.guard.proposing import propose
from perpbook.guard.turn import OWN, Turn
from perpbook.guard.view import Decide, Decision, View
from perpbook.kernels.memory import MONDAY
from perpbook.model.alert import Alert, Severity
from perpbook.model.effect import AskAccount
from perpbook.model.message import ExitWord
from perpbook.model.record import RecordKind
from perpbook.model.units import DAY_NS, SECOND_NS, to_iso

BEHIND_NS = 60 * SECOND_NS
"""How far this machine's clock may be behind the journal's last record before a person is told."""


def look(turn: Turn, clock_ns: int) -> None:
    """Ask again for accounts that are old, say which are unknown, and whether the clock can be right."""
    timing, known = turn.settings.timing, turn.known
    _look_at_clock(turn, clock_ns)
    known.asked = {name: at_ns for name, at_ns in known.asked.items() if turn.now_ns - at_ns < timing.again}
    for account, venue in turn.settings.accounts.items():
        seen = known.accounts.get(account)
        age = turn.now_ns - (seen.received_ns if seen is not None else known.started_ns)
        if seen is None or age > timing.old // 2:
            turn.ask(AskAccount(account=account, venue=venue), -1)
        if age > (timing.old if seen is not None else timing.fresh):
            known.accounts.pop(account, None)
            sentence = (
                f"{account} at {venue} cannot be read: nothing is known of it, and no rule on it is known to hold"
            )
            alert = Alert(
                kind="unknown.account", severity=Severity.PAGE, at_ns=turn.now_ns, sentence=sentence, account=account
            )
            turn.say(alert, stands=True)


def _look_at_clock(turn: Turn, clock_ns: int) -> None:
    if turn.now_ns - clock_ns <= BEHIND_NS:
        turn.over("clock.behind")
        return
    told = f"this machine's clock says {to_iso(clock_ns)}, the journal {to_iso(turn.now_ns)}"
    sentence = f"{told}: nothing is fresh until it is right"
    turn.say(Alert(kind="clock.behind", severity=Severity.PAGE, at_ns=turn.now_ns, sentence=sentence), stands=True)


def decide(turn: Turn, port: Decide) -> None:
    """Decide on what is known now: tell what stands and what is over, keep exit plans, propose what is wanted."""
    known = turn.known
    known.decided_ns, known.decide, known.looks = turn.now_ns, False, known.looks + 1
    shown = view(turn)
    decision = port(shown)
    known.judged += decision.before is not None
    _tell(turn, decision)
    for plan, body in (decision.exits or {}).items():
        keep_exit(turn, plan, body, "rule")
    for (account, symbol), gain in (decision.steps or {}).items():
        if turn.desk.ladders.get((account, symbol), NOTHING).gain is None:
            turn.write(RecordKind.STEPS, account=account, symbol=symbol, gain=gain)
    if decision.before is not None and not shown.unknown:
        _begin_day(turn, decision.before.equity)
    known.before = decision.before or known.before
    if decision.before is not None:
        turn.shown = shown
        for wanted in decision.wanted:
            propose(turn, wanted, decision.before)
    turn.shown = None


def _begin_day(turn: Turn, equity: float) -> None:
    """Write down what the whole book is worth at the first look of a day."""
    day = turn.now_ns // DAY_NS
    if turn.desk.day is None or turn.desk.day.number != day:
        turn.write(RecordKind.DAY, day=day, week=(day + MONDAY) // 7, equity=equity)


def view(turn: Turn) -> View:
    """What is known and fresh."""
    known = turn.known
    silent = {venue for venue, _ in known.stale}
    accounts = {name: seen for name, seen in known.accounts.items() if seen.account.venue not in silent}
    return View(
        now_ns=turn.now_ns, accounts=accounts, books=known.books, marks=known.marks,
        unknown=frozenset(turn.settings.accounts) - frozenset(accounts), desk=turn.desk,
        started_ns=known.started_ns,
        funding={name: one for name, one in known.funding.items() if turn.now_ns - one.at_ns <= OLD_NS},
        rates={name: one for name, one in known.rates.items() if turn.now_ns - one.asked_ns <= OLD_RATES_NS},
    )  # fmt: skip


def keep_exit(turn: Turn, plan: str, body: object, who: str) -> None:
    """Write down where an exit plan stands, where that is new."""
    if turn.desk.exits.get(plan) != body:
        turn.write(RecordKind.EXIT, plan=plan, body=body, who=who)


def exit_word(turn: Turn, message: ExitWord) -> None:
    """A person begins, pauses or ends an exit plan."""
    keep_exit(turn, message.plan, message.body, message.who)
    turn.tell(
        "exit",
        Severity.WARN,
        f"{message.who} {'changed' if message.body is not None else 'ended'} exit plan {message.plan}",
    )
    turn.known.decide = True


def is_decided(turn: Turn, key: tuple[str, str, str]) -> bool:
    """Whether who decides may end an alert: neither the guard raised it, nor was it noticed beside the book."""
    return key[0] not in OWN and key not in turn.known.noticed


def _tell(turn: Turn, decision: Decision) -> None:
    stands = {alert.key for alert in decision.alerts}
    for kind, account, symbol in [key for key in turn.desk.alerts if is_decided(turn, key) and key not in stands]:
        turn.over(kind, account, symbol)
    for alert in decision.alerts:
        turn.say(alert, stands=True)
