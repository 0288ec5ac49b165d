"""How long layers stood still, from what has happened: the time that a failure is taken to last where nobody says otherwise."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

RECORD = Path(__file__).parent / "data" / "outages.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One halt or rollback of a layer: how long it lasted, and who says so."""

    id: str
    layer: str
    kind: str
    seconds: float
    confidence: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stops:
    """All of them, and the date on which they were read."""

    stops: tuple[Stop, ...]
    as_of: str

    def lasting(self, share: float) -> float:
        """Seconds within which that share of them was over."""
        return float(np.quantile([one.seconds for one in self.stops], share))

    def of(self, layer: str) -> tuple[Stop, ...]:
        """Those of one layer."""
        return tuple(one for one in self.stops if one.layer == layer)


@lru_cache(maxsize=1)
def past_stops() -> Stops:
    """The record of the package."""
    found = tomllib.loads(RECORD.read_text(encoding="utf-8"))
    return Stops(
        stops=tuple(
            Stop(
                id=one["id"],
                layer=one["layer"],
                kind=one["kind"],
                seconds=60.0 * one["minutes"],
                confidence=one["confidence"],
                sources=tuple(one["sources"]),
            )
            for one in found["outages"]
        ),
        as_of=str(found["as_of"]),
    )
