"""What is wrong with a piece of history: one finding, with the series and the span of every run it would touch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: a backtest refuses FATAL ones unless told to accept them."""

    FATAL = "fatal"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFinding:
    """One thing seen in one series.

    `code` is a stable word ("gap", "splice"). `kind` is the lake's kind of series. The span is [start_ns, end_ns), ns
    UTC: a run of that symbol on that venue which meets the span is touched by it.
    """

    severity: Severity
    code: str
    venue: str
    symbol: str
    start_ns: int
    end_ns: int
    message: str
    kind: str = "candles"

    def touches(self, start_ns: int, end_ns: int) -> bool:
        """Whether a run over [start_ns, end_ns) meets the span."""
        return self.start_ns < end_ns and start_ns < self.end_ns
