"""Everything the guard must still know after a crash: a fold of its journal, changed by nothing else.

Two desks made of the same records are equal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from perpbook.files.rebuild import rebuild
from perpbook.guard import funded, ladder
from perpbook.guard.case import Case, Key, Phase, Ticket
from perpbook.guard.cut import Cuts
from perpbook.model.action import Proposal
from perpbook.model.message import KillLevel
from perpbook.model.order import Fill, OrderReport, OrderRequest, OrderState
from perpbook.model.record import Record, RecordKind
from perpbook.model.units import DAY_NS

KEPT_NS = 7 * DAY_NS
"""How long proposals that have ended, and their orders, are kept for answers and trades that come late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Dollars of one order at its limit price, when it was intended, and under which rule. What an order that has ended did not
    fill is taken off again."""

    client_id: str
    at_ns: int
    dollars: float
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something a person must look at. `account` "" for all."""

    key: str
    account: str
    why: str
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """When and how the last proposal of a wish ended. by_person : somebody said no, and need not hear it again at once."""

    at_ns: int
    phase: Phase
    by_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the book was worth, dollars, when a UTC day or week, by its number, was first looked at whole."""

    number: int
    equity: float
    at_ns: int


@dataclass(slots=True)
class Desk:
    """The guard's durable state.

    cases : by digest.  live : digests of those that may still come to something, oldest first.  tickets : by client id.  trades :
    (venue, trade id) of fills counted.  spent : of the last day.  positions : by account as last seen, verified or adopted, {}
    for flat; an account that is missing was never seen.  incidents : open, by key.  exits : plans in progress.  alerts : severity
    of those that stand.  ended : how a wish's last proposal ended.  untold : digests of proposals whose end nobody was told yet.
    timers : until when venues' timers are set, by account and contract.  alert : the last one written, which may not have been
    told.  day, week : the last ones begun, weeks on Mondays.  ladders : what positions have taken of their profit, by account and
    symbol; one that is missing has taken nothing.  turned : when positions were last seen to begin, end or turn over.
    funding_cuts : what positions were cut for what their funding cost.
    """

    cases: dict[str, Case] = field(default_factory=dict)
    live: list[str] = field(default_factory=list)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    trades: set[tuple[str, str]] = field(default_factory=set)
    spent: list[Spent] = field(default_factory=list)
    positions: dict[str, dict[str, float]] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    exits: dict[str, dict[str, object]] = field(default_factory=dict)
    alerts: dict[tuple[str, str, str], str] = field(default_factory=dict)
    ended: dict[Key, Ended] = field(default_factory=dict)
    untold: list[str] = field(default_factory=list)
    timers: dict[tuple[str, str], int] = field(default_factory=dict)
    alert: Mapping[str, object] | None = None
    day: Start | None = None
    week: Start | None = None
    ladders: ladder.Ladders = field(default_factory=dict)
    turned: dict[tuple[str, str], int] = field(default_factory=dict)
    funding_cuts: Cuts = field(default_factory=Cuts)
    kill: KillLevel = KillLevel.NONE
    kill_ns: int = 0
    kill_who: str = ""
    kill_reason: str = ""
    armed_until_ns: int = 0
    at_ns: int = 0
    records: int = 0

    def apply(self, record: Record) -> None:
        """Take one record."""
        self.records += 1
        self.at_ns = max(self.at_ns, record.at_ns)
        step = _STEPS.get(record.kind)
        if step is not None:
            step(self, record.at_ns, cast("Mapping[str, Any]", record.body))

    def spent_since(self, since_ns: int, rule: str | None = None) -> float:
        """Dollars of orders intended after a time, of one rule or all."""
        return sum(one.dollars for one in self.spent if one.at_ns > since_ns and rule in (None, one.rule))

    def live_cases(self) -> Iterator[Case]:
        """Proposals that may still come to something, oldest first."""
        return (self.cases[digest] for digest in tuple(self.live))

    def busy(self, account: str, symbol: str) -> Case | None:
        """The proposal whose orders may be changing a position now."""
        for case in self.live_cases():
            if case.phase.is_acting and (account, symbol) in case.pairs:
                return case
        return None

    def tickets_of(self, case: Case, leg: int | None = None) -> list[Ticket]:
        """A proposal's orders, or those of one leg, in the order they were intended."""
        found = [self.tickets[name] for name in case.tickets]
        return found if leg is None else [ticket for ticket in found if ticket.leg == leg]

    def traded(self, case: Case, account: str, symbol: str) -> float:
        """What a proposal's orders have changed of a position so far, signed."""
        mine = [one for one in self.tickets_of(case) if (one.request.account, one.request.symbol) == (account, symbol)]
        return math.fsum(one.filled for one in mine)

    def is_armed(self, now_ns: int) -> bool:
        """Acting is allowed now."""
        return now_ns < self.armed_until_ns


def fold(records: Iterable[Record], desk: Desk | None = None) -> Desk:
    """The desk that these records make, after those of another if one is given (which is changed)."""
    made = desk if desk is not None else Desk()
    for record in records:
        made.apply(record)
    return made


def _proposed(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    proposal = rebuild(Proposal, body["proposal"])
    digest = str(body["digest"])
    whole = {(account, symbol): float(quantity) for account, symbol, quantity in body.get("whole", ())}
    desk.cases[digest] = Case(proposal=proposal, digest=digest, phase=Phase.PROPOSED, since_ns=at_ns, whole=whole)
    desk.live.append(digest)


def _approved(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    case = desk.cases[body["digest"]]
    case.phase, case.since_ns, case.approved_ns = Phase.APPROVED, at_ns, at_ns
    case.who, case.channel = body["who"], body["channel"]


def _ended(phase: Phase) -> Any:
    def step(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
        case = desk.cases[body["digest"]]
        case.phase, case.since_ns, case.why = phase, at_ns, body["why"]
        case.who, case.channel = body.get("who") or case.who, body.get("channel") or case.channel
        if case.digest in desk.live:
            desk.live.remove(case.digest)
            desk.untold.append(case.digest)
        said_no = phase is Phase.DENIED or (phase is Phase.ABORTED and bool(body.get("who")))
        desk.funding_cuts.ended(case, desk.tickets_of(case))
        desk.ended[case.key] = Ended(at_ns=at_ns, phase=phase, by_person=said_no)
        _forget(desk, at_ns - KEPT_NS)

    return step


def _forget(desk: Desk, before_ns: int) -> None:
    old = [name for name, case in desk.cases.items() if not case.phase.is_live and case.since_ns < before_ns]
    for name in old:
        for client_id in desk.cases.pop(name).tickets:
            ticket = desk.tickets.pop(client_id)
            desk.trades -= {(ticket.request.venue, trade) for trade in ticket.fills}


def _aborted(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    case = desk.cases[body["digest"]]
    if case.tickets:
        case.stopped = case.stopped or body["why"]
    else:
        _ended(Phase.ABORTED)(desk, at_ns, body)


def _intended(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    request = rebuild(OrderRequest, body["request"])
    case = desk.cases[body["digest"]]
    ticket = desk.tickets.get(request.client_id)
    if ticket is not None:
        ticket.state, ticket.sends = OrderState.INTENDED, ticket.sends + 1
        ticket.sent_ns, ticket.at_ns, ticket.unknown_ns = at_ns, at_ns, 0
        return
    case.tickets.append(request.client_id)
    ladder.begun(desk.ladders, case, case.proposal.legs[body["leg"]])
    if case.phase is not Phase.EXECUTING:
        case.phase, case.since_ns = Phase.EXECUTING, at_ns
    desk.tickets[request.client_id] = Ticket(
        request=request,
        digest=case.digest,
        leg=body["leg"],
        part=body["part"],
        first_ns=at_ns,
        sent_ns=at_ns,
        at_ns=at_ns,
        dollars=float(body["dollars"]),
    )
    desk.spent = [one for one in desk.spent if one.at_ns > at_ns - DAY_NS]
    desk.spent.append(
        Spent(client_id=request.client_id, at_ns=at_ns, dollars=float(body["dollars"]), rule=case.proposal.rule)
    )


def _answered(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    report = rebuild(OrderReport, body["report"])
    ticket = desk.tickets.get(report.client_id)
    if ticket is not None:
        before = ticket.filled
        ticket.hear(report, at_ns)
        _settle(desk, ticket, before)


def _fill(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    fill = rebuild(Fill, body["fill"])
    ticket = desk.tickets.get(fill.client_id)
    if ticket is not None and (fill.venue, fill.trade_id) not in desk.trades:
        desk.trades.add((fill.venue, fill.trade_id))
        before = ticket.filled
        ticket.fills[fill.trade_id] = fill.quantity
        _settle(desk, ticket, before)


def _settle(desk: Desk, ticket: Ticket, before: float) -> None:
    """What an order's dollars are by what is known of it, and what it made of a step. before : what was known to be filled."""
    proposal, change, name = desk.cases[ticket.digest].proposal, ticket.filled - before, ticket.request.client_id
    ladder.traded(desk.ladders, proposal.legs[ticket.leg], change)
    desk.funding_cuts.traded(desk.cases[ticket.digest], ticket, change)
    desk.spent = [replace(one, dollars=ticket.spent) if one.client_id == name else one for one in desk.spent]


def _seen(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    positions = {symbol: float(quantity) for symbol, quantity in body["positions"].items()}
    account, was = body["account"], desk.positions.get(body["account"])
    ours = [symbol for symbol in {*(was or {}), *positions} if desk.busy(account, symbol)]
    ladder.shown(desk.ladders, account, was, positions, ours)
    funded.shown(desk.turned, account, was, positions, at_ns)
    desk.positions[account] = positions
    case = desk.cases.get(body.get("digest", ""))
    if case is not None:
        for account, symbol in case.pairs:
            if account == body["account"]:
                case.base[account, symbol] = positions.get(symbol, 0.0)


def _verifying(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    case = desk.cases[body["digest"]]
    case.phase, case.since_ns = Phase.VERIFYING, at_ns


def _verified(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    for account, symbol, quantity in body["positions"]:
        was = desk.positions.get(account, {})
        now = {name: held for name, held in {**was, symbol: float(quantity)}.items() if held != 0.0}
        ladder.shown(desk.ladders, account, was, now, [symbol])
        funded.shown(desk.turned, account, {symbol: was.get(symbol, 0.0)}, {symbol: now.get(symbol, 0.0)}, at_ns)
        desk.positions[account] = now


def _closed(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    case = desk.cases[body["digest"]]
    ladder.closed(desk.ladders, case, desk.tickets_of(case))
    _ended(Phase.CLOSED)(desk, at_ns, body)


def _incident(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    key = body["key"]
    desk.incidents[key] = Incident(key=key, account=body["account"], why=body["why"], at_ns=at_ns)
    case = desk.cases.get(body["digest"])
    if case is not None and case.phase.is_live:
        _ended(Phase.INCIDENT)(desk, at_ns, body)


def _adopted(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    _seen(desk, at_ns, body)
    desk.incidents = {key: one for key, one in desk.incidents.items() if one.account != body["account"]}


def _acknowledged(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    desk.incidents.pop(body["key"], None)


def _kill(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    desk.kill, desk.kill_ns = max(desk.kill, KillLevel(body["level"])), at_ns
    desk.kill_who, desk.kill_reason = body["who"], body["reason"]


def _resumed(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    desk.kill, desk.kill_ns = KillLevel.NONE, at_ns
    desk.kill_who, desk.kill_reason = body["who"], body["reason"]


def _armed(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    desk.armed_until_ns = int(body["until_ns"])


def _disarmed(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    desk.armed_until_ns = 0


def _alert(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    desk.alert = alert = body["alert"]
    desk.untold = [digest for digest in desk.untold if digest != alert["proposal"]]
    key = (alert["kind"], alert["account"], alert["symbol"])
    if alert["resolved"]:
        desk.alerts.pop(key, None)
    elif body["stands"]:
        desk.alerts[key] = alert["severity"]


def _exit(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    if body["body"] is None:
        desk.exits.pop(body["plan"], None)
    else:
        desk.exits[body["plan"]] = dict(body["body"])


def _day(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    equity, week = float(body["equity"]), int(body["week"])
    desk.day = Start(number=int(body["day"]), equity=equity, at_ns=at_ns)
    if desk.week is None or desk.week.number != week:
        desk.week = Start(number=week, equity=equity, at_ns=at_ns)


def _steps(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    ladder.looked(desk.ladders, (body["account"], body["symbol"]), float(body["gain"]))


def _timer(desk: Desk, at_ns: int, body: Mapping[str, Any]) -> None:
    key = (body["account"], body["symbol"])
    if body["until_ns"] > 0:
        desk.timers[key] = int(body["until_ns"])
    else:
        desk.timers.pop(key, None)


_STEPS = {
    RecordKind.PROPOSED: _proposed,
    RecordKind.APPROVED: _approved,
    RecordKind.DENIED: _ended(Phase.DENIED),
    RecordKind.EXPIRED: _ended(Phase.EXPIRED),
    RecordKind.ABORTED: _aborted,
    RecordKind.INTENDED: _intended,
    RecordKind.ANSWERED: _answered,
    RecordKind.FILL: _fill,
    RecordKind.VERIFYING: _verifying,
    RecordKind.VERIFIED: _verified,
    RecordKind.INCIDENT: _incident,
    RecordKind.CLOSED: _closed,
    RecordKind.SEEN: _seen,
    RecordKind.ADOPTED: _adopted,
    RecordKind.KILL: _kill,
    RecordKind.RESUMED: _resumed,
    RecordKind.ARMED: _armed,
    RecordKind.DISARMED: _disarmed,
    RecordKind.ALERT: _alert,
    RecordKind.ACKNOWLEDGED: _acknowledged,
    RecordKind.EXIT: _exit,
    RecordKind.DAY: _day,
    RecordKind.TIMER: _timer,
    RecordKind.STEPS: _steps,
}
