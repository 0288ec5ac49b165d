"""The guard: one message in, effects out, whatever the message is."""

from __future__ import annotations

from perpbook.guard.desk import Desk
from perpbook.guard.settings import Settings
from perpbook.guard.turn import Known, Turn
from perpbook.guard.view import Decide, Watch
from perpbook.model.effect import Effect
from perpbook.model.message import Message


class Guard:
    """A desk, what it may do, and who decides.

    `watch` says which messages want a decision at once; without it one is made as time passes and as accounts change.
    """

    def __init__(self, desk: Desk, settings: Settings, decide: Decide, watch: Watch | None = None) -> None:
        self._turn = Turn(desk=desk, settings=settings, known=Known())
        self._decide, self._watch = decide, watch

    @property
    def desk(self) -> Desk:
        """Its durable state: to be read, not changed."""
        return self._turn.desk

    def start(self, at_ns: int) -> list[Effect]:
        """Begin, or begin again: what must be read and asked before anything else."""
        raise NotImplementedError

    def receive(self, message: Message) -> list[Effect]:
        """Take a message. Never raises: whatever fails inside is recorded, paged, and pauses the guard."""
        raise NotImplementedError
