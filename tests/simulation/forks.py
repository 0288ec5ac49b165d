"""A run forked where it is to go another way, so that what came before is lived through once."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

from tests.simulation.crash import CrashAt

Result = TypeVar("Result")


class Forks(Generic[Result]):
    """At every so many writes of a run two forks of it, one crashed before and one after the effect that follows."""

    def __init__(self, every: int) -> None:
        self._every, self._results = every, list[Result]()
        self._parent: Connection | None = None

    def of(self, run: Callable[[], Result]) -> list[Result]:
        """What came of every fork of a run that asks `crash` at each of its writes."""
        try:
            result = run()
            if self._parent is None:
                return self._results
            self._parent.send(result)
        except BaseException:
            if self._parent is None:
                raise
            traceback.print_exc()
        os._exit(0)

    def crash(self, write: int) -> CrashAt | None:
        """In a fork that begins here, how it is to crash; None in the run itself and in a fork that began before."""
        if self._parent is not None or (write - 1) % self._every:
            return None
        return next((at for late in (False, True) if self._is_fork(at := CrashAt(write=write, late=late))), None)

    def _is_fork(self, at: CrashAt) -> bool:
        here, there = Pipe(duplex=False)
        if not (child := os.fork()):
            self._parent = there
            return True
        there.close()
        try:
            self._results.append(here.recv())
        except EOFError:
            raise RuntimeError(f"the fork that crashes at {at} came to no end") from None
        finally:
            here.close()
            os.waitpid(child, 0)
        return False
