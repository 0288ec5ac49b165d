"""The process that tells a guard's alerts to the playbook's channels, as the guard sees it: begun, watched, begun again, ended.

It is another process so that a channel that is slow or away holds up nothing. When it dies, or stands still, the guard says so on
its console and begins it again; the new one goes on where the old one was, and tells people that it did.
"""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from perpbook.engine.clock import monotonic_ns, now_ns
from perpbook.model.alert import Alert, Severity
from perpbook.runs.guard_follow import STOP, Charge, follow

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from perpbook.engine.ports import Sink
    from perpbook.playbook.schema import Playbook

LOOK_S = 1.0
STILL_S = 60.0
"""Without a beat for so long it stands still, and is ended."""

LONGEST_S = 60.0
"""Until one that died is begun again, at most."""

END_S = 15.0
"""How long it may tell what is left when the guard ends."""


def needs_teller(playbook: Playbook) -> bool:
    """Whether a playbook tells anybody beyond the guard's own console."""
    return playbook.alerts is not None and any(place != "console" for place in playbook.alerts.channels.values())


class TellerProcess:
    """See the module. Used as a context: it is ended whatever happens, and told whether the guard failed."""

    def __init__(self, charge: Charge) -> None:
        self._charge = charge
        self._context = get_context("spawn")
        self._beat: Any = self._context.Value("q", 0, lock=False)
        self._process: BaseProcess | None = None
        self._line: Connection | None = None

    def __enter__(self) -> TellerProcess:
        self._begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._end(STOP if kind is None or kind is KeyboardInterrupt else kind.__name__)

    @property
    def pid(self) -> int:
        """Of the process that tells now."""
        assert self._process is not None and self._process.pid is not None
        return self._process.pid

    async def watch(self, sink: Sink) -> None:
        """Look after it for ever: what is wrong is told to `sink`, and it is begun again, later each time it dies soon."""
        pause = began = 0.0
        while True:
            await asyncio.sleep(LOOK_S)
            why = self._what_is_wrong()
            if not why:
                continue
            pause = 0.0 if monotonic_ns() / 1e9 - began > LONGEST_S else min(max(LOOK_S, 2.0 * pause), LONGEST_S)
            told = f"Alerts go to this console alone now: the process that tells them {why}. It is begun again"
            told += f" in {pause:.0f} s." if pause else "."
            await sink.tell(Alert(kind="teller.down", severity=Severity.PAGE, at_ns=now_ns(), sentence=told))
            self._let_go()
            await asyncio.sleep(pause)
            self._charge = replace(self._charge, again=f"the process that tells them {why}")
            self._begin()
            began = monotonic_ns() / 1e9

    def _begin(self) -> None:
        ours, theirs = self._context.Pipe()
        self._beat.value = monotonic_ns()
        process = self._context.Process(
            target=told_on, args=(self._charge, theirs, self._beat), name="teller", daemon=True
        )
        process.start()
        theirs.close()
        self._process, self._line = process, ours

    def _what_is_wrong(self) -> str:
        assert self._process is not None
        if not self._process.is_alive():
            return f"ended (exit code {self._process.exitcode})"
        still_s = (monotonic_ns() - self._beat.value) / 1e9
        return f"has stood still for {still_s:.0f} s" if still_s > STILL_S else ""

    def _end(self, why: str) -> None:
        """Say why, and give it time to tell what is left."""
        assert self._process is not None and self._line is not None
        try:
            self._line.send(why)
        except OSError:
            pass
        else:
            self._process.join(END_S)
        self._let_go()

    def _let_go(self) -> None:
        assert self._process is not None and self._line is not None
        self._line.close()
        self._process.kill()
        self._process.join()


def told_on(charge: Charge, line: Connection, beat: Any) -> None:
    """The process itself. Ctrl-C reaches it too, and is the guard's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def alive() -> None:
        beat.value = monotonic_ns()

    follow(charge, line, alive)
