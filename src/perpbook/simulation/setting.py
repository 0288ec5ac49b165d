"""How a simulated venue is set up, beside its terms, accounts and prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from perpbook.simulation.order_rules import OrderRules


class QueueRule(Enum):
    """When a resting order fills. RISK_AVERSE: when the market trades through its price, as far as the market's own size goes;
    OPTIMISTIC: when it touches it, whole."""

    RISK_AVERSE = "risk_averse"
    OPTIMISTIC = "optimistic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What rarely differs. `rules` : the order gate, None: the venue's own. `fee_tier` : from 0, the dearest. `insurance` : the
    venue's own money, settle coin. `coin_prices` : dollars of coins other than the settle coin, which stay."""

    rules: OrderRules | None = None
    fee_tier: int = 0
    insurance: float = 1e9
    coin_prices: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
