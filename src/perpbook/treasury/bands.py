"""How much a place should hold: when to refill and up to where, when it has too much and down to where.

h : what a dollar costs that lies idle, dollars a day. K : what one transfer costs, dollars. lambda : dollars a day that flow out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Dollars. Below `least` the place is refilled up to `refill`; above `most` it is brought down to `back`."""

    least: float
    refill: float
    back: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What goes through a place: `outflow` dollars a day, `variance` of its daily net flow (dollars squared), `fixed` dollars
    that a transfer costs, `least` dollars that go at once, `holding` dollars a day that one idle dollar costs (> 0)."""

    outflow: float = 0.0
    variance: float = 0.0
    fixed: float = 0.0
    least: float = 0.0
    holding: float

    def __post_init__(self) -> None:
        assert self.holding > 0.0, "idle money costs something"
        assert min(self.outflow, self.variance, self.fixed, self.least) >= 0.0, "flows and costs are not below nothing"


def band_of(reserve: float, flow: Flow) -> Band:
    """An (s, S) rule below and a Miller-Orr band above the reserve.

    With a fixed cost of ordering, refilling below s up to S is optimal (Scarf 1960); S - s is the economic order quantity
    sqrt(2 K lambda / h), and no less than what a transfer takes at least.
    """
    lot = max(flow.least, economic_quantity(flow))
    step = miller_orr(flow)
    back = max(reserve + step, reserve + lot)
    return Band(least=reserve, refill=reserve + lot, back=back, most=max(reserve + 3.0 * step, back))


def economic_quantity(flow: Flow) -> float:
    """sqrt(2 K lambda / h), dollars: what is refilled at once where money flows out steadily (Harris 1913)."""
    return math.sqrt(2.0 * flow.fixed * flow.outflow / flow.holding)


def miller_orr(flow: Flow) -> float:
    """z = (3 K variance / 4 h)^(1/3), dollars above the lower limit: a balance that wanders without drift is brought back to z
    whenever it comes to 0 or to 3 z, which costs least (Miller and Orr 1966)."""
    return math.cbrt(3.0 * flow.fixed * flow.variance / (4.0 * flow.holding))
