"""Everything that is measured of a few coins' tails."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.tails.calm import Rolling
from perpbook.tails.dependence import PairTails
from perpbook.tails.hedge import HedgeReport
from perpbook.tails.losses import Shortfall
from perpbook.tails.stressed import StressedMatrix


@dataclass(frozen=True, slots=True, kw_only=True)
class TailReport:
    """Everything, raw and with volatility filtered out. `hedges` are every coin long against the first one short."""

    names: tuple[str, ...]
    venue: str
    bar_ns: int
    start: str
    end: str
    rows: int
    level: float
    draws: int
    seed: int
    mean_block: float
    source: str
    simulated: bool
    notes: tuple[str, ...]
    raw: tuple[PairTails, ...]
    filtered: tuple[PairTails, ...]
    shortfalls: tuple[Shortfall, ...]
    stressed: StressedMatrix
    rolling: Rolling
    hedges: tuple[HedgeReport, ...]
