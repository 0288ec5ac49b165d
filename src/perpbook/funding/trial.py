"""A way tried on the book: money sent first where an account lacks it, what a venue refuses, and what dies afterwards.

Money leaves before anything is traded, so the account it leaves must be able to spare it as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.funding.trading import Desk, Done, Money, Spot
from perpbook.margin.assess import Assessed, assess
from perpbook.margin.assessment import AccountAssessment, Assessment
from perpbook.model.scenario import Scenario
from perpbook.model.trade import Trade

Sender = Callable[[str, str, float], Money]
"""Source, destination and dollars to the best way there."""

MOVE = 0.15
"""The move either way that an account should live through."""

SPARE = 1.05
"""Times what is short, what is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Danger:
    """An account before and after: the joint move nearest to zero at which it dies (None never), its margin ratio (1 dies).

    `move_waiting` is that move once money has left and nothing is traded yet; `dies` says that a move within `MOVE` either way
    does it, then or afterwards."""

    account: str
    move_before: float | None
    move_after: float | None
    ratio_before: float
    ratio_after: float
    move_waiting: float | None = None
    dies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The book after a way, the money sent first, why it is refused, and the accounts it touches."""

    done: Done
    money: Money | None
    refused: str
    dangers: tuple[Danger, ...]


def tried(desk: Desk, send: Sender, asset: str, trades: Sequence[Trade], coins: Sequence[Spot] = ()) -> Trial:
    """Trades in an asset, tried; what the last account lacks comes from the first one, if that can spare it beforehand."""
    before = assess(desk.snapshot, desk.terms).assessment
    done = desk.after(trades, coins)
    after = assess(done.snapshot, desk.terms, both_ways(asset))
    names = list(dict.fromkeys(trade.account for trade in trades))
    refused = refusal(before, after.assessment, names)
    money, waiting = None, None
    if refused and len(names) > 1:
        source, destination = names[0], names[-1]
        money, why = _sent(desk, send, before, after, (source, destination))
        if money is None:
            refused = f"{refused}, {why}" if why else refused
        else:
            waiting = assess(desk.after((), (), money).snapshot, desk.terms).assessment
            done = desk.after(trades, coins, money)
            after = assess(done.snapshot, desk.terms)
            refused = refusal(before, waiting, names) or refusal(before, after.assessment, names)
    dangers = tuple(danger(before, after.assessment, name, waiting) for name in names)
    return Trial(done=done, money=money, refused=refused, dangers=dangers)


def both_ways(asset: str) -> list[Scenario]:
    """The asset down by `MOVE`, and up."""
    return [Scenario(name=f"{size:+.0%}", kind="joint", size=size, moves={asset: size}) for size in (-MOVE, MOVE)]


def _sent(
    desk: Desk, send: Sender, before: Assessment, after: Assessed, ends: tuple[str, str]
) -> tuple[Money | None, str]:
    """Money for the opened account to live through the move, or at least to be let trade; None, and why, where it cannot go."""
    source, destination = ends
    short = SPARE * -account_in(after.assessment, destination).summary.free_collateral
    if short <= 0.0:
        return None, ""
    row = [one.id for one in after.arrays.accounts].index(destination)
    safe = max(SPARE * float(np.max(after.grid.maintenance[row] - after.grid.equity[row])), short)
    free = account_in(before, source).summary.free_collateral
    for dollars in (safe, short):
        money = send(source, destination, dollars)
        if money.seconds is not None and dollars + money.fee <= free:
            return money, ""
    if money.seconds is None:
        return None, f"and no route from {source} is known"
    return (
        None,
        f"and {source} has {max(free, 0.0):,.0f} free before the trades of the {short + money.fee:,.0f} to send",
    )


def refusal(before: Assessment, now: Assessment, names: Sequence[str]) -> str:
    """What an account lacks, where more initial margin is asked for than it has, or its maintenance margin is gone."""
    for name in names:
        past, summary = account_in(before, name).summary, account_in(now, name).summary
        less = summary.free_collateral < past.free_collateral
        if summary.free_collateral < 0.0 and (summary.initial_margin > past.initial_margin or less):
            return f"{name} lacks {-summary.free_collateral:,.0f} of initial margin"
        if summary.maintenance_margin > summary.equity:
            return f"{name} would be liquidated"
    return ""


def danger(before: Assessment, after: Assessment, name: str, waiting: Assessment | None = None) -> Danger:
    """An account's liquidation before, while money is under way, and after."""
    past, now = account_in(before, name), account_in(after, name)
    between = None if waiting is None else account_in(waiting, name).liquidation_move
    return Danger(
        account=name, move_before=past.liquidation_move, move_after=now.liquidation_move, move_waiting=between,
        ratio_before=past.summary.margin_ratio, ratio_after=now.summary.margin_ratio,
        dies=any(at is not None and abs(at) <= MOVE for at in (now.liquidation_move, between)),
    )  # fmt: skip


def account_in(assessment: Assessment, name: str) -> AccountAssessment:
    """The account of that name."""
    return next(one for one in assessment.accounts if one.id == name)
