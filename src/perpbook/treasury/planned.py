"""A plan as it is told: with the network it was made on and the trial of its arrivals."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.treasury.arrivals import Trial
from perpbook.treasury.network import Network
from perpbook.treasury.task import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The plan with what it was made of. strict : (needs,) at how much each
    arrival for a need was promised."""

    network: Network
    plan: Plan
    trial: Trial
    probability: float
    strict: tuple[float, ...]
    storm: str = ""
    simulated: bool = False
    notes: tuple[str, ...] = ()
