"""The journal held against the venues: at the start in whole, afterwards whenever an account is told.

Positions are compared over the union of both, so one that vanished is seen. An account that is empty where the journal says it is
not is never taken for flat.
"""

from __future__ import annotations

from perpbook.errors import Refused
from perpbook.guard import incidents, lost
from perpbook.guard.case import same
from perpbook.guard.retelling import tell_again
from perpbook.guard.turn import Turn, held
from perpbook.model.alert import Severity
from perpbook.model.effect import AskAccount
from perpbook.model.message import AccountSeen, Adopt
from perpbook.model.order import OrderState
from perpbook.model.record import RecordKind


def start(turn: Turn) -> None:
    """Every account is to be read, and every order that may live is to be asked for.

    Raises Refused where the journal has orders under way in an account that this guard does not have.
    """
    acting = {pair[0] for case in turn.desk.live_cases() if case.phase.is_acting for pair in case.pairs}
    gone = sorted(acting - set(turn.settings.accounts))
    if gone:
        raise Refused(
            f"the journal has orders under way in {', '.join(gone)}: start with these accounts until that is closed"
        )
    turn.known.unreconciled = set(turn.settings.accounts)
    turn.write(
        RecordKind.RUN,
        playbook=turn.settings.playbook,
        terms=turn.settings.terms,
        accounts=dict(turn.settings.accounts),
    )
    tell_again(turn)
    for account in turn.settings.accounts:
        ask(turn, account)
    for case in turn.desk.live_cases():
        for ticket in turn.desk.tickets_of(case):
            if ticket.state is OrderState.INTENDED:
                lost.lose(turn, ticket, "the guard began again before an answer")
            elif ticket.may_live:
                lost.ask(turn, ticket)


def ask(turn: Turn, account: str, since_ns: int = 0) -> None:
    """Read an account."""
    turn.ask(AskAccount(account=account, venue=turn.settings.accounts[account]), since_ns)


def meet(turn: Turn, seen: AccountSeen) -> None:
    """Hold an account, as its venue tells it now, against the journal."""
    account, venue_has = seen.account.id, held(seen)
    journal_has = turn.desk.positions.get(account)
    begins = account in turn.known.unreconciled
    turn.known.unreconciled.discard(account)
    if journal_has is None:
        turn.write(RecordKind.SEEN, account=account, positions=venue_has, digest="")
        return
    apart = [
        symbol
        for symbol in sorted({*venue_has, *journal_has})
        if not same(venue_has.get(symbol, 0.0), journal_has.get(symbol, 0.0))
        and turn.desk.busy(account, symbol) is None
    ]
    if not apart:
        return
    told = ", ".join(
        f"{name} {journal_has.get(name, 0.0):g} in the journal, {venue_has.get(name, 0.0):g} at the venue"
        for name in apart
    )
    if not venue_has:
        gone = ", ".join(f"{journal_has[name]:+g} {name}" for name in apart)
        incidents.open_one(
            turn, f"empty.{account}", account, f"{account} is empty at its venue where the journal has {gone}"
        )
    elif begins:
        incidents.open_one(turn, f"reconcile.{account}", account, f"{account} is not as the journal has it: {told}")
    elif not any(one.account == account for one in turn.desk.incidents.values()):
        now = {
            **venue_has,
            **{name: quantity for name, quantity in journal_has.items() if turn.desk.busy(account, name)},
        }
        turn.write(RecordKind.SEEN, account=account, positions=now, digest="")
        turn.tell("positions.changed", Severity.WARN, f"somebody else traded in {account}: {told}", account=account)


def adopt(turn: Turn, message: Adopt) -> None:
    """A person takes what the venue says."""
    seen = turn.known.accounts.get(message.account)
    if seen is None:
        turn.tell(
            "refused.adopt",
            Severity.WARN,
            f"{message.account} is not known now, so it cannot be adopted; try again once it is read",
        )
        if message.account in turn.settings.accounts:
            ask(turn, message.account)
        return
    acting = sorted(
        symbol
        for symbol in {*held(seen), *turn.desk.positions.get(message.account, {})}
        if turn.desk.busy(message.account, symbol)
    )
    if acting:
        turn.tell(
            "refused.adopt",
            Severity.WARN,
            f"{message.account} is being traded in ({', '.join(acting)}); adopt it once that is verified",
        )
        return
    turn.write(RecordKind.ADOPTED, account=message.account, positions=held(seen), who=message.who, digest="")
    turn.tell(
        "positions.adopted",
        Severity.INFO,
        f"{message.who} adopted {message.account} as its venue has it",
        account=message.account,
    )
