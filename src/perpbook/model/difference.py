"""A measure of two runs side by side."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A measure of both runs and what the first has more; `low` and `high` hold 95 % of the bootstrap's draws, None where
    no interval is drawn. `better` is the share of draws in which the first has more."""

    name: str
    unit: str
    one: float
    other: float
    more: float
    low: float | None = None
    high: float | None = None
    better: float | None = None
