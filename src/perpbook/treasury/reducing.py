"""Reducing positions as a way: closing a share of an account's positions frees that share of its initial margin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perpbook.margin.arrays import fee_to_close
from perpbook.treasury.conditions import Conditions
from perpbook.treasury.network import home_of
from perpbook.treasury.standing import Standing
from perpbook.treasury.task import Cut, Need

TRADE_SECONDS = 60.0
"""How long closing is taken to last, once decided."""

STOPS_TRADING = ("api", "halt")
"""What a venue's absence stops trades by."""


def cuts_of(standing: Standing, needs: Sequence[Need], conditions: Conditions, half_spread: float) -> tuple[Cut, ...]:
    """A cut for every need of an account that holds positions and can trade. half_spread : of notional, what a trade loses beside
    its fee."""
    return tuple(_cuts(standing, needs, conditions, half_spread))


def _cuts(standing: Standing, needs: Sequence[Need], conditions: Conditions, half_spread: float) -> Iterator[Cut]:
    arrays, numbers = standing.arrays, {one.id: k for k, one in enumerate(standing.arrays.accounts)}
    away = {one.name for one in conditions.absences if one.where == "venue" and one.kind in STOPS_TRADING}
    for number, need in enumerate(needs):
        at = numbers.get(need.place)
        if at is None or standing.initial[at] <= 0.0 or arrays.accounts[at].venue in away or "*" in away:
            continue
        rows = [row for row in arrays.positions() if arrays.items[row].account == at]
        size = sum(abs(arrays.items[row].delta) * float(arrays.prices[arrays.items[row].column]) for row in rows)
        fees = sum(fee_to_close(arrays.items[row], arrays.prices) for row in rows)
        frees = float(standing.initial[at])
        yield Cut(
            need=number, words=f"close a share of the positions of {need.place}, {size:,.0f} dollars in all", dollars=frees,
            rate=(fees + half_spread * size) / frees, seconds=TRADE_SECONDS,
            domains=home_of(conditions.facts, arrays.accounts[at]),
        )  # fmt: skip
