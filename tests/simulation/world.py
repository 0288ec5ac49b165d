"""The simulated world: one queue of acts, a guard that may die at any of its effects, and laws after every step."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from perpbook.guard.desk import Desk
from perpbook.model.effect import AskAccount, AskBook, AskOrder, Cancel, Effect, Send, SetTimer, Tell, Write
from perpbook.model.message import FromPeople, Kill, Message, Wake
from perpbook.model.order import OrderRequest
from perpbook.model.record import Record
from perpbook.model.units import SECOND_NS
from perpbook.simulation.market import Prices
from tests.simulation.agenda import Agenda, Turn
from tests.simulation.brain import Brain, Died
from tests.simulation.chance import Chance
from tests.simulation.crash import CrashAt
from tests.simulation.laws import Laws
from tests.simulation.people import Person
from tests.simulation.plan import MARKS, START_NS, Plan
from tests.simulation.wire import Wire

QUIET_NS = 48 * SECOND_NS
"""Longer than the guard takes to read every account again."""


class World:
    """See the module. `brain` is the guard and its journal; `crash_at` crashes it once more than the plan does."""

    def __init__(
        self, plan: Plan, brain: Brain, crash_at: CrashAt | None = None, trace: Callable[[str], None] | None = None
    ) -> None:
        self._trace = trace
        self.plan, self.brain, self._crash_at = plan, brain, crash_at
        self.agenda, self.now_ns, self.epoch = Agenda(), START_NS, 0
        self.is_calm, self.is_resting, self.is_up, self.bridged = False, False, False, 0.0
        self.writes, self._ahead_ns, self._fuse = 0, 0, 0
        self.guard_ns = START_NS
        self.shadow = Desk()
        self.wires = {account.venue: Wire(self, plan, account.venue) for account in plan.accounts}
        self.laws = Laws(plan=plan, wires=self.wires, raised=lambda: brain.raised)
        self.person = Person(self, plan)
        self._market, self._chance = Chance(plan.seed, "market"), Chance(plan.seed, "crashes")
        self._levels = {"BTC": 1.0, "ETH": 1.0}
        self._flag: Kill | None = None
        self._digest = hashlib.sha256()
        self._wrote, self._is_done = True, False

    # The run.

    def run(self) -> None:
        """From the first step to the last law."""
        for act in (self._step, self._tick, self._crashes, self._jump):
            act()
        self._boot()
        self.person.begin()
        self.agenda.at(START_NS + self.plan.storm, Turn.MARKET, self._calm)
        self._until(START_NS + self.plan.storm + self.plan.calm)
        if self.is_up:
            self.laws.rest(self.shadow)
        for what in self.laws.outcomes(self.shadow):
            self.count(what)
        for wire in self.wires.values():
            self.laws.counts.update(f"fault {one.kind.value}" for one in wire.faulty.struck)

    def _until(self, end_ns: int) -> None:
        while not self._is_done and (found := self.agenda.next(end_ns)) is not None:
            self.now_ns, act = found
            act()

    @property
    def digest(self) -> str:
        """SHA-256 over when the guard was told what kind of thing, and every order it sent, hex."""
        return self._digest.hexdigest()

    @property
    def counts(self) -> Counter[str]:
        """How often what happened."""
        return self.laws.counts

    def count(self, what: str) -> None:
        """One more of something."""
        self.laws.counts[what] += 1

    # What happens by itself.

    def _calm(self) -> None:
        self.is_calm = True
        self.agenda.at(self.now_ns + QUIET_NS // 4, Turn.MARKET, self._rest)

    def _rest(self) -> None:
        self.is_resting = True
        self.agenda.at(self.now_ns + QUIET_NS, Turn.CLOCK, self._end)

    def _end(self) -> None:
        """End once nothing is on its way."""
        self._is_done = self.is_up and not self.shadow.live
        self.agenda.at(self.now_ns + QUIET_NS // 4, Turn.CLOCK, self._end)

    def _step(self) -> None:
        plan, draw = self.plan, self._market
        if not self.is_calm:
            for coin in self._levels:
                jump = draw.pick((-1.0, 1.0)) * plan.gap_size if draw.strikes(plan.gap) else 0.0
                moved = self._levels[coin] * math.exp(plan.move * draw.normal() + jump)
                self._levels[coin] = min(max(moved, 0.6), 1.29)
        for venue, wire in self.wires.items():
            funding = 0.0001 * draw.normal()
            wire.move(
                {
                    symbol: Prices(
                        mark=round(mark * self._levels[symbol[:3]], 1),
                        funding_rate=funding,
                        depth=draw.between(0.5, 1.5),
                    )
                    for symbol, mark in MARKS[venue].items()
                }
            )
        self.laws.keeps_money(self.bridged)
        self.agenda.at(self.now_ns + (4 if self.is_calm else 1) * plan.step, Turn.MARKET, self._step)

    def _tick(self) -> None:
        if self.is_up:
            self.give(Wake(received_ns=0))
        self.agenda.at(self.now_ns + (4 if self.is_calm else 2) * SECOND_NS, Turn.CLOCK, self._tick)

    def _crashes(self) -> None:
        """A crash between two messages."""
        if self.plan.network.crashes and not self.is_calm:
            if self.now_ns > START_NS:
                self._crash("between messages")
            wait = self._chance.wait(60.0 / self.plan.network.crashes)
            self.agenda.at(self.now_ns + int(wait * SECOND_NS) + 1, Turn.CRASH, self._crashes)

    def _jump(self) -> None:
        """The guard's own clock is set, forward or back."""
        if self.plan.network.jumps and not self.is_calm:
            if self.now_ns > START_NS:
                self.count("fault clock jump")
                self._ahead_ns = int(self._chance.between(-3.0, 3.0) * SECOND_NS)
            self.agenda.at(self.now_ns + int(self._chance.wait(60.0) * SECOND_NS) + 1, Turn.CRASH, self._jump)

    # The guard's life.

    def _boot(self) -> None:
        self.is_up = True
        self.count("start")
        for record in self.brain.missed(self.writes):
            self._written(record)
        self._perform(self.brain.start(self._clock()))
        if self.is_up and self._flag is not None:
            self.flag(self._flag)

    def _crash(self, where: str) -> None:
        if not self.is_up:
            return
        self.count(f"crash {where}")
        if self._trace:
            self._trace(f"{(self.now_ns - START_NS) / SECOND_NS:9.3f} --- crash {where}")
        self.is_up, self._fuse = False, 0
        self.epoch += 1
        self.brain.kill()
        self.laws.orders.clear()
        down = self._chance.wait(self.plan.network.down)
        self.agenda.at(self.now_ns + int(down * SECOND_NS) + 1, Turn.CLOCK, self._boot)

    def _clock(self) -> int:
        self.guard_ns = max(self.guard_ns, self.now_ns + self._ahead_ns)
        return self.now_ns + self._ahead_ns

    def give(self, message: Message) -> bool:
        """Hand the guard a message and do what it asks; whether it was taken whole."""
        received_ns = self._clock()
        if message.received_ns != received_ns:
            message = replace(message, received_ns=received_ns)
        self.laws.hears(message)
        self._digest.update(f"{self.now_ns} {type(message).__name__}\n".encode())
        if self._trace:
            self._trace(f"{(self.now_ns - START_NS) / SECOND_NS:9.3f} {str(message)[:400]}")
        before = len(self.laws.reading.answers)
        if not self._perform(self.brain.receive(message)):
            return False
        self.laws.took(message, before, self.shadow)
        return True

    def _perform(self, effects: Iterable[Effect]) -> bool:
        try:
            for effect in effects:
                self._do(effect)
                if self._is_fatal(effect):
                    self._crash("at an effect")
                    return False
        except Died:
            self._crash("of the process")
            return False
        if self._wrote:
            live = self.brain.desk
            if live is not None:
                self.laws.is_fold(self.shadow, live)
            self._wrote = False
        return True

    def _is_fatal(self, effect: Effect) -> bool:
        at = self._crash_at
        if self._fuse:
            self._fuse = 0
            return True
        if at is not None and isinstance(effect, Write) and self.writes == at.write:
            self._fuse = int(at.late)
            return not at.late
        return not self.is_calm and self._chance.strikes(self.plan.network.crash)

    def _do(self, effect: Effect) -> None:
        if self._trace:
            self._trace(f"{(self.now_ns - START_NS) / SECOND_NS:9.3f}      {_shown(effect)}")
        match effect:
            case Write():
                self._write(effect.record)
            case Send():
                self._digest.update(f"{self.now_ns} {effect.request}\n".encode())
                self.laws.sends(effect.request, self.guard_ns)
                self.wires[effect.request.venue].send(effect.request)
            case Cancel():
                self.count("cancel")
                self.wires[effect.venue].cancel(effect)
            case SetTimer():
                self.count("timer set" if effect.wait_ns else "timer taken off")
                self.laws.sets_timer(effect)
                self.wires[effect.venue].set_timer(effect)
            case AskOrder():
                self.wires[effect.venue].ask_order(effect)
            case AskAccount():
                self.wires[effect.venue].ask_account(effect)
            case AskBook():
                self.wires[effect.venue].ask_book(effect)
            case Tell():
                self.laws.tells(effect.alert)
                self.person.hear(effect.alert)

    def _write(self, record: Record) -> None:
        self._written(self.brain.kept(record))

    def _written(self, kept: Record) -> None:
        self.writes += 1
        self._wrote = True
        self.count(f"wrote {kept.kind.value}")
        self.shadow.apply(kept)
        self.laws.writes(kept)

    # What venues and people may ask for.

    def answer(self, epoch: int, messages: Sequence[Message]) -> None:
        """Tell the guard what was asked for, unless it died since."""
        for message in messages:
            if self.is_up and self.epoch == epoch:
                self.give(message)

    def stream(self, messages: Sequence[Message]) -> None:
        """Tell the guard what a stream says."""
        for message in messages:
            if self.is_up:
                self.give(message)

    def arrived(self, request: OrderRequest, before: float, after: float) -> None:
        """An order came to its venue."""
        self.laws.arrived(request, before, after)

    def say(self, message: FromPeople) -> bool:
        """A person's word; whether the guard took it whole."""
        return self.is_up and self.give(message)

    def flag(self, message: Kill) -> None:
        """A kill flag on disk: taken now, or when the guard begins again."""
        self._flag = message
        self.laws.sending.flattened |= message.level == 3
        if self.is_up and self.give(message):
            self._flag = None

    def bridge(self, amount: float) -> None:
        """Money is on a bridge now, or no more."""
        self.bridged += amount

    def read(self) -> Desk:
        """What the journal shows."""
        return self.shadow


def _shown(effect: Effect) -> str:
    """An effect in a line."""
    if isinstance(effect, Write):
        return f"{effect.record.kind.value} {json.dumps(effect.record.body)[:300]}"
    return str(effect)[:300]
