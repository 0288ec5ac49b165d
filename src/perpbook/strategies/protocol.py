"""What a strategy written in Python is given and gives back: `strategy(view, orders)`, called on a schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from perpbook.model.bars import Bars, Flags, Floats, Settlements
from perpbook.strategies.changes import row_of
from perpbook.strategies.legs import leg_number
from perpbook.strategies.orders import Orders
from perpbook.strategies.table import Leg

Element = TypeVar("Element", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One instant, as it could be known then. A leg is given as itself or by its name, `account:symbol`.

    `now_ns` is the close of bar `bar`. `closes` (C, w) are the closes of C contracts up to now, the newest last, at most
    as many as the window asked for; `stale` (C, w) is 1 where there was no bar. `rows` (n,) is each leg's contract among
    them. `equity` is by account, dollars; `positions` by leg name, signed quantity. `funding` is each contract's
    settlements within the window and not after now. Arrays are copies and cannot be written.
    """

    now_ns: int
    bar: int
    legs: tuple[Leg, ...]
    rows: tuple[int, ...]
    closes: Floats
    stale: Flags
    equity: Mapping[str, float]
    positions: Mapping[str, float]
    funding: tuple[Settlements, ...]

    @property
    def book_equity(self) -> float:
        """The equity of all accounts, dollars."""
        return float(sum(self.equity.values()))

    def prices(self, leg: Leg | str) -> Floats:
        """A leg's closes up to now."""
        out: Floats = self.closes[self._row(leg)]
        return out

    def price(self, leg: Leg | str) -> float:
        """A leg's last close."""
        return float(self.closes[self._row(leg), -1])

    def is_stale(self, leg: Leg | str) -> bool:
        """Whether a leg's contract did not trade in this bar."""
        return bool(self.stale[self._row(leg), -1])

    def position(self, leg: Leg | str) -> float:
        """A leg's signed quantity, 0 when nothing is held."""
        return self.positions.get(self.legs[leg_number(self.legs, leg, self.now_ns)].name, 0.0)

    def settled(self, leg: Leg | str) -> Settlements:
        """A leg's funding settlements known by now."""
        return self.funding[self._row(leg)]

    def _row(self, leg: Leg | str) -> int:
        return self.rows[leg_number(self.legs, leg, self.now_ns)]


Strategy = Callable[[View, Orders], None]
"""A strategy of the trader's own: reads the view, writes orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which bars a strategy sees: its `legs`, their contracts' `rows` of the bars, and how many of the last bars."""

    legs: tuple[Leg, ...]
    rows: tuple[int, ...]
    bars: int = 500

    @classmethod
    def of(cls, bars: Bars, legs: tuple[Leg, ...], count: int = 500) -> Window:
        """The window on some legs; InputError when one has no bars."""
        return cls(legs=legs, rows=tuple(row_of(bars, leg) for leg in legs), bars=count)


def view_at(bars: Bars, bar: int, window: Window, equity: Mapping[str, float], positions: Mapping[str, float]) -> View:
    """What is known at the close of a bar, and nothing after it."""
    assert 0 <= bar < bars.count and window.bars > 0
    first, now_ns = max(0, bar + 1 - window.bars), int(bars.open_ns[bar]) + bars.bar_ns
    since_ns = int(bars.open_ns[first])
    return View(
        now_ns=now_ns,
        bar=bar,
        legs=window.legs,
        rows=window.rows,
        closes=_kept(bars.close[:, first : bar + 1]),
        stale=_kept(bars.stale[:, first : bar + 1]),
        equity=dict(equity),
        positions=dict(positions),
        funding=tuple(_between(one, since_ns, now_ns) for one in bars.settlements),
    )


def _between(settled: Settlements, since_ns: int, now_ns: int) -> Settlements:
    start, end = np.searchsorted(settled.times_ns, [since_ns, now_ns + 1])
    return Settlements(
        times_ns=_kept(settled.times_ns[start:end]),
        rates=_kept(settled.rates[start:end]),
        interval_ns=_kept(settled.interval_ns[start:end]),
    )


def _kept(values: NDArray[Element]) -> NDArray[Element]:
    """A copy that nobody can write, with nothing behind it."""
    out = values.copy()
    out.flags.writeable = False
    return out
