"""Something a trader should know."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """INFO: to read some time. WARN: near a limit, or less sure than before. PAGE: now."""

    INFO = "info"
    WARN = "warn"
    PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing told. `kind` dotted: "funding.flip", "rule.leverage.asset", "stale.books". `measured` against `limit` where there
    is one, in `unit`. `resolved` : it is over. `proposal` : its digest, "" without one."""

    kind: str
    severity: Severity
    at_ns: int
    sentence: str
    account: str = ""
    symbol: str = ""
    measured: float | None = None
    limit: float | None = None
    unit: str = ""
    resolved: bool = False
    proposal: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two alerts the same."""
        return (self.kind, self.account, self.symbol)
