"""A desk with channels that may fail, driven step by step: what it delivered, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from perpbook.alerts.desk import Desk, acknowledged, delivered, heard
from perpbook.alerts.due import due, settle
from perpbook.alerts.held import Delivery, Part, What
from perpbook.alerts.routing import MINUTE_NS, Routing, routing_of
from perpbook.model.alert import Alert, Severity
from perpbook.model.record import Record
from perpbook.playbook.alerts_section import Alerts

START = 1_790_000_000_000_000_000
ESCALATE, REPEAT, SETTLE = 10, 30, 5

RULES = {
    "channels": {"phone": "telegram:PHONE", "desk": "console", "pager": "webhook:PAGER"},
    "routes": {"page": ("phone + desk", "pager"), "warn": ("phone", "desk"), "info": ("desk",)},
    "telegram_users": (7,),
    "escalate_after_minutes": float(ESCALATE), "repeat_minutes": float(REPEAT), "resolve_after_minutes": float(SETTLE),
}  # fmt: skip


def routing(**rules: object) -> Routing:
    return routing_of(Alerts.model_validate({**RULES, **rules}))


def alert(kind: str = "rule.leverage.asset", severity: Severity = Severity.PAGE, **parts: object) -> Alert:
    return Alert(**{"kind": kind, "severity": severity, "at_ns": START, "sentence": f"{kind} is so", **parts})  # type: ignore[arg-type]


@dataclass
class Driven:
    """A desk, its records, and every delivery that arrived, with its minute."""

    routing: Routing = field(default_factory=routing)
    desk: Desk = field(default_factory=Desk)
    records: list[Record] = field(default_factory=list)
    arrived: list[Delivery] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    now_ns: int = START

    def write(self, record: Record | None) -> None:
        if record is not None:
            self.records.append(record)
            self.desk.apply(record)

    def hear(self, one: Alert, stands: bool = True) -> None:
        self.write(heard(self.desk, one, stands, self.now_ns))
        self.turn()

    def over(self, one: Alert) -> None:
        self.hear(alert(one.kind, one.severity, account=one.account, symbol=one.symbol, resolved=True))

    def acknowledge(self, key: str) -> None:
        self.write(acknowledged(self.desk, key, "ann", self.now_ns))
        self.turn()

    def turn(self) -> None:
        for record in settle(self.desk, self.routing, self.now_ns):
            self.write(record)
        for one in due(self.desk, self.routing, self.now_ns):
            ok = one.channel not in self.down
            if ok:
                self.arrived.append(one)
            self.write(delivered(one, ok=ok, why="" if ok else "is down", now_ns=self.now_ns))

    def wait(self, minutes: float) -> None:
        """Time passes, half a minute at a time."""
        for _ in range(round(minutes * 2)):
            self.now_ns += MINUTE_NS // 2
            self.turn()

    def got(self, channel: str) -> list[str]:
        return [one.what.value for one in self.arrived if one.channel == channel]

    def parts(self) -> list[tuple[Delivery, Part]]:
        return [(one, part) for one in self.arrived for part in one.parts]


KINDS = ("rule.leverage.asset", "stale.feed", "funding.flip")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), st.sampled_from(KINDS), st.sampled_from(list(Severity))),
        st.tuples(st.just("event"), st.sampled_from(KINDS), st.sampled_from(list(Severity))),
        st.tuples(st.just("over"), st.sampled_from(KINDS), st.just(Severity.PAGE)),
        st.tuples(st.just("wait"), st.integers(1, 50), st.none()),
        st.tuples(st.just("fails"), st.sampled_from(["phone", "desk", "pager"]), st.none()),
        st.tuples(st.just("works"), st.sampled_from(["phone", "desk", "pager"]), st.none()),
        st.tuples(st.just("acknowledge"), st.integers(0, 3), st.none()),
    ),
    min_size=1,
    max_size=14,
)


def drive(steps: list[tuple[str, object, object]], **rules: object) -> Driven:
    """The steps taken, half a minute apart."""
    world = Driven(routing=routing(**rules))
    for name, first, second in steps:
        match name, first, second:
            case (("hear" | "event"), str(), Severity()):
                world.hear(alert(first, second), stands=name == "hear")
            case "over", str(), _:
                world.over(alert(first))
            case "wait", int(), _:
                world.wait(first)
            case "fails", str(), _:
                world.down.add(first)
            case "works", str(), _:
                world.down.discard(first)
            case "acknowledge", int(), _:
                waiting = [id_ for id_, one in world.desk.held.items() if one.is_page and not one.acknowledged]
                if first < len(waiting):
                    world.acknowledge(waiting[first])
    return world


LIVE = (What.NEW, What.AGAIN, What.ESCALATED, What.EASED)
