"""Wanted trims become proposals: whole lots of what is held, a collared price, one at a time for each wish."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from perpbook.guard.approving import approve_itself
from perpbook.guard.case import key_of
from perpbook.guard.controls import price_within, shrink
from perpbook.guard.cut import made_smaller
from perpbook.guard.looked import look_digest
from perpbook.guard.turn import Turn, held, mid
from perpbook.guard.view import Wanted, WantedLeg
from perpbook.model.action import ActionKind, Leg, Proposal, RiskView
from perpbook.model.alert import Alert, Severity
from perpbook.model.effect import AskBook
from perpbook.model.message import KillLevel
from perpbook.model.record import RecordKind

MOST = 1e12
"""In place of infinity."""
TRADES = (ActionKind.TRIM, ActionKind.EXIT)


def propose(turn: Turn, wanted: Wanted, before: RiskView) -> None:
    """Propose one wanted action, unless it is already proposed, or something forbids it."""
    if turn.desk.kill is not KillLevel.NONE or _is_quiet(turn, wanted.rule, pairs_of(wanted.legs)):
        return
    why = _forbidden(turn, wanted) or _unknown_book(turn, wanted)
    if not why and not (_told(before) and _told(wanted.after)):
        why = "the book's risk is not a number"
    if why is None:
        return
    legs = [] if why else [leg for leg in (_leg(turn, one) for one in wanted.legs) if leg is not None]
    if wanted.legs and not legs and not why:
        why = "what is wanted is less than a lot, or makes no position smaller"
    if why:
        _refuse(turn, wanted.rule, why)
        return
    turn.over("refused.proposal", symbol=wanted.rule)
    made = _made(turn, wanted, tuple(legs), before)
    proposal = _fitted(turn, made)
    if proposal is not None and not _is_quiet(turn, proposal.rule, pairs_of(proposal.legs)):
        open_proposal(turn, proposal, made)


def open_proposal(turn: Turn, proposal: Proposal | None, made: Proposal | None = None) -> str:
    """Write a proposal down and tell people; its digest, "" where there is none. made : as it was wanted."""
    if proposal is None or proposal.digest in turn.desk.cases:
        return ""
    digest = proposal.digest
    look = look_digest(turn.shown, turn.settings) if turn.shown is not None else ""
    wanted = {(leg.account, leg.symbol): leg.quantity for leg in (made or proposal).legs}
    whole = made_smaller(proposal.rule, wanted, proposal.legs)
    turn.write(
        RecordKind.PROPOSED, digest=digest, proposal=proposal, look=look, **({"whole": whole} if whole else {})
    )  # fmt: skip
    traded = ", ".join(f"{leg.quantity:+g} {leg.symbol} on {leg.account}" for leg in proposal.legs) or proposal.transfer
    if not approve_itself(turn, turn.desk.cases[digest]):
        turn.tell(
            "proposal.waits", Severity.PAGE, f"{proposal.rule}: {proposal.reason} Proposed: {traded}.", proposal=digest
        )
    return digest


def pairs_of(legs: Iterable[Leg | WantedLeg]) -> frozenset[tuple[str, str]]:
    """(account, symbol) of every leg."""
    return frozenset((leg.account, leg.symbol) for leg in legs)


def _is_quiet(turn: Turn, rule: str, pairs: frozenset[tuple[str, str]]) -> bool:
    """The same wish lives, or ended a short while ago, or its positions are being changed."""
    key, timing = key_of(rule, pairs), turn.settings.timing
    if any(case.key == key for case in turn.desk.live_cases()):
        return True
    if any(turn.desk.busy(*pair) for pair in pairs):
        return True
    ended = turn.desk.ended.get(key)
    rest = timing.rest if ended is not None and ended.by_person else timing.again
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


def _unknown_book(turn: Turn, wanted: Wanted) -> str | None:
    """Why a leg's book is not known; None while it was only just asked for."""
    timing, waits = turn.settings.timing, False
    for leg in wanted.legs:
        name = (turn.settings.accounts[leg.account], leg.symbol)
        book = turn.known.books.get(name)
        if book is not None and turn.now_ns - book.received_ns <= timing.old:
            continue
        since_ns = turn.known.awaited.setdefault(name, turn.now_ns)
        turn.ask(AskBook(venue=name[0], symbol=name[1]), -1)
        if turn.now_ns - since_ns > timing.fresh:
            return f"the book of {leg.symbol} on {name[0]} is not known now"
        waits = True
    return None if waits else ""


def _leg(turn: Turn, wanted: WantedLeg) -> Leg | None:
    """A leg in whole lots at a collared price; None where nothing of it can be traded."""
    venue = turn.settings.accounts[wanted.account]
    contract = turn.settings.contracts[venue, wanted.symbol]
    position = held(turn.known.accounts[wanted.account]).get(wanted.symbol, 0.0)
    quantity = shrink(wanted.quantity, math.inf, contract, position if wanted.reduce_only else None)
    if quantity == 0.0:
        return None
    step = wanted.step and replace(wanted.step, quantity=shrink(wanted.step.quantity, math.inf, contract, position))
    middle = mid(turn.known.books[venue, wanted.symbol])
    far = middle * (1.0 + math.copysign(turn.settings.collar, quantity))
    price = far if wanted.limit_price is None else (min if quantity > 0 else max)(far, wanted.limit_price)
    return Leg(
        account=wanted.account, venue=venue, symbol=wanted.symbol, quantity=quantity, held=position,
        limit_price=price_within(quantity, price, contract.tick_size), reduce_only=wanted.reduce_only, mid_price=middle,
        slices=wanted.slices, every_ns=wanted.every_ns, patience_ns=wanted.patience_ns,
        step=step if step is not None and step.quantity != 0.0 else None,
    )  # fmt: skip


def _made(turn: Turn, wanted: Wanted, legs: tuple[Leg, ...], before: RiskView) -> Proposal:
    notional = turn.settings.traded(legs)
    return Proposal(
        kind=wanted.kind, rule=wanted.rule, reason=wanted.reason, legs=legs, created_ns=turn.now_ns,
        expires_ns=turn.now_ns + turn.settings.expiry_ns,
        cost_max=wanted.cost_max if wanted.cost_max is not None else turn.settings.cost_max * notional,
        collar=turn.settings.collar, before=_bounded(before), after=_bounded(wanted.after),
        playbook=turn.settings.playbook, terms=turn.settings.terms, transfer=wanted.transfer, cancels=wanted.cancels,
    )  # fmt: skip


def _told(view: RiskView) -> bool:
    return not any(
        math.isnan(one) for one in (view.equity, view.effective, view.margin_ratio, view.liquidation_move or 0.0)
    )


def _bounded(view: RiskView) -> RiskView:
    """Risk without infinities, which a digest cannot hold: an account that owes more than it has is at `MOST`."""
    move = None if view.liquidation_move is None else max(-MOST, min(MOST, view.liquidation_move))
    equity, effective, ratio = (max(-MOST, min(MOST, one)) for one in (view.equity, view.effective, view.margin_ratio))
    return replace(view, equity=equity, effective=effective, margin_ratio=ratio, liquidation_move=move)


def _fitted(turn: Turn, proposal: Proposal) -> Proposal | None:
    """A proposal no larger than the cap of an action: every leg made smaller by the same share."""
    notional = turn.settings.traded(proposal.legs)
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
