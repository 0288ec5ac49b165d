"""`halt flatten BOOK` where no guard runs: the guard's core begun for that alone.

It decides nothing and proposes nothing. The flag pulls its switch, positions are closed reduce-only in collared steps, each
written down before it is sent and verified after, and it ends once every account is flat. The flag stays up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from perpbook.engine.live import Shell
from perpbook.engine.live_halt import HaltFlag
from perpbook.engine.ports import Sink
from perpbook.errors import PlaybookError, Refused
from perpbook.guard.guard import Guard
from perpbook.guard.view import Decision, View
from perpbook.model.alert import Alert
from perpbook.model.message import KillLevel
from perpbook.report.guard_told import Flattened
from perpbook.runs.guard import Ground, GuardAsked, Kit, read_ground, run_shell
from perpbook.runs.guard_people import desk_of

FLAT = "kill.flat"
"""The alert that every account is flat."""


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
    ground, until = _ground(asked, tell), UntilFlat(sink)
    kit = Kit(
        made=lambda desk: Guard(desk, ground.settings, nothing), told=_begun(asked), until=until.stops, closes=True
    )
    run_shell(asked, ground, kit, until, tell)
    left = {name: dict(held) for name, held in desk_of(asked.places)[0].positions.items() if held}
    empty = tuple(ground.live.empty) if ground.live is not None else ()
    return Flattened(flat=until.flat, left={} if until.flat else left, empty=empty)


def _ground(asked: GuardAsked, tell: Callable[[str], object]) -> Ground:
    """What is closed. A playbook with problems keeps nobody from it: its collar and pace are then the usual ones."""
    try:
        return read_ground(asked)
    except PlaybookError as error:
        tell(f"{error.message}: closed without it, with the usual collar and pace")
        return read_ground(replace(asked, playbook=None))


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
