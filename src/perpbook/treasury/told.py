"""What a reader is told of the book's money: where it stands, and what every place needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perpbook.treasury.flights import Forecast
    from perpbook.treasury.holdings import Holding
    from perpbook.treasury.needs import Level, View
    from perpbook.treasury.task import Need, Spare


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where everything is. may_start : whether a new transfer may begin. total : dollars of it all once what has begun is
    through, what is locked aside."""

    as_of_ns: int
    simulated: bool
    may_start: bool
    total: float
    locked: float
    holdings: tuple[Holding, ...]
    flights: tuple[Forecast, ...]
    unread: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All that is needed, with what it was reckoned from. past : whose prices, "" for none; buffer : a share of maintenance
    margin; simulated : prices now or of the past are no market's."""

    view: View
    levels: tuple[Level, ...]
    needs: tuple[Need, ...]
    spares: tuple[Spare, ...]
    past: str
    simulated: bool
    buffer: float
    notes: tuple[str, ...]
