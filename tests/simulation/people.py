"""A person: approves, denies, forgets, approves twice, another hash or late; arms, pulls the switch, trades and moves money."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from perpbook.guard.case import Phase
from perpbook.guard.desk import Desk
from perpbook.model.action import ActionKind
from perpbook.model.alert import Alert
from perpbook.model.message import (
    Acknowledge,
    Adopt,
    Answered,
    Arm,
    ExitWord,
    FromPeople,
    Kill,
    KillLevel,
)
from perpbook.model.order import OrderRequest, TimeInForce
from perpbook.model.units import HOUR_NS, SECOND_NS
from tests.simulation.agenda import Turn
from tests.simulation.chance import Chance
from tests.simulation.plan import MARKS, Plan
from tests.simulation.stage import Stage
from tests.simulation.wire import Wire

CHANNELS = ("cli", "telegram", "web")


class Ear(Stage, Protocol):
    """What a person may do: `say` hands a word to the guard and tells whether it was taken; `read` is the journal as shown;
    `flag` pulls the switch by a file, which works while the guard is down."""

    wires: dict[str, Wire]

    def say(self, message: FromPeople) -> bool:
        """Whether the guard took it."""
        ...

    def flag(self, message: Kill) -> None:
        """Pull the switch whatever happens."""
        ...

    def bridge(self, amount: float) -> None:
        """Money is on a bridge now (> 0), or no more."""
        ...

    def read(self) -> Desk:
        """What the journal shows."""
        ...


class Person:
    """One person with a plan's habits."""

    def __init__(self, stage: Ear, plan: Plan) -> None:
        self._stage, self._plan, self._habits = stage, plan, plan.habits
        self._chance = Chance(plan.seed, "people")
        self._heard: set[str] = set()
        self._strays = 0
        self._moved: set[str] = set()

    def begin(self) -> None:
        """Arm, and look at things from now on."""
        self._after(0.5, self._arm)
        self._after(self._habits.looks, self._look)
        protects = Chance(self._plan.seed, "protects")
        for wire in self._stage.wires.values():
            if wire.venue in self._plan.settings.rests and protects.strikes(0.4):
                self._after(protects.between(0.1, 40.0), partial(self._protect, wire))

    def hear(self, alert: Alert) -> None:
        """Something is told."""
        if alert.kind == "proposal.waits":
            self._meet(alert.proposal)

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        self._stage.agenda.at(self._stage.now_ns + int(seconds * SECOND_NS), Turn.PEOPLE, act)

    def _arm(self) -> None:
        until_ns = self._stage.now_ns + int(self._chance.between(0.01, 1.0) * HOUR_NS)
        if not self._stage.say(Arm(until_ns=until_ns, who="ann", received_ns=0)):
            self._after(5.0, self._arm)

    def _look(self) -> None:
        """Every so often: what waits, what stands, and what comes to mind."""
        desk, minutes = self._stage.read(), self._habits.looks / 60.0
        if not self._stage.is_resting:
            self._tend(desk, minutes)
        for case in list(desk.live_cases()):
            if case.phase is Phase.PROPOSED and case.digest not in self._heard and self._chance.strikes(0.5):
                self._meet(case.digest)
        self._move_money(desk)
        if not self._stage.is_calm:
            self._whim(minutes)
        elif not desk.is_armed(self._stage.now_ns):
            self._arm()
        self._after(self._habits.looks, self._look)

    def _tend(self, desk: Desk, minutes: float) -> None:
        if desk.kill is not KillLevel.NONE and self._chance.strikes(min(1.0, 3.0 * self._habits.resumes * minutes)):
            self._say(Kill(level=KillLevel.NONE, who="ann", reason="seen", received_ns=0), "resumed")
        for incident in list(desk.incidents.values()):
            if self._chance.strikes(0.4):
                self._say(Acknowledge(key=incident.key, who="ann", received_ns=0), "acknowledged")
            elif incident.account and self._chance.strikes(0.4):
                self._say(Adopt(account=incident.account, who="ann", received_ns=0), "adopted")

    def _whim(self, minutes: float) -> None:
        habits, chance = self._habits, self._chance
        if chance.strikes(habits.kills * minutes):
            level = chance.pick((KillLevel.PAUSE, KillLevel.CANCEL, KillLevel.FLATTEN, KillLevel.FLATTEN))
            self._stage.count(f"person kills {level.name.lower()}")
            self._stage.flag(Kill(level=level, who="ann", reason="whim", received_ns=0))
        if chance.strikes(habits.disarms * minutes):
            self._say(Arm(until_ns=0, who="ann", received_ns=0), "disarms")
            self._after(chance.wait(20.0), self._arm)
        if chance.strikes(habits.exits * minutes):
            self._say(
                ExitWord(plan="all", body=chance.pick(({"stage": 1}, None)), who="ann", received_ns=0), "exit plan"
            )
        if chance.strikes(habits.rests * minutes):
            self._rest()
        if chance.strikes(habits.lies * minutes):
            self._lie()

    def _say(self, message: FromPeople, what: str) -> None:
        if self._stage.say(message):
            self._stage.count(f"person {what}")

    def _meet(self, digest: str) -> None:
        """Decide what to do about a proposal, and when."""
        self._heard.add(digest)
        what, wait = self._chance.weighed(self._habits.answers), self._chance.wait(self._habits.reply)
        if self._stage.is_calm and what == "late":
            what = "approve"
        if what == "forget":
            self._stage.count("person forget")
            return
        if what == "late":
            wait += self._plan.settings.expiry_ns / SECOND_NS * self._chance.between(0.3, 1.1)
        self._after(wait, lambda: self._answer(digest, what, 3))

    def _answer(self, digest: str, what: str, tries: int) -> None:
        named = digest[:-1] + ("0" if digest[-1] != "0" else "1") if what == "other" else digest
        word = Answered(
            digest=named, approve=what != "deny", who="ann", channel=self._chance.pick(CHANNELS), received_ns=0
        )
        taken = self._stage.say(word)
        self._stage.count(f"person {what}" if taken else "person not heard")
        if tries and (not taken or what == "twice"):
            self._after(
                self._chance.wait(2.0), lambda: self._answer(digest, "approve" if what == "twice" else what, tries - 1)
            )

    def _lie(self) -> None:
        """A stranger's word on something that is not there."""
        digest = self._chance.pick(("", "0" * 64, "x" * 5_000, "é"))
        self._say(Answered(digest=digest, approve=True, who="mallory", channel="web", received_ns=0), "stranger")

    def _rest(self) -> None:
        """An order by hand that rests and opens risk, far from the market."""
        wire = self._chance.pick(list(self._stage.wires.values()))
        account, symbol = wire.truth.accounts[0], self._chance.pick(list(MARKS[wire.venue]))
        price = wire.truth.whole_ticks(symbol, 0.9)
        size = wire.truth.whole_lots(symbol, self._plan.limit * 0.1 / price)
        self._strays += 1
        if size > 0.0:
            self._stage.count("person rests an order")
            wire.truth.place(
                OrderRequest(
                    client_id=f"{self._chance.pick(('stray', 'known'))}{self._strays:027d}", account=account, venue=wire.venue,
                    symbol=symbol, quantity=size, limit_price=price, reduce_only=False, time_in_force=TimeInForce.GTC,
                ),
                self._stage.now_ns,
            )  # fmt: skip
            wire.notice()

    def _protect(self, wire: Wire) -> None:
        """An order by hand that takes a profit far away: it only makes smaller."""
        account, symbol = wire.truth.accounts[0], next(iter(MARKS[wire.venue]))
        held = wire.truth.held(account, symbol)
        if held == 0.0:
            return
        self._strays += 1
        self._stage.count("person rests a protective order")
        price = wire.truth.whole_ticks(symbol, 1.6 if held > 0.0 else 0.4)
        wire.truth.place(
            OrderRequest(
                client_id=f"known{self._strays:027d}", account=account, venue=wire.venue, symbol=symbol, quantity=-held,
                limit_price=price, reduce_only=True, time_in_force=TimeInForce.GTC,
            ),
            self._stage.now_ns,
        )  # fmt: skip
        wire.notice()

    def _move_money(self, desk: Desk) -> None:
        """What an approved transfer asks for: out of one venue at once, into the other over a bridge that takes its time."""
        for case in list(desk.cases.values()):
            if (
                case.proposal.kind is ActionKind.TRANSFER
                and case.phase is Phase.CLOSED
                and case.digest not in self._moved
            ):
                self._moved.add(case.digest)
                amount, _, source, _, target = case.proposal.transfer.split()
                self._cross(float(amount), source.removeprefix("main-"), target.removeprefix("main-"))

    def _cross(self, amount: float, source: str, target: str) -> None:
        stage, wires = self._stage, self._stage.wires
        why = wires[source].truth.move(f"main-{source}", -amount, stage.now_ns)
        if why:
            stage.count("bridge refused")
            return
        late = self._chance.strikes(0.2)
        stage.count("bridge late" if late else "bridge sent")
        stage.bridge(amount)
        wires[source].notice()

        def arrive() -> None:
            wires[target].truth.move(f"main-{target}", amount, stage.now_ns)
            stage.bridge(-amount)
            wires[target].notice()

        self._after(self._plan.bridge * (4.0 if late else self._chance.between(0.5, 1.5)), arrive)
