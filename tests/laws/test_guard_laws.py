"""Whatever happens, in whatever order: the journal is the desk, and no law of sending is broken (`guarded.World.check`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from perpbook.guard.desk import fold
from perpbook.model.account import Order
from perpbook.model.message import Acknowledge, Adopt, Kill, KillLevel, Stale
from tests.laws.guarded import ACCOUNT, VENUE, World, trim

SYMBOLS = st.sampled_from(["BTC", "ETH"])
MOODS = st.sampled_from(["fill", "part", "none", "reject", "lost", "silent", "open"])


class Guarded(RuleBasedStateMachine):
    """A guard, its venue, people and bad luck."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.world.venue.positions = {"BTC": 5.0, "ETH": -40.0}
        self.world.post()
        self.world.arm()

    @rule(symbol=SYMBOLS, share=st.floats(-0.3, 1.3), name=st.sampled_from(["leverage.asset", "auto"]))
    def want(self, symbol: str, share: float, name: str) -> None:
        held = self.world.venue.positions[symbol]
        self.world.wanted = [trim(symbol, -share * held, name)] if share * held else []
        self.world.pass_time(30)

    @rule()
    def want_nothing(self) -> None:
        self.world.wanted = []

    @rule(seconds=st.sampled_from([0.001, 1.0, 5.0, 40.0, 400.0]))
    def wait(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @precondition(lambda self: self.world.mail)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        self.world.deliver(data.draw(st.integers(0, len(self.world.mail) - 1)))

    @precondition(lambda self: self.world.mail)
    @rule(data=st.data(), again=st.booleans())
    def lose_or_repeat(self, data: st.DataObject, again: bool) -> None:
        number = data.draw(st.integers(0, len(self.world.mail) - 1))
        if again:
            self.world.mail.append(self.world.mail[number])
        else:
            self.world.mail.pop(number)

    @rule(seconds=st.integers(1, 15))
    def run(self, seconds: int) -> None:
        self.world.run(seconds)

    @rule(mood=MOODS)
    def mood(self, mood: str) -> None:
        self.world.venue.mood = mood

    @rule(symbol=SYMBOLS, factor=st.sampled_from([0.9, 0.995, 1.005, 1.1]))
    def move(self, symbol: str, factor: float) -> None:
        self.world.venue.mids[symbol] *= factor

    @precondition(lambda self: self.world.guard.desk.cases)
    @rule(data=st.data(), yes=st.sampled_from([True, True, True, False]))
    def answer(self, data: st.DataObject, yes: bool) -> None:
        self.world.answer(data.draw(st.sampled_from(sorted(self.world.guard.desk.cases))), yes)

    @precondition(lambda self: self.world.guard.desk.live)
    @rule(mood=MOODS)
    def approve_and_run(self, mood: str) -> None:
        self.world.venue.mood = mood
        self.world.answer(self.world.guard.desk.live[-1])
        self.world.run(2)

    @rule(digest=st.text("0123456789abcdef", min_size=64, max_size=64))
    def answer_a_stranger(self, digest: str) -> None:
        self.world.answer(digest)

    @rule(level=st.sampled_from(list(KillLevel)), who=st.sampled_from(["ann", "ann", "guard", ""]))
    def kill(self, level: KillLevel, who: str) -> None:
        self.world.kill(level, who)

    @rule()
    def resume(self) -> None:
        self.world.give(Kill(level=KillLevel.NONE, who="ann", reason="looked", received_ns=self.world.now_ns))

    @rule(hours=st.sampled_from([0.0, 0.01, 8.0]))
    def arm(self, hours: float) -> None:
        self.world.arm(hours)

    @rule(fuse=st.integers(0, 6))
    def crash_soon(self, fuse: int) -> None:
        self.world.fuse = fuse

    @rule(fresh=st.booleans())
    def stale(self, fresh: bool) -> None:
        self.world.give(Stale(venue=VENUE, stream="books", received_ns=self.world.now_ns, fresh=fresh))

    @rule()
    def rest_an_order(self) -> None:
        order = Order(symbol="BTC", quantity=1.0, limit_price=900.0, id="theirs")
        self.world.venue.resting = (order, replace(order, quantity=-1.0, reduce_only=True, id="stop"))

    @rule(key=st.sampled_from([f"reconcile.{ACCOUNT}", "nothing"]))
    def acknowledge(self, key: str) -> None:
        self.world.give(Acknowledge(key=key, who="ann", received_ns=self.world.now_ns))
        self.world.give(Adopt(account=ACCOUNT, who="ann", received_ns=self.world.now_ns))

    @invariant()
    def positions_never_turn(self) -> None:
        assert self.world.venue.positions["BTC"] >= 0.0
        assert self.world.venue.positions["ETH"] <= 0.0

    @invariant()
    def nothing_is_refused_for_turning(self) -> None:
        assert self.world.guard.desk.kill_who != "guard" or "could not be taken" not in self.world.guard.desk.kill_reason

    def teardown(self) -> None:
        assert fold(self.world.journal) == self.world.shadow


@contextmanager
def nothing() -> Iterator[None]:
    yield


TestGuarded = Guarded.TestCase
TestGuarded.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
