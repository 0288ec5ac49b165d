"""What is told of a guard: how it stands, and what it proposes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LegTold:
    """One leg. `quantity` signed as traded, `held` before; `notional` quote at the limit price; `pace` in words, "" at once."""

    account: str
    symbol: str
    quantity: float
    held: float
    limit_price: float
    notional: float
    pace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalTold:
    """A proposal as people see it. `expires_in_s` < 0: it has expired. `risk` : before and after by name."""

    digest: str
    phase: str
    kind: str
    rule: str
    reason: str
    legs: tuple[LegTold, ...]
    transfer: str
    cost_max: float
    created: str
    expires_in_s: float
    risk: dict[str, tuple[float | None, float | None]]
    stopped: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardStatus:
    """How a guard stands. `running` : a process has its accounts. `armed_for_s` 0: not armed."""

    running: bool
    kill: str
    kill_reason: str
    halt_flag: str
    armed_for_s: float
    accounts: dict[str, dict[str, float]]
    waiting: int
    acting: int
    exits: tuple[str, ...]
    incidents: tuple[str, ...]
    alerts: tuple[str, ...]
    records: int
    head: str
    last: str
