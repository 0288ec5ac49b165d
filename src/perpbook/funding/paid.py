"""What funding has paid and received: by position, asset, venue and sleeve, over spans that end now, and what it did to a return.

Cash is dollars, received > 0 > paid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from perpbook.funding.skew import compounded, sum_over
from perpbook.kernels.types import Floats, Integers
from perpbook.model.bars import Settlements
from perpbook.model.units import DAY_NS

WINDOWS_DAYS = (1, 7, 30, 365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Cash of one settlement on one position. `sleeve` is empty for none."""

    time_ns: int
    account: str
    venue: str
    symbol: str
    asset: str
    sleeve: str
    cash: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidRow:
    """Cash by window in days; None where settlements do not reach back so far. `key` names what it is of; `whole` is the cash of
    all that is known, where that is told."""

    kind: str
    key: str
    cash: dict[int, float | None]
    whole: float | None = None


class Placed(Protocol):
    """What belongs to a position somewhere: a payment, or the position itself."""

    @property
    def account(self) -> str:
        """The account's id."""

    @property
    def symbol(self) -> str:
        """The contract's."""

    @property
    def asset(self) -> str:
        """The coin."""

    @property
    def venue(self) -> str:
        """The venue's id."""

    @property
    def sleeve(self) -> str:
        """The sleeve's name, empty for none."""


KINDS: dict[str, Callable[[Placed], str]] = {
    "position": lambda one: f"{one.account} {one.symbol}",
    "asset": lambda one: one.asset,
    "venue": lambda one: one.venue,
    "sleeve": lambda one: one.sleeve or "unassigned",
    "book": lambda one: "book",
}


def paid_rows(
    payments: Sequence[Payment], *, now_ns: int, since_ns: int, days: Sequence[int] = WINDOWS_DAYS
) -> tuple[PaidRow, ...]:
    """Cash by position, asset, venue, sleeve and of the whole, over (now - window, now].

    `since_ns` is from when payments are known: a window that begins before it is None.
    """
    out = []
    for kind, key_of in KINDS.items():
        for key in dict.fromkeys(map(key_of, payments)):
            mine = [one for one in payments if key_of(one) == key]
            cash = windows(mine, now_ns=now_ns, since_ns=since_ns, days=days)
            out.append(PaidRow(kind=kind, key=key, cash=cash, whole=sum(one.cash for one in mine)))
    return tuple(out)


def windows(
    payments: Iterable[Payment], *, now_ns: int, since_ns: int, days: Sequence[int] = WINDOWS_DAYS
) -> dict[int, float | None]:
    """Cash of each window in days; None for one that begins before `since_ns`."""
    held = [(one.time_ns, one.cash) for one in payments if one.time_ns <= now_ns]
    out: dict[int, float | None] = {}
    for window in days:
        start = now_ns - window * DAY_NS
        out[window] = None if start < since_ns else sum(cash for time, cash in held if time > start)
    return out


def at_present_size(history: Settlements, exposure: float, *, now_ns: int, days: int) -> float | None:
    """What a position of `exposure` dollars (long > 0) would have been paid over the last days, at its present size and price
    throughout; None where the history does not cover them."""
    total = sum_over(history, now_ns - days * DAY_NS, now_ns)
    return None if total is None else -exposure * total


def drag(payments: Sequence[Payment], times_ns: Integers, equity: Floats) -> float:
    """What funding alone did to the return of a book whose equity at `times_ns` (n,) was `equity` (n,): each settlement's cash
    over the equity before it, compounded; < 0: it cost."""
    if not payments:
        return 0.0
    when = np.array([one.time_ns for one in payments], dtype=np.int64)
    cash = np.array([one.cash for one in payments])
    at = np.clip(np.searchsorted(times_ns, when, side="right") - 1, 0, equity.size - 1)
    moments, place = np.unique(when, return_inverse=True)
    shares = np.zeros(moments.size)
    np.add.at(shares, place, cash / np.maximum(equity[at], 1e-9))
    return compounded(shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPaid:
    """What funding paid and received in a run from `start_ns` to `end_ns`, by position, asset, venue, sleeve and of the book.

    `share` is the whole over the equity at the start; `drag` what it did to the return, compounded. `run` names the run.
    """

    run: str
    start_ns: int
    end_ns: int
    rows: tuple[PaidRow, ...]
    settlements: int
    whole: float
    share: float | None
    drag: float
    simulated: bool = False


def funding_paid(
    payments: Sequence[Payment],
    times_ns: Integers,
    equity: Floats,
    *,
    run: str = "",
    simulated: bool = False,
    days: Sequence[int] = WINDOWS_DAYS,
) -> FundingPaid:
    """The payments of a run whose book was worth `equity` (n,) at `times_ns` (n,)."""
    start, end = int(times_ns[0]), int(times_ns[-1])
    whole = sum(one.cash for one in payments)
    return FundingPaid(
        run=run, start_ns=start, end_ns=end, rows=paid_rows(payments, now_ns=end, since_ns=start, days=days),
        settlements=len(payments), whole=whole, share=whole / float(equity[0]) if equity[0] > 0 else None,
        drag=drag(payments, times_ns, equity), simulated=simulated,
    )  # fmt: skip
