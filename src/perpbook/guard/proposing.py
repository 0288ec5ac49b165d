"""Wanted trims become proposals: whole lots of what is held, a collared price, one at a time for each wish."""

from __future__ import annotations

import math
from dataclasses import replace

from perpbook.guard.approving import approve_itself
from perpbook.guard.case import Phase, key_of
from perpbook.guard.controls import price_within, shrink
from perpbook.guard.turn import Turn, held, mid
from perpbook.guard.view import Wanted, WantedLeg
from perpbook.model.action import ActionKind, Leg, Proposal, RiskView
from perpbook.model.alert import Alert, Severity
from perpbook.model.effect import AskBook
from perpbook.model.message import KillLevel
from perpbook.model.record import RecordKind

TRADES = (ActionKind.TRIM, ActionKind.EXIT)


def propose(turn: Turn, wanted: Wanted, before: RiskView) -> None:
    """Propose one wanted action, unless it is already proposed, or something forbids it."""
    if turn.desk.kill is not KillLevel.NONE or _is_quiet(turn, wanted):
        return
    why = _forbidden(turn, wanted)
    if why:
        _refuse(turn, wanted.rule, why)
        return
    turn.over("refused.proposal", symbol=wanted.rule)
    legs = [leg for leg in (_leg(turn, one) for one in wanted.legs) if leg is not None]
    if len(legs) < len(wanted.legs) or (wanted.kind in TRADES and not legs):
        return
    open_proposal(turn, _fitted(turn, _made(turn, wanted, tuple(legs), before)))


def open_proposal(turn: Turn, proposal: Proposal | None) -> str:
    """Write a proposal down and tell people; its digest, "" where there is none."""
    if proposal is None or proposal.digest in turn.desk.cases:
        return ""
    digest = proposal.digest
    turn.write(RecordKind.PROPOSED, digest=digest, proposal=proposal)
    traded = ", ".join(f"{leg.quantity:+g} {leg.symbol} on {leg.account}" for leg in proposal.legs) or proposal.transfer
    if not approve_itself(turn, turn.desk.cases[digest]):
        turn.tell(
            "proposal.waits", Severity.PAGE, f"{proposal.rule}: {proposal.reason} Proposed: {traded}.", proposal=digest
        )
    return digest


def _is_quiet(turn: Turn, wanted: Wanted) -> bool:
    """The same wish lives, or ended a short while ago, or its positions are being changed."""
    pairs = frozenset((leg.account, leg.symbol) for leg in wanted.legs)
    key, timing = key_of(wanted.rule, pairs), turn.settings.timing
    if any(case.key == key for case in turn.desk.live_cases()):
        return True
    if any(turn.desk.busy(*pair) for pair in pairs):
        return True
    ended = turn.desk.ended.get(key)
    rest = timing.again if ended is not None and ended.phase is Phase.CLOSED else timing.rest
    return ended is not None and turn.now_ns - ended.at_ns < rest


def _refuse(turn: Turn, rule: str, why: str) -> None:
    sentence = f"{rule}: {why}; nothing is proposed"
    alert = Alert(kind="refused.proposal", severity=Severity.WARN, at_ns=turn.now_ns, sentence=sentence, symbol=rule)
    turn.say(alert, stands=True)


def _forbidden(turn: Turn, wanted: Wanted) -> str:
    for leg in wanted.legs:
        venue = turn.settings.accounts.get(leg.account, "")
        if (venue, leg.symbol) not in turn.settings.contracts:
            return f"{leg.symbol} on {leg.account} is not a contract of the guard's accounts"
        if not math.isfinite(leg.quantity) or leg.quantity == 0.0:
            return "a leg's size is not a number"
        if leg.account not in turn.known.accounts or turn.is_stale(venue):
            return f"{leg.account} is not known now"
        if not leg.reduce_only and turn.desk.incidents:
            return "an incident is open, so nothing opens risk"
    if len({(leg.account, leg.symbol) for leg in wanted.legs}) < len(wanted.legs):
        return "two legs trade the same contract of one account"
    if (wanted.kind in TRADES) != bool(wanted.legs) or (wanted.kind is ActionKind.CANCEL) != bool(wanted.cancels):
        return f"what a {wanted.kind.value} is to do is missing, or more than it may"
    return ""


def _leg(turn: Turn, wanted: WantedLeg) -> Leg | None:
    """A leg in whole lots at a collared price; None where nothing of it can be traded, or its book is not known yet."""
    venue = turn.settings.accounts[wanted.account]
    contract = turn.settings.contracts[venue, wanted.symbol]
    position = held(turn.known.accounts[wanted.account]).get(wanted.symbol, 0.0)
    quantity = shrink(wanted.quantity, math.inf, contract, position if wanted.reduce_only else None)
    book = turn.known.books.get((venue, wanted.symbol))
    if book is None:
        turn.ask(AskBook(venue=venue, symbol=wanted.symbol), 0)
        turn.known.decide = True
        return None
    middle = mid(book)
    far = middle * (1.0 + math.copysign(turn.settings.collar, quantity))
    price = far if wanted.limit_price is None else (min if quantity > 0 else max)(far, wanted.limit_price)
    if quantity == 0.0:
        return None
    return Leg(
        account=wanted.account, venue=venue, symbol=wanted.symbol, quantity=quantity, held=position,
        limit_price=price_within(quantity, price, contract.tick_size), reduce_only=wanted.reduce_only, mid_price=middle,
    )  # fmt: skip


def _made(turn: Turn, wanted: Wanted, legs: tuple[Leg, ...], before: RiskView) -> Proposal:
    notional = dollars(turn, legs)
    return Proposal(
        kind=wanted.kind, rule=wanted.rule, reason=wanted.reason, legs=legs, created_ns=turn.now_ns,
        expires_ns=turn.now_ns + turn.settings.expiry_ns,
        cost_max=wanted.cost_max if wanted.cost_max is not None else turn.settings.cost_max * notional,
        collar=turn.settings.collar, before=before, after=wanted.after,
        playbook=turn.settings.playbook, terms=turn.settings.terms, transfer=wanted.transfer, cancels=wanted.cancels,
    )  # fmt: skip


def dollars(turn: Turn, legs: tuple[Leg, ...]) -> float:
    """What legs come to at their limit prices."""
    return math.fsum(turn.settings.dollars(leg.venue, leg.symbol, leg.quantity, leg.limit_price) for leg in legs)


def _fitted(turn: Turn, proposal: Proposal) -> Proposal | None:
    """A proposal no larger than the cap of an action: every leg made smaller by the same share."""
    notional = dollars(turn, proposal.legs)
    if notional <= turn.settings.caps.action:
        return proposal
    share, legs = turn.settings.caps.action / notional, []
    for leg in proposal.legs:
        contract = turn.settings.contracts[leg.venue, leg.symbol]
        quantity = shrink(leg.quantity * share, math.inf, contract, leg.held if leg.reduce_only else None)
        if quantity != 0.0:
            legs.append(replace(leg, quantity=quantity))
    if not legs:
        _refuse(turn, proposal.rule, "one lot is more than the cap of an action")
        return None
    return replace(proposal, legs=tuple(legs))
