"""What must hold after every step, and once everything has come to rest."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from perpbook.guard.case import Case, Phase, same
from perpbook.guard.desk import Desk
from perpbook.model.account import Order
from perpbook.model.action import digest_of
from perpbook.model.alert import Alert, Severity
from perpbook.model.effect import SetTimer
from perpbook.model.message import AccountSeen, Answered, Kill, KillLevel, Message, OrderSeen
from perpbook.model.order import OrderRequest, OrderState
from perpbook.model.record import Record, RecordKind
from perpbook.simulation.exchange import Exchange
from tests.simulation.broken import broken_unless
from tests.simulation.plan import Plan
from tests.simulation.reading import Intent, Reading
from tests.simulation.sending import Sending
from tests.simulation.wire import Wire

WORDS = {
    "denied": "proposal.denied",
    "expired": "proposal.expired",
    "closed": "proposal.closed",
    "aborted": "proposal.",
    "incident": "incident",
}
"""By which alert the end of a proposal is told."""
TAKEN_BACK_NS = 30_000_000_000
"""Longer than taking an order back lasts where nothing goes wrong."""
MONEY = 1e-6
"""Relative to what a venue holds: more than rounding."""


@dataclass(slots=True, kw_only=True)
class Laws:
    """Follows the journal record by record, what is told to the guard and by it, and what venues truly do."""

    plan: Plan
    wires: dict[str, Wire]
    reading: Reading = field(default_factory=Reading)
    counts: Counter[str] = field(default_factory=Counter)
    said: set[tuple[str, str, float]] = field(default_factory=set)
    told: set[tuple[str, str]] = field(default_factory=set)
    orders: dict[str, tuple[Order, ...]] = field(default_factory=dict)
    paged: list[str] = field(default_factory=list)
    raised: Callable[[], int]
    sending: Sending = field(init=False)

    def __post_init__(self) -> None:
        self.sending = Sending(
            settings=self.plan.settings, reading=self.reading, may_trade=self._may_trade, filled=self._filled
        )

    def _may_trade(self, client_id: str) -> bool:
        return any(wire.may_trade(client_id) for wire in self.wires.values())

    def _filled(self, intent: Intent) -> float:
        one = intent.request
        return abs(self._exchange(one["venue"]).order(one["account"], one["symbol"], one["client_id"]).filled)

    # What goes by.

    def hears(self, message: Message) -> None:
        """The guard is about to be told something."""
        if isinstance(message, Answered) and message.approve:
            self.sending.approved.add(message.digest)
        elif isinstance(message, OrderSeen):
            report = message.report
            self.said.add((report.client_id, report.state.value, report.filled))
            if report.state is OrderState.ABSENT:
                self.sending.absent.add(report.client_id)
        elif isinstance(message, AccountSeen) and self.plan.settings.accounts.get(message.account.id):
            self._account(message)

    def _account(self, message: AccountSeen) -> None:
        name, positions = message.account.id, {one.symbol: one.quantity for one in message.account.positions}
        sound = all(math.isfinite(one) for one in positions.values())
        if (
            sound
            and message.at_ns <= message.received_ns + 5_000_000_000
            and message.at_ns >= self.sending.told.get(name, (0, {}))[0]
        ):
            self.sending.told[name] = (message.at_ns, positions)
            self.orders[name] = message.account.orders

    def writes(self, record: Record) -> None:
        """A record is in the journal."""
        self.reading.take(record)
        self.sending.stepping.take(record)
        body: Any = record.body
        if record.kind is RecordKind.ANSWERED:
            report = body["report"]
            key = (report["client_id"], report["state"], report["filled"])
            broken_unless(report["state"] == "unknown" or key in self.said, "guess", f"nobody said {key}")
        elif record.kind is RecordKind.FILL:
            fill = body["fill"]
            truth = self.wires[fill["venue"]].truth.fills(fill["account"])
            broken_unless(
                any(one.trade_id == fill["trade_id"] for one in truth), "guess", f"no trade {fill['trade_id']}"
            )
        elif record.kind is RecordKind.PROPOSED:
            broken_unless(
                digest_of(body["proposal"]) == body["digest"], "digest", "a proposal is not what its digest says"
            )

    def sends(self, request: OrderRequest, now_ns: int) -> None:
        """An order leaves."""
        self.counts[f"sent {request.time_in_force.value}"] += 1
        self.counts["sent again" if request.client_id in self.sending.sent else "sent"] += 1
        self.sending.check(request, now_ns)

    def sets_timer(self, effect: SetTimer) -> None:
        """A venue is asked to cancel what rests unless it hears of the guard: only where something of ours may rest, and nothing
        that protects, as the account was last told."""
        if effect.wait_ns == 0:
            return
        ours = [
            name
            for name, one in self.reading.intents.items()
            if one.request["account"] == effect.account and one.request["time_in_force"] != "ioc"
        ]
        broken_unless(bool(ours), "timer", f"nothing of the guard's rests in {effect.account}")
        stops = [
            one for one in self.orders.get(effect.account, ()) if one.reduce_only and one.id not in self.reading.intents
        ]
        stops = [one for one in stops if effect.symbol in ("", one.symbol)]
        broken_unless(not stops, "timer", f"a timer would take {len(stops)} protective orders of {effect.account}")

    def tells(self, alert: Alert) -> None:
        """People are told something."""
        self.counts[f"told {alert.kind}"] += 1
        self.told.add((alert.kind, alert.proposal))
        if alert.severity is Severity.PAGE:
            self.paged.append(f"{alert.kind} {alert.sentence}")
        if alert.kind == "guard.error":
            broken_unless(self.raised() > 0, "error", alert.sentence)

    def arrived(self, request: OrderRequest, before: float, after: float) -> None:
        """An order of the guard's came to its venue."""
        if request.reduce_only:
            shrank = before * after >= 0.0 and abs(after) <= abs(before)
            broken_unless(shrank, "reduce-only", f"{request.client_id} made {before} of {request.symbol} into {after}")

    # After a step.

    def took(self, message: Message, answers_before: int, desk: Desk) -> None:
        """The guard took a message whole."""
        if isinstance(message, Answered):
            named = message.digest[:64]
            broken_unless(
                named in self.reading.answers[answers_before:],
                "approval lost",
                f"no word in the journal on {named[:12]}",
            )
        elif isinstance(message, Kill) and message.level > KillLevel.NONE:
            broken_unless(
                self.reading.kill >= message.level, "kill", f"the switch was pulled to {message.level.name} in vain"
            )

    def is_fold(self, folded: Desk, live: Desk) -> None:
        """The desk is what the journal makes."""
        broken_unless(folded == live, "fold", "the live desk is not what its journal makes")

    def keeps_money(self, bridged: float) -> None:
        """No money is made or lost on a venue."""
        for wire in self.wires.values():
            broken_unless(
                abs(wire.truth.total()) <= MONEY * 1e9, "money", f"{wire.venue} is off by {wire.truth.total()}"
            )
        broken_unless(math.isfinite(bridged) and bridged >= -MONEY * 1e6, "money", f"{bridged} is on bridges")

    # At the end.

    def rest(self, desk: Desk) -> None:
        """Everything has come to rest, faults are long over, and the guard is up."""
        self._orders(desk)
        self._resting(desk)
        self._positions(desk)
        self._words(desk)
        for key, account in self.reading.ever.items():
            broken_unless(
                any(key in told for told in self.paged), "page", f"incident {key} of {account} was never paged"
            )

    def _orders(self, desk: Desk) -> None:
        """By proposal and leg, no more was truly traded than approved; what the guard thinks it traded is the truth."""
        filled: Counter[tuple[str, int]] = Counter()
        for name, intent in self.reading.intents.items():
            request, proposal = intent.request, self.reading.proposals[intent.digest]
            truth = self._exchange(request["venue"]).order(request["account"], request["symbol"], name)
            filled[intent.digest, intent.leg] += abs(truth.filled)  # type: ignore[assignment]
            most = abs(proposal["legs"][intent.leg]["quantity"])
            broken_unless(
                filled[intent.digest, intent.leg] <= most * (1 + 1e-9), "overfilled", f"{intent.digest[:12]} of {most}"
            )
            ticket = desk.tickets.get(name)
            if ticket is not None and not desk.cases[ticket.digest].phase.is_live:
                broken_unless(
                    same(ticket.filled, truth.filled), "fills", f"{name}: {ticket.filled} known, {truth.filled} true"
                )

    def _resting(self, desk: Desk) -> None:
        """No order of a proposal that has ended rests."""
        for wire in self.wires.values():
            for account in wire.truth.accounts:
                for order in wire.truth.open_orders(account):
                    ticket = desk.tickets.get(order.client_id)
                    over = ticket is not None and not desk.cases[ticket.digest].phase.is_acting
                    broken_unless(not over, "orphan", f"{order.client_id} rests, and its proposal has ended")
                    stands = (
                        ticket is not None
                        and desk.at_ns > desk.cases[ticket.digest].proposal.expires_ns + TAKEN_BACK_NS
                    )
                    broken_unless(not stands, "orphan", f"{order.client_id} rests, and its proposal expired long ago")

    def _exchange(self, venue: str) -> Exchange:
        return self.wires[venue].truth

    def _positions(self, desk: Desk) -> None:
        for account, venue in self.plan.settings.accounts.items():
            truth = {one.symbol: one.quantity for one in self._exchange(venue).account(account).positions}
            known = desk.positions.get(account, {})
            apart = [name for name in {*truth, *known} if not same(truth.get(name, 0.0), known.get(name, 0.0))]
            acting = any(desk.busy(account, name) for name in apart)
            open_ = any(one.account in ("", account) for one in desk.incidents.values())
            broken_unless(not apart or acting or open_, "positions", f"{account} is {truth}, and the guard has {known}")
            if desk.kill >= KillLevel.CANCEL:
                stray = [one for one in self._exchange(venue).account(account).orders if not one.reduce_only]
                stray = [one for one in stray if one.quantity * truth.get(one.symbol, 0.0) >= 0.0]
                broken_unless(not stray, "cancel", f"{len(stray)} orders that open risk rest at {desk.kill.name}")

    def _words(self, desk: Desk) -> None:
        """Every approval that was taken came to an end with a word, or stands with a page."""
        for digest in self.reading.approved:
            end = self.reading.ended.get(digest)
            if end is None:
                case = desk.cases[digest]
                broken_unless(
                    self._stands(desk, case),
                    "approval lost",
                    f"{digest[:12]} is {case.phase.value}, and nobody was paged",
                )
                continue
            word = WORDS[end]
            spoken = any(kind.startswith(word) and name == digest for kind, name in self.told)
            broken_unless(spoken, "approval lost", f"{digest[:12]} was {end}, and nobody was told")

    def _stands(self, desk: Desk, case: Case) -> bool:
        young = self.plan.settings.expiry_ns + 60_000_000_000
        waits = any(key[0] in ("order.unknown", "verify.waits") for key in desk.alerts)
        return waits or desk.at_ns - case.approved_ns < young

    def outcomes(self, desk: Desk) -> Iterable[str]:
        """What became of everything, for counting."""
        yield from (f"phase {case.phase.value}" for case in desk.cases.values())
        yield from (f"order {one.state.value}" for one in desk.tickets.values())
        yield from (
            f"rule {case.proposal.rule} {case.phase.value}"
            for case in desk.cases.values()
            if case.phase is not Phase.EXPIRED
        )
