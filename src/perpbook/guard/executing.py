"""From an approval to orders: everything is read again, made no larger, written down, and only then sent.

A leg goes out in slices, one at a time; what all of them trade is never more than the leg. A slice that found less than it was
for is tried again while its proposal lives (`guard.pacing`); one that was refused or never came ends its leg: what is missing is
for the next decision.
"""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.guard import ladder, lost, pacing
from perpbook.guard.case import Case, Phase, Ticket
from perpbook.guard.controls import FLATTEN, outdated
from perpbook.guard.killing import take_back
from perpbook.guard.revalidating import Refusal, Waits, checked
from perpbook.guard.turn import Turn, held
from perpbook.model.action import ActionKind
from perpbook.model.alert import Severity
from perpbook.model.effect import AskBook, Cancel, Send
from perpbook.model.message import KillLevel
from perpbook.model.order import OrderRequest, OrderState
from perpbook.model.record import RecordKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """An order that may be sent now."""

    leg: int
    part: int
    request: OrderRequest


def advance(turn: Turn, case: Case) -> None:
    """Do what can be done now for a proposal that was approved."""
    why = "" if case.stopped else _forbids(turn, case)
    if why:
        stop(turn, case, why)
    if case.phase is Phase.APPROVED and case.proposal.kind in (ActionKind.TRANSFER, ActionKind.CANCEL):
        _hand_on(turn, case)
    elif case.phase is Phase.APPROVED:
        _begin(turn, case)
    elif case.phase is Phase.EXECUTING:
        done = [_go_on(turn, case, index) for index in range(len(case.proposal.legs))]
        if all(done):
            turn.write(RecordKind.VERIFYING, digest=case.digest)


def _hand_on(turn: Turn, case: Case) -> None:
    """What is no order: a person moves money; orders are taken back until none of them is seen."""
    if case.proposal.kind is ActionKind.TRANSFER:
        turn.write(RecordKind.CLOSED, digest=case.digest, why="approved: a person moves it")
        turn.tell(
            "proposal.closed", Severity.WARN, f"{case.proposal.rule}: {case.proposal.transfer}", proposal=case.digest
        )
    else:
        turn.write(RecordKind.VERIFYING, digest=case.digest)


def stop(turn: Turn, case: Case, why: str) -> None:
    """Nothing more is sent for a proposal; before its first order that is its end."""
    turn.write(RecordKind.ABORTED, digest=case.digest, why=why)
    turn.tell("proposal.stopped", Severity.PAGE, f"{case.proposal.rule}: stopped, {why}", proposal=case.digest)


def _forbids(turn: Turn, case: Case) -> str:
    """What forbids every further order of a proposal."""
    desk, proposal = turn.desk, case.proposal
    if turn.now_ns >= proposal.expires_ns:
        return "it expired before it was done"
    if proposal.rule == FLATTEN:
        return "" if desk.kill is KillLevel.FLATTEN else "the kill switch was let go of"
    if desk.kill is not KillLevel.NONE:
        return f"the kill switch is at {desk.kill.name}"
    if turn.settings.arming and not desk.is_armed(turn.now_ns):
        return "the guard is not armed any more"
    why = outdated(turn.settings, proposal)
    if why:
        return why
    silent = sorted({leg.venue for leg in proposal.legs if turn.is_stale(leg.venue)})
    if silent:
        return f"{', '.join(silent)} went silent, so nothing of it is known"
    opens = any(not leg.reduce_only for leg in proposal.legs)
    return "an incident is open, so nothing opens risk" if opens and desk.incidents else ""


def _begin(turn: Turn, case: Case) -> None:
    """Send the first slice of every leg, or of none."""
    if not is_free(turn, case):
        return
    if why := ladder.refuses(turn.desk.ladders, case.proposal):
        stop(turn, case, why)
        return
    slices = _firsts(turn, case)
    refused = next((one for one in slices if isinstance(one, Refusal)), None)
    if refused is not None:
        stop(turn, case, refused.why)
        return
    ready = [one for one in slices if isinstance(one, Slice)]
    if len(ready) < len(slices):
        return
    for account in sorted({leg.account for leg in case.proposal.legs}):
        positions = held(turn.known.accounts[account])
        turn.write(RecordKind.SEEN, account=account, positions=positions, digest=case.digest)
    for one in ready:
        _send(turn, case, one)


def _firsts(turn: Turn, case: Case) -> list[Slice | Refusal | Waits]:
    """Every leg's first order, each within what those before it leave of the caps."""
    found: list[Slice | Refusal | Waits] = []
    beside = 0.0
    for index in range(len(case.proposal.legs)):
        found.append(one := _slice(turn, case, index, case.approved_ns, beside))
        beside += _dollars(turn, one.request) if isinstance(one, Slice) else 0.0
    return found


def is_free(turn: Turn, case: Case) -> bool:
    """No other proposal's orders are changing its positions; a flatten does not wait for those that are lost for long."""
    if case.proposal.rule == FLATTEN:
        return all(lost.reserved(turn, pair) is not None for pair in case.pairs)
    return all(turn.desk.busy(*pair) is None for pair in case.pairs)


def _go_on(turn: Turn, case: Case, index: int) -> bool:
    """Tend a leg's order, or send its next one; True when nothing is left to do for it."""
    tickets = turn.desk.tickets_of(case, index)
    last = tickets[-1] if tickets else None
    if last is not None and last.may_live:
        _tend(turn, case, last)
        return False
    if case.stopped or (last is not None and pacing.ends_leg(case, tickets)):
        return True
    leg, begun_ns = case.proposal.legs[index], turn.desk.tickets_of(case)[0].first_ns
    due_ns = pacing.due_ns(case, leg, tickets, begun_ns, turn.settings.timing)
    if turn.now_ns < due_ns:
        return False
    since_ns = max(last.at_ns if last is not None else case.approved_ns, due_ns)
    found = _slice(turn, case, index, since_ns)
    if isinstance(found, Slice):
        _send(turn, case, found)
        return False
    if isinstance(found, Refusal) and not found.done:
        stop(turn, case, found.why)
    return isinstance(found, Refusal)


def _slice(turn: Turn, case: Case, index: int, since_ns: int, beside: float = 0.0) -> Slice | Refusal | Waits:
    """A leg's next order, checked against its account and book as they were told after a time. beside : dollars that other legs
    send with it."""
    leg = case.proposal.legs[index]
    if turn.desk.kill < KillLevel.FLATTEN and leg.account in turn.known.unreconciled:
        return Waits(why="its account was not held against the journal yet")
    fresh = turn.settings.timing.fresh
    late, newest = turn.now_ns - since_ns > fresh, max(since_ns, turn.now_ns - fresh)
    seen, book = turn.fresh_account(leg.account, newest), turn.fresh_book(leg.venue, leg.symbol, newest)
    if seen is None or book is None:
        if late and not turn.was_told(leg.account, leg.symbol, max(since_ns, newest - fresh)):
            return Refusal(why="its account or book could not be read again in time")
        return Waits(why="reading")
    found = checked(turn, case, index, seen, book, beside)
    if isinstance(found, Waits) and found.patient:
        turn.ask(AskBook(venue=leg.venue, symbol=leg.symbol), -1)
        return found
    if isinstance(found, Waits):
        return Refusal(why=found.why) if late else found
    if isinstance(found, Refusal):
        return found
    tickets = turn.desk.tickets_of(case, index)
    again = bool(tickets) and tickets[-1].state is OrderState.ABSENT
    return Slice(leg=index, part=tickets[-1].part if again else len(tickets), request=found)


def _send(turn: Turn, case: Case, one: Slice) -> None:
    request, dollars = one.request, _dollars(turn, one.request)
    turn.write(RecordKind.INTENDED, digest=case.digest, leg=one.leg, part=one.part, request=request, dollars=dollars)
    turn.do(Send(request=request))


def _dollars(turn: Turn, request: OrderRequest) -> float:
    return turn.settings.dollars(request.venue, request.symbol, request.quantity, request.limit_price)


def _tend(turn: Turn, case: Case, ticket: Ticket) -> None:
    """An order that may live: asked for where it is unknown, taken back where it rests too long or is not wanted any more."""
    timing, waited = turn.settings.timing, turn.now_ns - ticket.at_ns
    patience = case.proposal.legs[ticket.leg].patience_ns
    if ticket.state is OrderState.INTENDED:
        if waited > timing.order:
            lost.lose(turn, ticket, "no answer at all")
    elif ticket.state is OrderState.UNKNOWN:
        lost.ask(turn, ticket)
        lost.page(turn, ticket)
    elif case.stopped or waited > pacing.may_rest_ns(case.proposal.legs[ticket.leg], ticket, timing):
        withdraw(turn, ticket, case.stopped or "it rested as long as it may")
        lost.ask(turn, ticket)
        if waited > timing.unknown + patience:
            lost.page(turn, ticket)


def tend_ended(turn: Turn) -> None:
    """Orders that outlived their proposal, as after an incident: asked for, and taken back where they rest."""
    for ticket in turn.desk.tickets.values():
        if ticket.may_live and not turn.desk.cases[ticket.digest].phase.is_live:
            if ticket.state is OrderState.OPEN:
                withdraw(turn, ticket, "its proposal has ended")
            lost.ask(turn, ticket)


def withdraw(turn: Turn, ticket: Ticket, why: str) -> None:
    """Take an order of ours back."""
    request = ticket.request
    effect = Cancel(account=request.account, venue=request.venue, symbol=request.symbol, client_id=request.client_id)
    take_back(turn, effect, why)


def withdraw_all(turn: Turn, why: str) -> None:
    """Take back whatever of ours rests."""
    for case in turn.desk.live_cases():
        for ticket in turn.desk.tickets_of(case):
            if ticket.state is OrderState.OPEN:
                withdraw(turn, ticket, why)
