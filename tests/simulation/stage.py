"""What a venue or a person of the simulation may ask of the world around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from perpbook.model.message import Message
from perpbook.model.order import OrderRequest
from tests.simulation.agenda import Agenda


class Stage(Protocol):
    """Time, what is to happen, and ways to the guard. `epoch` : which life of the guard this is. `is_calm` : faults are over.
    `is_resting` : people leave things as they are, too."""

    agenda: Agenda
    now_ns: int
    epoch: int
    is_calm: bool
    is_resting: bool

    def answer(self, epoch: int, messages: Sequence[Message]) -> None:
        """Tell the guard what was asked for, unless it died since."""
        ...

    def stream(self, messages: Sequence[Message]) -> None:
        """Tell the guard what a stream says."""
        ...

    def arrived(self, request: OrderRequest, before: float, after: float) -> None:
        """An order came to its venue; the position before and after."""
        ...

    def count(self, what: str) -> None:
        """One more of something."""
        ...
