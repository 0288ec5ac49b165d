"""`halt flatten BOOK` where no guard runs: the guard's core begun for that alone.

It decides nothing and proposes nothing. The flag pulls its switch, positions are closed reduce-only in collared steps, each
written down before it is sent and verified after, and it ends once every account is flat. The flag stays up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from perpbook.engine.live import Shell
from perpbook.engine.live_halt import HaltFlag
from perpbook.engine.ports import Sink
from perpbook.errors import Refused
from perpbook.guard.guard import Guard
from perpbook.guard.view import Decision, View
from perpbook.model.alert import Alert
from perpbook.model.message import KillLevel
from perpbook.runs.guard import GuardAsked, Kit, read_ground, run_shell
from perpbook.runs.guard_people import desk_of

FLAT = "kill.flat"
"""The alert that every account is flat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flattened:
    """What came of it. `left` : positions that are still held, by account; {} where all is flat."""

    flat: bool
    left: dict[str, dict[str, float]]
    records: int


@dataclass(slots=True)
class UntilFlat:
    """Hands alerts on, and stops the shell at the one that says all is flat."""

    sink: Sink
    shell: Shell | None = None
    flat: bool = field(default=False)

    def stops(self, shell: Shell) -> None:
        """Which shell to stop."""
        self.shell = shell

    async def tell(self, alert: Alert) -> None:
        """Take one alert."""
        if alert.kind == FLAT:
            self.flat = not alert.resolved
            if self.flat and self.shell is not None:
                self.shell.stop()
        await self.sink.tell(alert)


def flatten(asked: GuardAsked, sink: Sink, tell: Callable[[str], object]) -> Flattened:
    """Close everything in a book's accounts, until all is flat or the time is over.

    Raises
    ------
    Refused : the halt flag does not ask for it, or another guard has one of the accounts.
    InputError : a file is wrong, or the book has no account to close.
    """
    if HaltFlag(asked.places.halt).level is not KillLevel.FLATTEN:
        raise Refused(f"the halt flag ({asked.places.halt}) does not say flatten, so nothing is closed")
    ground, until = read_ground(asked), UntilFlat(sink)
    kit = Kit(made=lambda desk: Guard(desk, ground.settings, nothing), told=_begun(asked), until=until.stops)
    records = run_shell(asked, ground, kit, until, tell)
    left = {name: dict(held) for name, held in desk_of(asked.places)[0].positions.items() if held}
    return Flattened(flat=until.flat, left={} if until.flat else left, records=records)


def nothing(view: View) -> Decision:
    """Nothing is decided: the switch alone acts."""
    return Decision(before=None)


def _begun(asked: GuardAsked) -> Callable[[tuple[str, ...], int], str]:
    where = "LIVE" if asked.config is not None and asked.config.live else "on paper: nothing leaves this machine"

    def told(accounts: tuple[str, ...], records: int) -> str:
        return (
            f"Closing everything in {', '.join(accounts)}, {where}. Reduce-only, within the collar, until all is flat. "
            f"Journal: {records} records before. Ctrl-C ends it; the flag stays up."
        )

    return told
