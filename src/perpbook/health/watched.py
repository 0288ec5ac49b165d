"""What is to be watched: facts of each layer's clocks, and the trader's own providers, accounts and contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perpbook.health.clocks import Bounds
from perpbook.health.wire import Address

READERS = ("evm", "cosmos", "solana", "starknet", "hyperliquid")
LONGEST_LOOK = 10_000
"""Blocks that are looked through for the last posting at most: more than most providers give events of at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """Where something is posted at intervals: events of a contract (with a topic, "" for any), or transactions of a sender, on
    another layer."""

    on: str
    address: str
    by: str
    bounds: Bounds
    topic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A contract on a layer that answers `paused()`."""

    on: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerClocks:
    """Facts: how a layer is asked, its chain, bounds of its head's age, its uptime feed, its status page, gwei that are usual
    and high."""

    id: str
    reader: str
    chain: str
    head: Bounds
    feed: str = ""
    status_page: str = ""
    usual_gwei: float | None = None
    high_gwei: float | None = None
    batches: Posting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One layer as it is watched. block_s : seconds from block to block. final_s : seconds until a block is final, at worst;
    None for not known. base : it settles on nothing. tokens : contracts or coins by name."""

    clocks: LayerClocks
    name: str
    providers: tuple[Address, ...]
    block_s: float | None = None
    final_s: float | None = None
    base: bool = False
    accounts: tuple[str, ...] = ()
    tokens: Mapping[str, str] | None = None
    batches: Posting | None = None
    exits: Posting | None = None
    pause: Pause | None = None
    page: Address | None = None

    @property
    def layer(self) -> str:
        """Its id."""
        return self.clocks.id

    @property
    def within(self) -> int:
        """How many heights apart providers may be: what `warn` seconds make."""
        step_s = 1.0 if self.unit == "second" else self.block_s or 1.0
        return max(2, round(self.clocks.head.warn / step_s))

    @property
    def unit(self) -> str:
        """What heights count: blocks, or seconds where a reader sees none."""
        return "second" if self.clocks.reader == "hyperliquid" else "block"

    @property
    def depth(self) -> int:
        """How far below the tip blocks are compared: deeper than what is turned over now and then."""
        return max(3, self.within)

    @property
    def needs(self) -> tuple[str, ...]:
        """Other layers that must be asked for this one's clocks."""
        return tuple(dict.fromkeys(one.on for one in (self.batches, self.exits, self.pause) if one is not None))
