"""What must hold of every order at the moment it leaves, read from the journal and from the truth, not from the guard."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from perpbook.files.plain import plain
from perpbook.guard.settings import Caps, Settings
from perpbook.model.action import client_id_of
from perpbook.model.message import KillLevel
from perpbook.model.order import OrderRequest, TimeInForce
from perpbook.model.record import RecordKind
from tests.simulation.broken import broken_unless
from tests.simulation.reading import Intent, Reading
from tests.simulation.stepping import Stepping

FLATTEN, PLAYBOOK, SWITCH = "kill.flatten", "playbook", "kill switch"
NEAR = 1e-9


@dataclass(slots=True, kw_only=True)
class Sending:
    """sent : how often each id left.  absent : ids that their venue said, after they last left, that it never heard of.
    approved : digests a person said yes to.  flattened : a person pulled the switch to FLATTEN.  told : newest positions the
    guard was told, by account.  may_trade, filled : the truth about an order."""

    settings: Settings
    reading: Reading
    may_trade: Callable[[str], bool]
    filled: Callable[[Intent], float]
    sent: dict[str, int] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    approved: set[str] = field(default_factory=set)
    flattened: bool = False
    told: dict[str, tuple[int, dict[str, float]]] = field(default_factory=dict)
    stepping: Stepping = field(init=False)

    def __post_init__(self) -> None:
        self.stepping = Stepping(self.reading, self._may_count)

    def check(self, request: OrderRequest, now_ns: int) -> None:
        """Every law of sending."""
        self._is_written(request)
        intent = self.reading.intents[request.client_id]
        proposal, digest = self.reading.proposals[intent.digest], intent.digest
        self._is_once(request, intent)
        self._is_allowed(digest, proposal, now_ns)
        self._is_within(request, intent, proposal)
        self._is_paced(request, intent, proposal, now_ns)
        self.stepping.check(intent, proposal)
        if self.reading.written[request.client_id] == 1:
            self._is_in_caps(digest, proposal, request)
        self.sent[request.client_id] = self.sent.get(request.client_id, 0) + 1
        self.absent.discard(request.client_id)

    def _is_written(self, request: OrderRequest) -> None:
        last = self.reading.last
        written = last is not None and last.kind is RecordKind.INTENDED and last.body["request"] == plain(request)
        broken_unless(written, "intent", f"{request.client_id} leaves before its intent is in the journal")
        count = self.sent.get(request.client_id, 0)
        broken_unless(
            self.reading.written[request.client_id] > count,
            "intent",
            f"{request.client_id} leaves more often than intended",
        )

    def _is_once(self, request: OrderRequest, intent: Intent) -> None:
        own = client_id_of(request.account, intent.digest, intent.leg, intent.part)
        broken_unless(request.client_id == own, "id", f"{request.client_id} is not the id of its leg and part, {own}")
        if request.client_id in self.sent:
            broken_unless(
                request.client_id in self.absent,
                "duplicate",
                f"{request.client_id} is sent again, and nobody said it never came",
            )
        for name, other in self.reading.intents.items():
            where = (other.request["account"], other.request["symbol"])
            if where != (request.account, request.symbol) or not self.may_trade(name):
                continue
            same_leg = (other.digest, other.leg) == (intent.digest, intent.leg)
            broken_unless(not same_leg, "duplicate", f"{name} of the same leg may still trade")
            broken_unless(other.digest == intent.digest, "two proposals", f"{name} of another proposal may still trade")

    def _is_allowed(self, digest: str, proposal: Mapping[str, Any], now_ns: int) -> None:
        reading, (who, channel) = self.reading, self.reading.approved.get(digest, ("", ""))
        if channel == PLAYBOOK:
            ok = proposal["rule"] in self.settings.bands and all(leg["reduce_only"] for leg in proposal["legs"])
        elif channel == SWITCH:
            ok = proposal["rule"] == FLATTEN and self.flattened
        else:
            ok = bool(who) and digest in self.approved
        broken_unless(ok, "approval", f"{digest[:12]} acts without an approval")
        broken_unless(now_ns < proposal["expires_ns"], "expiry", f"{digest[:12]} acts after it expired")
        flat = proposal["rule"] == FLATTEN
        level = KillLevel.FLATTEN if flat else KillLevel.NONE
        broken_unless(reading.kill == level, "kill", f"{digest[:12]} acts while the switch is at {reading.kill}")
        armed = not self.settings.arming or now_ns < reading.armed_until_ns
        broken_unless(flat or armed, "arming", f"{digest[:12]} acts while the guard is not armed")
        broken_unless(digest not in reading.stopped, "stopped", f"{digest[:12]} acts after it was stopped")

    def _is_within(self, request: OrderRequest, intent: Intent, proposal: Mapping[str, Any]) -> None:
        leg = proposal["legs"][intent.leg]
        parts = math.fsum(self._counted(one, request) for one in self.reading.of_proposal(intent.digest, intent.leg))
        broken_unless(
            parts <= abs(leg["quantity"]) * (1 + NEAR), "size", f"{parts} is sent for a leg of {leg['quantity']}"
        )
        side = math.copysign(1.0, leg["quantity"])
        fits = request.quantity * side > 0 and request.reduce_only == leg["reduce_only"]
        broken_unless(fits, "size", f"{request.client_id} is not what its leg says")
        worse = side * (request.limit_price - leg["limit_price"]) > NEAR * leg["limit_price"]
        broken_unless(not worse, "price", f"{request.limit_price} is worse than the leg's {leg['limit_price']}")
        if request.reduce_only:
            position = self.told.get(request.account, (0, {}))[1].get(request.symbol, 0.0)
            clamped = position * side < 0 and abs(request.quantity) <= abs(position) * (1 + NEAR)
            broken_unless(
                clamped, "clamp", f"{request.quantity} would turn the {position} {request.symbol} that was told"
            )

    def _counted(self, intent: Intent, leaving: OrderRequest) -> float:
        """What an order takes, in truth: all of it while it leaves or may still trade, what was filled afterwards."""
        is_leaving = intent.request["client_id"] == leaving.client_id
        return abs(intent.request["quantity"]) if is_leaving else self._may_count(intent)

    def _may_count(self, intent: Intent) -> float:
        size = abs(intent.request["quantity"])
        return size if self.may_trade(intent.request["client_id"]) else self.filled(intent)

    def _is_paced(self, request: OrderRequest, intent: Intent, proposal: Mapping[str, Any], now_ns: int) -> None:
        """No faster than its leg says, but for one that would not be done before its proposal expires; it rests where it may."""
        leg, first = proposal["legs"][intent.leg], min(one.at_ns for one in self.reading.of_proposal(intent.digest))
        if leg["slices"]:
            count = len(leg["slices"])
            every = min(leg["every_ns"], int(0.8 * (proposal["expires_ns"] - first) / max(count - 1, 1)))
            share = leg["slices"][min((now_ns - first) // max(every, 1), count - 1)]
            most = max(share * abs(leg["quantity"]), self.settings.contracts[request.venue, request.symbol].lot_size)
            parts = math.fsum(
                self._counted(one, request) for one in self.reading.of_proposal(intent.digest, intent.leg)
            )
            broken_unless(parts <= most * (1 + NEAR), "pace", f"{parts} of {leg['quantity']}, and {most} is due")
        if request.time_in_force is not TimeInForce.IOC:
            may = leg["patience_ns"] > 0 and request.reduce_only and request.venue in self.settings.rests
            broken_unless(may, "pace", f"{request.client_id} rests, and may not")

    def _is_in_caps(self, digest: str, proposal: Mapping[str, Any], leaving: OrderRequest) -> None:
        """Dollars of everything sent that traded or may trade; a run is shorter than an hour."""
        reading, caps = self.reading, self.settings.caps
        mine = self._dollars(reading.of_proposal(digest), leaving)
        broken_unless(mine <= caps.action * (1 + NEAR), "caps", f"{mine} is more than the {caps.action} of an action")
        if proposal["rule"] == FLATTEN:
            return
        self._is_below(caps, [one for one in reading.intents.values() if self._rule(one) != FLATTEN], leaving)
        if reading.approved[digest][1] == PLAYBOOK:
            band = self.settings.bands[proposal["rule"]]
            broken_unless(mine <= band.action * (1 + NEAR), "caps", f"{mine} is more than the band's {band.action}")
            same_rule = [one for one in reading.intents.values() if self._rule(one) == proposal["rule"]]
            self._is_below(band, same_rule, leaving)

    def _dollars(self, intents: list[Intent], leaving: OrderRequest) -> float:
        return math.fsum(one.dollars * self._counted(one, leaving) / abs(one.request["quantity"]) for one in intents)

    def _is_below(self, caps: Caps, intents: list[Intent], leaving: OrderRequest) -> None:
        total = self._dollars(intents, leaving)
        broken_unless(
            total <= min(caps.hour, caps.day) * (1 + NEAR), "caps", f"{total} is more than {caps} of an hour or day"
        )

    def _rule(self, intent: Intent) -> str:
        return str(self.reading.proposals[intent.digest]["rule"])
