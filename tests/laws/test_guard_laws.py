"""Whatever happens, in whatever order: the journal is the desk, and no law of sending is broken (`guarded.World.check`)."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from perpbook.guard.desk import fold
from perpbook.model.account import Order
from perpbook.model.message import Acknowledge, Adopt, KillLevel, Stale
from perpbook.model.units import SECOND_NS
from tests.laws.guarded import ACCOUNT, VENUE, Exchange, World, trim

SYMBOLS = st.sampled_from(["BTC", "ETH"])
MOODS = st.sampled_from(["fill", "part", "none", "reject", "lost", "late", "silent", "open"])


class Guarded(RuleBasedStateMachine):
    """A guard, its venue, people and bad luck."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(venue=Exchange(positions={"BTC": 5.0, "ETH": -40.0}))
        self.world.post()
        self.world.arm()
        self.world.wanted = [trim("BTC", -2.5), trim("ETH", 9.0, "auto")]
        self.world.run(31)

    @rule(symbol=SYMBOLS, share=st.floats(-0.3, 1.3), name=st.sampled_from(["leverage.asset", "auto"]))
    def want(self, symbol: str, share: float, name: str) -> None:
        held = self.world.venue.positions[symbol]
        if share * held:
            self.world.wanted = [trim(symbol, -share * held, name), trim(symbol, -0.6 * held, "survival")]
        self.world.pass_time(30)

    @rule(
        symbol=SYMBOLS, slices=st.sampled_from([(), (0.5, 1.0), (0.2, 0.4, 1.0)]), patience=st.sampled_from([0, 6, 20])
    )
    def want_slowly(self, symbol: str, slices: tuple[float, ...], patience: int) -> None:
        quantity = -0.5 * self.world.venue.positions[symbol]
        waits, every = patience * SECOND_NS, 4 * SECOND_NS
        if quantity:
            self.world.wanted = [trim(symbol, quantity, "auto", slices=slices, every_ns=every, patience_ns=waits)]
        self.world.pass_time(30)

    @precondition(lambda self: self.world.sent)
    @rule(share=st.sampled_from([0.3, 1.0]))
    def meet(self, share: float) -> None:
        """Somebody trades with the last order, if it rests."""
        name = self.world.sent[-1].client_id
        if name in self.world.venue.orders:
            self.world.mail += self.world.venue.meet(name, share, self.world.now_ns)

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

    @precondition(lambda self: self.world.guard.desk.kill is KillLevel.NONE)
    @rule(level=st.sampled_from(list(KillLevel)))
    def kill(self, level: KillLevel) -> None:
        self.world.kill(level)

    @precondition(lambda self: self.world.guard.desk.kill is not KillLevel.NONE)
    @rule(level=st.sampled_from([KillLevel.NONE, KillLevel.NONE, KillLevel.CANCEL, KillLevel.FLATTEN]))
    def turn_the_switch(self, level: KillLevel) -> None:
        self.world.kill(level)

    @precondition(lambda self: len(self.world.guard.desk.live) > 1)
    @rule()
    def approve_all(self) -> None:
        for digest in tuple(self.world.guard.desk.live):
            self.world.answer(digest)
        self.world.run(12)

    @rule(who=st.sampled_from(["guard", ""]), digest=st.text("0123456789abcdef", min_size=64, max_size=64))
    def intrude(self, who: str, digest: str) -> None:
        """Nobody resumes it, and an answer to nothing is an answer to nothing."""
        level = self.world.guard.desk.kill
        self.world.kill(KillLevel.NONE, who)
        self.world.answer(digest)
        assert self.world.guard.desk.kill is level

    @rule(symbol=SYMBOLS, share=st.sampled_from([0.0, 0.5, 0.5, 1.2]))
    def meddle(self, symbol: str, share: float) -> None:
        """Somebody else trades in the account."""
        self.world.meddled = True
        self.world.venue.positions[symbol] = round(self.world.venue.positions[symbol] * share, 2)

    @rule(hours=st.sampled_from([0.0, 0.01, 8.0, 8.0, 8.0]))
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
    def nothing_fails_inside(self) -> None:
        assert not self.world.told("guard.error")

    def teardown(self) -> None:
        assert fold(self.world.journal) == self.world.shadow


TestGuarded = Guarded.TestCase
TestGuarded.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
