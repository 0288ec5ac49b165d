"""The halt flag: a file that stops every order as soon as it is there, whatever the loop is doing.

A thread looks for it; sending asks once more. What the file says is the level, one word (pause, cancel, flatten); what cannot be
read is a pause.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from perpbook.model.message import KillLevel

LOOK_S = 0.1
"""How often the thread looks."""
LONGEST = 300
"""Letters of a reason that are taken."""


class HaltFlag:
    """A file on disk as a switch. `level` NONE while there is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._level = KillLevel.NONE
        self._end = threading.Event()
        self._changed: Callable[[], object] | None = None
        self._thread = threading.Thread(target=self._watch, name="halt-flag", daemon=True)

    @property
    def level(self) -> KillLevel:
        """What the file says now."""
        self._level = read_flag(self.path)
        return self._level

    @property
    def why(self) -> str:
        """What the file says beside its level: who raised it, and why; that it is there where it says nothing."""
        return read_words(self.path)[1] or f"the halt flag {self.path.name} is there"

    @property
    def seen(self) -> KillLevel:
        """What the thread last saw: costs nothing to ask."""
        return self._level

    def start(self, changed: Callable[[], object] | None = None) -> None:
        """Begin to look. changed : called from a thread of its own whenever the level is another."""
        self._level, self._changed = read_flag(self.path), changed
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(LOOK_S):
            before, self._level = self._level, read_flag(self.path)
            if self._level is not before and self._changed is not None:
                self._changed()


def read_flag(path: Path) -> KillLevel:
    """The level that a flag file asks for; NONE without a file."""
    return read_words(path)[0]


def read_words(path: Path) -> tuple[KillLevel, str]:
    """The level, and what else the file says, on one line."""
    try:
        word, *rest = path.read_text(encoding="utf-8", errors="replace").split() or [""]
    except FileNotFoundError:
        return KillLevel.NONE, ""
    except OSError:
        return KillLevel.PAUSE, ""
    named = {level.name.lower(): level for level in KillLevel if level is not KillLevel.NONE}
    return named.get(word.lower(), KillLevel.PAUSE), " ".join(rest)[:LONGEST]


def raise_flag(path: Path, level: KillLevel, who: str, reason: str) -> None:
    """Put the flag there, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(f"{level.name.lower()} {who}: {reason}\n", encoding="utf-8")
    beside.replace(path)
