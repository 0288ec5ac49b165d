"""What every kind of node can say: which chain it is of, its newest block, and the block at a height."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """A block: its height, its hash, and when it was made, seconds since 1970 by the chain's own clock."""

    height: int
    hash: str
    time_s: int


class Node(Protocol):
    """One provider's node. Every question may raise `ProviderError`."""

    @property
    def name(self) -> str:
        """The provider's host."""

    def chain(self) -> str:
        """The chain it says it is of."""

    def tip(self) -> Tip:
        """Its newest block."""

    def at(self, height: int) -> Tip | None:
        """The block at a height, None where it has none there."""

    def close(self) -> None:
        """Let its connections go."""
