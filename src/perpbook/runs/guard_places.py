"""Where a guard keeps what is its own: a folder of one book, with its words, its locks and its halt flag."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from perpbook.runs.places import alerts_place, home, journal_place


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPlaces:
    """folder : of this guard. journal : a path or URL."""

    folder: Path
    journal: str

    @property
    def words(self) -> Path:
        """What people say to it."""
        return self.folder / "words"

    @property
    def alerts(self) -> str:
        """The journal of what was told; `alerts run` reads and writes that of the usual guard."""
        return beside(alerts_place(), self.folder.name)

    @property
    def halt(self) -> Path:
        """The halt flag."""
        return self.folder / "halt"

    @property
    def inputs(self) -> Path:
        """What it was told, page by page: beside a journal in a file, else in its folder."""
        return self.folder / "inputs" if "://" in self.journal else Path(f"{self.journal}.inputs")

    @property
    def locks(self) -> Path:
        """One file for every account that is guarded; shared by all guards of this home."""
        return self.folder.parent / "locks"


def guard_places(name: str = "guard", journal: str | None = None) -> GuardPlaces:
    """The places of the guard of a name. `$PERPBOOK_GUARD` names another folder than `guards` in the home folder."""
    chosen = os.environ.get("PERPBOOK_GUARD")
    folder = (Path(chosen) if chosen else home() / "guards") / name
    return GuardPlaces(folder=folder, journal=journal or journal_of(name))


def journal_of(name: str) -> str:
    """The journal of a guard where none is named."""
    return beside(journal_place(), name)


def beside(usual: str, name: str) -> str:
    """A usual place, or for another guard than the usual one a file of its own beside it."""
    if name == "guard" or "://" in usual:
        return usual
    path = Path(usual)
    return str(path.with_name(f"{path.stem}-{hashlib.sha256(name.encode()).hexdigest()[:6]}-{name}{path.suffix}"))
