"""What was read of one layer in one go, before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.health.evm import Feed
from perpbook.health.status_pages import StatusPage
from perpbook.model.health import Agreement, Balance, Fees


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A block that was agreed on, to be found again at the next look."""

    height: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far something is behind, seconds; at_least : nothing was found so far back."""

    seconds: float
    of: str
    at_least: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One layer. Text in the place of a value is why it could not be read; None: nobody asked.

    rolled_back : what became of the block that was agreed on before, "" where it still stands. final : how far the finalized
    block is behind the newest. batches, exits : how long ago something was posted. paused : whether the way out is.
    special : what an exchange says that is not ordinary, "" for nothing.
    """

    agreement: Agreement
    rolled_back: str = ""
    feed: Feed | str | None = None
    final: Lag | str | None = None
    batches: Lag | str | None = None
    exits: Lag | str | None = None
    paused: bool | str | None = None
    page: StatusPage | str | None = None
    fees: Fees | None = None
    special: str = ""
    balances: tuple[Balance, ...] = ()
    notes: tuple[str, ...] = ()
