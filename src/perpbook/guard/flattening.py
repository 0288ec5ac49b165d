"""The kill switch's last level: positions are closed, reduce-only, in collared slices at a pace, each verified like any other."""

from __future__ import annotations

import math

from perpbook.guard import lost
from perpbook.guard.case import Phase, key_of
from perpbook.guard.controls import FLATTEN, price_within, shrink
from perpbook.guard.turn import Turn, held, mid
from perpbook.model.action import ActionKind, Leg, Proposal, RiskView
from perpbook.model.alert import Alert, Severity
from perpbook.model.message import AccountSeen, KillLevel
from perpbook.model.record import RecordKind

UNTOLD = RiskView(equity=0.0, effective=0.0, margin_ratio=0.0, liquidation_move=None, broken=(FLATTEN,))
"""A book's risk where nothing was decided since the start: not reckoned."""


def flatten(turn: Turn) -> None:
    """Open the next slice of every position that has none under way."""
    if turn.desk.kill is not KillLevel.FLATTEN:
        return
    flat = True
    for account in turn.settings.accounts:
        seen = turn.fresh_account(account, turn.desk.kill_ns)
        if seen is None:
            flat = False
            continue
        for symbol, position in sorted(held(seen).items()):
            flat = False
            _slice(turn, seen, symbol, position)
    if flat and all(case.phase is Phase.PROPOSED for case in turn.desk.live_cases()):
        sentence = "every account is flat; `halt --resume` lets go of the kill switch"
        turn.say(Alert(kind="kill.flat", severity=Severity.PAGE, at_ns=turn.now_ns, sentence=sentence), stands=True)
    elif not flat:
        turn.over("kill.flat")


def _slice(turn: Turn, seen: AccountSeen, symbol: str, position: float) -> None:
    account, venue = seen.account.id, seen.account.venue
    contract = turn.settings.contracts.get((venue, symbol))
    pair = (account, symbol)
    if contract is None:
        sentence = f"{symbol} on {account} is not a contract the guard trades: close it at {venue}"
        turn.say(
            Alert(
                kind="kill.contract",
                severity=Severity.PAGE,
                at_ns=turn.now_ns,
                sentence=sentence,
                account=account,
                symbol=symbol,
            ),
            stands=True,
        )
        return
    ended = turn.desk.ended.get(key_of(FLATTEN, frozenset([pair])))
    resting = ended is not None and turn.now_ns - ended.at_ns < turn.settings.timing.flatten
    beside = lost.reserved(turn, pair)
    mine = any(pair in case.pairs for case in turn.desk.live_cases() if case.proposal.rule == FLATTEN)
    if resting or mine or beside is None:
        return
    book = turn.fresh_book(venue, symbol, turn.desk.kill_ns)
    if book is None:
        return
    middle = mid(book)
    price = price_within(-position, middle * (1.0 - math.copysign(turn.settings.collar, position)), contract.tick_size)
    slice_ = max(turn.settings.slice / turn.settings.dollars(venue, symbol, 1.0, price), contract.lot_size)
    most = min(slice_, abs(position) - beside)
    quantity = shrink(-position, most, contract, position)
    if quantity == 0.0:
        return
    leg = Leg(
        account=account,
        venue=venue,
        symbol=symbol,
        quantity=quantity,
        held=position,
        limit_price=price,
        mid_price=middle,
    )
    _open(turn, leg)


def _open(turn: Turn, leg: Leg) -> None:
    risk = turn.known.before or UNTOLD
    cost = turn.settings.collar + turn.settings.fees.get(leg.venue, 0.0)
    proposal = Proposal(
        kind=ActionKind.EXIT, rule=FLATTEN, reason=turn.desk.kill_reason, legs=(leg,), created_ns=turn.now_ns,
        expires_ns=turn.now_ns + turn.settings.expiry_ns,
        cost_max=cost * turn.settings.dollars(leg.venue, leg.symbol, leg.quantity, leg.limit_price),
        collar=turn.settings.collar, before=risk, after=risk, playbook=turn.settings.playbook, terms=turn.settings.terms,
    )  # fmt: skip
    turn.write(RecordKind.PROPOSED, digest=proposal.digest, proposal=proposal)
    turn.write(RecordKind.APPROVED, digest=proposal.digest, who=turn.desk.kill_who, channel="kill switch")
