"""After the last order: what the venue holds must have changed by exactly what was traded."""

from __future__ import annotations

import math

from perpbook.guard import incidents
from perpbook.guard.case import Case, same
from perpbook.guard.turn import Turn, held
from perpbook.model.alert import Alert, Severity
from perpbook.model.effect import AskAccount
from perpbook.model.record import RecordKind


def verify(turn: Turn, case: Case) -> None:
    """Close a proposal whose positions show what was traded; open an incident when they do not in time."""
    late = turn.now_ns - case.since_ns > turn.settings.timing.verify
    shown: list[tuple[str, str, float]] = []
    apart: list[tuple[str, str]] = []
    for account, symbol in sorted(case.pairs):
        seen = turn.fresh_account(account, case.since_ns)
        if seen is None:
            if late:
                _wait(turn, case, account)
            return
        now, meant = (
            held(seen).get(symbol, 0.0),
            case.base.get((account, symbol), 0.0) + turn.desk.traded(case, account, symbol),
        )
        shown.append((account, symbol, now))
        if not same(now, meant):
            apart.append((account, f"{symbol} on {account} is {now:g}, and its orders make it {meant:g}"))
    if not apart:
        close(turn, case, shown)
    elif late:
        incidents.open_case(turn, case, apart[0][0], f"{case.proposal.rule}: " + "; ".join(told for _, told in apart))
    else:
        for account, _ in apart:
            turn.ask(AskAccount(account=account, venue=turn.settings.accounts[account]), -1)


def close(turn: Turn, case: Case, shown: list[tuple[str, str, float]]) -> None:
    """A proposal is done with."""
    turn.over("verify.waits", account=case.digest[:12])
    traded = ", ".join(
        f"{_filled(turn, case, leg):+g} of {one.quantity:+g} {one.symbol}" for leg, one in enumerate(case.proposal.legs)
    )
    why = f"{traded or 'done'}{f'; {case.stopped}' if case.stopped else ''}"
    turn.write(RecordKind.VERIFIED, digest=case.digest, positions=shown)
    turn.write(RecordKind.CLOSED, digest=case.digest, why=why)
    short = any(not same(_filled(turn, case, leg), one.quantity) for leg, one in enumerate(case.proposal.legs))
    turn.tell(
        "proposal.closed",
        Severity.WARN if short else Severity.INFO,
        f"{case.proposal.rule}: {why}",
        proposal=case.digest,
    )


def _wait(turn: Turn, case: Case, account: str) -> None:
    sentence = (
        f"{case.proposal.rule}: {account} cannot be read, so nobody knows whether its orders did what they should"
    )
    turn.say(
        Alert(
            kind="verify.waits",
            severity=Severity.PAGE,
            at_ns=turn.now_ns,
            sentence=sentence,
            account=case.digest[:12],
            proposal=case.digest,
        ),
        stands=True,
    )


def _filled(turn: Turn, case: Case, leg: int) -> float:
    return math.fsum(ticket.filled for ticket in turn.desk.tickets_of(case, leg))
