"""The guard: one message in, effects out, whatever the message is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from perpbook.guard import (
    approving,
    cancelling,
    dead_man,
    deciding,
    executing,
    flattening,
    hearing,
    incidents,
    killing,
    lost,
    reconciling,
    signalling,
    verifying,
)
from perpbook.guard.calm import Calm
from perpbook.guard.case import Case, Phase
from perpbook.guard.desk import Desk
from perpbook.guard.glance import Glance
from perpbook.guard.sense import nonsense
from perpbook.guard.settings import Settings
from perpbook.guard.signals import Signals
from perpbook.guard.turn import Known, Turn, known_of
from perpbook.guard.view import Decide, WantsLook
from perpbook.model.action import ActionKind
from perpbook.model.alert import Alert, Severity
from perpbook.model.effect import Effect, Notice, Send, Tell, Write
from perpbook.model.message import (
    Acknowledge,
    Adopt,
    Answered,
    Arm,
    BookSeen,
    ExitWord,
    FromPeople,
    Kill,
    KillLevel,
    MarkSeen,
    Message,
    Noticed,
    Stopping,
    Wake,
)
from perpbook.model.order import OrderState
from perpbook.model.record import Record, RecordKind


class Guard:
    """A desk, what it may do, and who decides.

    `watch` says which messages want a decision at once; without it one is made as time passes. `signals` is told what venues say;
    what it finds comes back as a message of its own.
    """

    def __init__(
        self,
        desk: Desk,
        settings: Settings,
        decide: Decide,
        watch: WantsLook | None = None,
        signals: Signals | None = None,
    ) -> None:
        self._turn = Turn(desk=desk, settings=settings, known=Known(), now_ns=desk.at_ns)
        self._decide, self._watch, self._signals = decide, watch, signals
        self._turn.known.noticed = signalling.noticed_in(desk.alerts)
        self._glance = Glance(self._turn, watch, signals)
        if signals is not None:
            signals.resume(self._turn.known.noticed, settings.accounts)
        self._broken = False

    @property
    def desk(self) -> Desk:
        """Its durable state: to be read, not changed."""
        return self._turn.desk

    @property
    def settings(self) -> Settings:
        """What it may do."""
        return self._turn.settings

    @property
    def known(self) -> Known:
        """What was last told: to be read, not changed."""
        return self._turn.known

    @property
    def now_ns(self) -> int:
        """Its time: the latest of everything it was told."""
        return self._turn.now_ns

    @property
    def is_broken(self) -> bool:
        """It failed while it was stopping itself, and takes nothing more."""
        return self._broken

    @property
    def calm(self) -> Calm:
        """Until when books lead to nothing."""
        return self._glance.calm

    def start(self, at_ns: int) -> list[Effect]:
        """Begin, or begin again: what must be read and asked before anything else."""
        self.calm.end()
        self._turn.now_ns = max(self._turn.now_ns, at_ns)
        self._turn.known.started_ns = self._turn.known.decided_ns = self._turn.now_ns
        reconciling.start(self._turn)
        return self._taken()

    def take_up(self, known: Known, now_ns: int) -> None:
        """Go on from what another guard knew after a look that could tell the book's risk, instead of a start."""
        self.calm.end()
        self._turn.known, self._turn.now_ns = known, now_ns
        self._decide(deciding.view(self._turn))

    def pass_over(self, prices: Iterable[BookSeen | MarkSeen], now_ns: int) -> None:
        """Know prices that a guard in this state took without an effect or a decision, and that time has passed."""
        self.calm.end()
        known = self._turn.known
        self._turn.now_ns = max(self._turn.now_ns, now_ns)
        for price in prices:
            known_of(known, price)[price.venue, price.symbol] = price

    def rehearse(self, message: Message) -> None:
        """Go through a price once more that is the newest known of its contract: nothing changes, nothing is decided."""
        if type(message) is BookSeen:
            self._glance.passes(message)
        if type(message) is not MarkSeen:
            return
        known = known_of(self._turn.known, message).get((message.venue, message.symbol))
        if known == message and not nonsense(self._turn, message):
            if self._watch is not None:
                self._watch(message)
            if self._signals is not None:
                self._signals(message)

    def skim(self, book: BookSeen) -> bool:
        """Take a book that leads to nothing; False, and nothing is done, where it may lead to something."""
        if self._broken or not self._glance.passes(book):
            return False
        self._glance.keep(book)
        return True

    def receive(self, message: Message) -> list[Effect]:
        """Take a message. Never raises: whatever fails inside is recorded, paged, and pauses the guard."""
        if self._broken:
            return []
        if type(message) is BookSeen and self.skim(message):
            return []
        looks = self._turn.known.looks
        try:
            self._take(message)
            effects = self._taken()
        except Exception as error:
            effects = self._fail(message, error)
        if effects or self._turn.known.looks != looks or type(message) not in (Wake, MarkSeen):
            self.calm.end()
        return effects

    def _taken(self) -> list[Effect]:
        if not self._turn.effects:
            return []
        effects, self._turn.effects = self._turn.effects, []
        return effects

    def _take(self, message: Message) -> None:
        turn = self._turn
        turn.now_ns = max(turn.now_ns, message.received_ns)
        taken = self._heard(message)
        if not taken and isinstance(message, Stopping):
            return
        wanted = taken and self._watch is not None and self._watch(message)
        if turn.desk.live:
            for case in turn.desk.live_cases():
                self._go_on(case)
        if turn.settings.timers:
            dead_man.tend(turn)
        if turn.desk.kill:
            killing.cancel_opening(turn)
            flattening.flatten(turn)
        if wanted or turn.known.decide or turn.now_ns - turn.known.decided_ns >= turn.settings.timing.decide:
            deciding.decide(turn, self._decide)

    def _heard(self, message: Message) -> bool:
        """Take what a message says; False where it is refused."""
        turn = self._turn
        if type(message) is not BookSeen and type(message) is not MarkSeen:
            if isinstance(message, FromPeople):
                self._person(message)
                return True
            if isinstance(message, Wake):
                deciding.look(turn, message.received_ns)
                executing.tend_ended(turn)
                return True
            if isinstance(message, Noticed):
                signalling.notice(turn, message.alerts)
                return True
            if isinstance(message, Stopping):
                executing.withdraw_all(turn, "the guard is being stopped")
                return False
        if not hearing.hear(turn, message):
            return False
        if self._signals is not None and (found := self._signals(message)):
            turn.do(Notice(noticed=Noticed(alerts=tuple(found), received_ns=turn.now_ns)))
        return True

    def _person(self, message: FromPeople) -> None:
        match message:
            case Answered():
                approving.answer(self._turn, message)
            case Kill():
                killing.pull(self._turn, message)
            case Arm():
                killing.arm(self._turn, message)
            case Adopt():
                reconciling.adopt(self._turn, message)
            case Acknowledge():
                incidents.acknowledge(self._turn, message)
            case ExitWord():
                deciding.exit_word(self._turn, message)
            case _:
                assert_never(message)

    def _go_on(self, case: Case) -> None:
        match case.phase:
            case Phase.PROPOSED:
                approving.expire(self._turn, case)
            case Phase.APPROVED | Phase.EXECUTING:
                executing.advance(self._turn, case)
            case Phase.VERIFYING if case.proposal.kind is ActionKind.CANCEL:
                cancelling.take_all_back(self._turn, case)
            case Phase.VERIFYING:
                verifying.verify(self._turn, case)
            case _:
                pass

    def _fail(self, message: Message, error: Exception) -> list[Effect]:
        """Nothing of this message is sent; orders written down for it count as lost, and are asked for."""
        turn, told = self._turn, f"{type(message).__name__} could not be taken: {type(error).__name__}"
        turn.effects = [one for one in turn.effects if not isinstance(one, Send)]
        try:
            killing.trip(turn, told)
            for ticket in [one for one in turn.desk.tickets.values() if one.sent_ns == turn.now_ns]:
                if ticket.state is OrderState.INTENDED:
                    lost.lose(turn, ticket, "the guard failed before it was sent")
            turn.say(Alert(kind="guard.error", severity=Severity.PAGE, at_ns=turn.now_ns, sentence=told), stands=True)
        except Exception as second:
            return self._break(f"{told}, and then {type(second).__name__}")
        return self._taken()

    def _break(self, told: str) -> list[Effect]:
        """The guard cannot even stop in order: what it wrote is kept, the switch is pulled on disk, and it takes nothing more."""
        self._broken = True
        at_ns = self._turn.now_ns
        body = {"level": int(KillLevel.PAUSE), "who": killing.GUARD, "reason": told}
        alert = Alert(kind="guard.error", severity=Severity.PAGE, at_ns=at_ns, sentence=f"{told}: the guard is down")
        kept = [one for one in self._taken() if isinstance(one, Write)]
        return [*kept, Write(record=Record(kind=RecordKind.KILL, at_ns=at_ns, body=body)), Tell(alert=alert)]
