"""What the doctor found, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.console import Console
from rich.text import Text

from perpbook.report.text import table


class Looked(Protocol):
    """One thing looked at."""

    @property
    def name(self) -> str:
        """What was looked at."""

    @property
    def fine(self) -> bool:
        """Nothing is wrong."""

    @property
    def found(self) -> str:
        """What was seen."""

    @property
    def needed(self) -> bool:
        """Perpbook does not work without it."""

    @property
    def advice(self) -> str:
        """The next step."""


def tell_doctor(console: Console, found: Sequence[Looked]) -> None:
    """One row a symptom, then a sentence."""
    made = table("Doctor", "what", "state", "found", "advice", left=4)
    for one in found:
        state = ("ok", "green") if one.fine else (("broken", "red") if one.needed else ("note", "yellow"))
        made.add_row(one.name, Text(state[0], style=state[1]), one.found, one.advice)
    console.print(made)
    broken = sum(not one.fine and one.needed for one in found)
    console.print("Everything needed is in order." if not broken else f"{broken} things are broken.")
