"""What is traded: one perpetual contract on one venue."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum


class ContractKind(Enum):
    """How profit is paid. LINEAR: in the quote currency. INVERSE: in the base coin."""

    LINEAR = "linear"
    INVERSE = "inverse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One perpetual.

    `quantity` everywhere is contracts x `contract_size`, signed, long > 0 > short: base units for a
    linear contract, quote units for an inverse one.
    """

    venue: str
    symbol: str
    base: str
    quote: str
    settle: str
    kind: ContractKind = ContractKind.LINEAR
    contract_size: float = 1.0
    lot_size: float = 0.0
    tick_size: float = 0.0

    def __post_init__(self) -> None:
        assert self.contract_size > 0 and self.lot_size >= 0 and self.tick_size >= 0

    @property
    def is_inverse(self) -> bool:
        """True when profit is paid in the base coin."""
        return self.kind is ContractKind.INVERSE


def in_lots(count: int, lot: float) -> float:
    """`count` lots as the float nearest to the exact decimal: 186,523 lots of 0.00001 are 1.86523."""
    return float(Decimal(repr(lot)) * count)
