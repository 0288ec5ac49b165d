"""What venues say of funding: what accounts received and paid, and what was settled of contracts; folded as it is told.

An account's payments of today and in a row are counted as a backtest counts them (`kernels.in_force.count_payment`): the day is
UTC's, a position that was closed or turned over begins anew. The rate expected is `kernels.in_force.expect`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from perpbook.model.message import FundingPayment, FundingSeen, RatesSeen, SettledRate
from perpbook.model.units import DAY_NS, HOUR_NS, SECOND_NS

OLD_NS = 1_200 * SECOND_NS
"""What was asked for longer ago than this is not known: a settlement may have passed unheard."""

OLD_RATES_NS = 2 * HOUR_NS
"""The same of rates, which are asked for once an hour."""

HOLE = 1.5
"""Intervals between two settlements beyond which one is missing."""

DAY_CAPS = ("funding.daily_cap", "funding.daily_cap_asset", "funding.daily_cap_venue")
"""Rules that cut a position once a UTC day: what was paid stays paid."""

Pair = tuple[str, str]
"""Account and symbol; of rates, venue and symbol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """Payments of one position so far. at_ns : of the last.  paid : dollars (> 0 paid) in that one's UTC day.  in_row : paid
    since the last received, or at least so often.  received : whether it ever did.  side : of the last that said, 0 for none.
    is_part : the last received may be in a sum of several settlements, or before it: how many were paid since is not known."""

    at_ns: int = 0
    paid: float = 0.0
    in_row: int = 0
    received: bool = False
    side: int = 0
    is_part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFunding:
    """An account's payments from `since_ns` until it was asked for, at `at_ns`, by symbol."""

    since_ns: int
    at_ns: int
    of: Mapping[str, Paid] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """What was settled of a contract. at_ns, rate, interval_ns : of the last.  expected : a year.  whole_ns : from when on none
    is missing.  since_ns, asked_ns : from when and until when it is known."""

    at_ns: int
    rate: float
    interval_ns: int
    expected: float
    whole_ns: int
    since_ns: int
    asked_ns: int

    @property
    def yearly(self) -> float:
        """The rate in force, a year."""
        return _yearly(self.rate, self.interval_ns)


def heard(before: AccountFunding | None, seen: FundingSeen, turned: Mapping[Pair, int]) -> AccountFunding | None:
    """What is known of an account once it was told; what begins before all that is known, or after it, begins anew. turned : when
    positions were last seen to begin, end or turn over, by account and symbol."""
    if seen.why:
        return None
    if before is None or seen.since_ns > before.at_ns or seen.since_ns < before.since_ns:
        before = AccountFunding(since_ns=seen.since_ns, at_ns=seen.at_ns)
    of = dict(before.of)
    for one in seen.payments:
        of[one.symbol] = counted(of.get(one.symbol, Paid()), one, turned.get((seen.account, one.symbol), 0))
    return AccountFunding(since_ns=before.since_ns, at_ns=max(before.at_ns, seen.at_ns), of=of)


def counted(before: Paid, one: FundingPayment, turned_ns: int) -> Paid:
    """One payment more; one that is not newer than the last was told before."""
    if one.at_ns <= before.at_ns:
        return before
    side = before.side if not one.quantity else 1 if one.quantity > 0.0 else -1
    if before.at_ns < turned_ns <= one.at_ns or side * before.side < 0:
        before = replace(before, in_row=0, received=False, is_part=False)
    is_same_day = before.at_ns // DAY_NS == one.at_ns // DAY_NS
    received, is_sum = one.dollars > 0.0, one.settlements > 1
    return Paid(
        at_ns=one.at_ns, paid=(before.paid if is_same_day else 0.0) - one.dollars,
        in_row=0 if received or is_sum else before.in_row + (one.dollars < 0.0), received=before.received or received,
        side=side, is_part=is_sum or (before.is_part and not received),
    )  # fmt: skip


def paid_today(found: Paid, now_ns: int) -> float:
    """Dollars (> 0 paid) of this UTC day."""
    return found.paid if found.at_ns // DAY_NS == now_ns // DAY_NS else 0.0


def paid_in_row(found: Paid, turned_ns: int) -> int:
    """Settlements that a position has paid since the last it received; 0 where it never did, or began since."""
    return found.in_row if found.received and turned_ns <= found.at_ns else 0


def rated(before: Rated | None, seen: RatesSeen) -> Rated | None:
    """What is known of a contract's rates once they were told; None before there are two."""
    if seen.why:
        return None
    if before is not None and (seen.since_ns > before.asked_ns or seen.since_ns < before.since_ns):
        before = None
    rates = [one for one in seen.rates if before is None or one.at_ns > before.at_ns]
    if before is None:
        if len(rates) < 2:
            return None
        before, rates = _first(rates[0], width(rates[0].at_ns, rates[1].at_ns), seen.since_ns), rates[1:]
    for one in rates:
        before = _settled(before, one)
    return replace(before, asked_ns=seen.at_ns)


def width(first_ns: int, second_ns: int) -> int:
    """The interval between two settlements, whole hours: venues stamp them some seconds late."""
    return max(1, round((second_ns - first_ns) / HOUR_NS)) * HOUR_NS


def _yearly(rate: float, interval_ns: int) -> float:
    """A rate per interval, a year. Kernels are loaded by who needs rates: a desk is folded without them."""
    from perpbook.kernels.in_force import yearly_rate

    return float(yearly_rate(rate, interval_ns))


def _first(one: SettledRate, interval_ns: int, since_ns: int) -> Rated:
    return Rated(
        at_ns=one.at_ns, rate=one.rate, interval_ns=interval_ns, expected=_yearly(one.rate, interval_ns),
        whole_ns=one.at_ns, since_ns=since_ns, asked_ns=one.at_ns,
    )  # fmt: skip


def _settled(before: Rated, one: SettledRate) -> Rated:
    from perpbook.kernels.in_force import HALF_LIFE_NS

    interval = width(before.at_ns, one.at_ns)
    is_hole = interval > HOLE * before.interval_ns
    decay = 0.5 ** (interval / HALF_LIFE_NS)
    expected = decay * before.expected + (1.0 - decay) * _yearly(one.rate, interval)
    return replace(
        before, at_ns=one.at_ns, rate=one.rate, interval_ns=interval, expected=expected,
        whole_ns=one.at_ns if is_hole else before.whole_ns,
    )  # fmt: skip


def shown(
    turned: dict[Pair, int], account: str, before: Mapping[str, float] | None, now: Mapping[str, float], at_ns: int
) -> None:
    """An account's positions were written down: those that began, ended or turned over count their payments anew. before : as
    they were, None for never."""
    for symbol in {*before, *now} if before is not None else ():
        if before is not None and before.get(symbol, 0.0) * now.get(symbol, 0.0) <= 0.0:
            turned[account, symbol] = at_ns
