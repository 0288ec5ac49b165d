"""Who decides in the simulation: a pure function of what is known, with every kind of wish a guard is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from perpbook.guard.ladder import NOTHING, TAKE_PROFIT, step_of
from perpbook.guard.turn import held, mid
from perpbook.guard.view import Decision, View, Wanted, WantedLeg
from perpbook.model.action import ActionKind, RiskView
from perpbook.model.alert import Alert, Severity
from perpbook.model.message import AccountSeen
from tests.simulation.plan import Pace, Plan

RISK = RiskView(equity=1.0, effective=1.0, margin_ratio=0.5, liquidation_move=0.1)
RULES = {"BTC": "auto", "ETH": "leverage.asset"}
"""Which rule trims a coin; `auto` may approve itself where the settings have a band for it."""


class Mind:
    """Trims what is larger than the plan's limit, hedges, closes on an exit plan, takes stray orders back, asks for money."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def __call__(self, view: View) -> Decision:
        """What stands and what is wanted."""
        trims = list(self._trims(view))
        others = (self._profits, self._exits, self._hedges, self._strays, self._transfers)
        wanted = [*trims, *(one for asked in others for one in asked(view))]
        alerts = tuple(
            Alert(
                kind=f"rule.{one.rule}", severity=Severity.WARN, at_ns=view.now_ns, sentence=one.reason,
                account=one.legs[0].account, symbol=one.legs[0].symbol,
            )
            for one in trims
        )  # fmt: skip
        return Decision(before=RISK, alerts=alerts, wanted=tuple(wanted), steps=self._at_first(view))

    def _held(self, view: View) -> Iterator[tuple[AccountSeen, str, float, float]]:
        """Account, symbol, quantity and middle of every position whose book is known."""
        for name in sorted(view.accounts):
            seen = view.accounts[name]
            for symbol, quantity in sorted(held(seen).items()):
                book = view.books.get((seen.account.venue, symbol))
                if book is not None:
                    yield seen, symbol, quantity, mid(book)

    def _trims(self, view: View) -> Iterator[Wanted]:
        for seen, symbol, quantity, price in self._held(view):
            dollars = abs(quantity) * price
            if dollars > self._plan.limit:
                yield self._wanted(
                    RULES[symbol[:3]],
                    (seen.account.id, symbol, -quantity * (1.0 - 0.9 * self._plan.limit / dollars)),
                    True,
                )

    def _reached(self, view: View) -> Iterator[tuple[str, str, float, list[tuple[float, float]]]]:
        """Account, symbol, quantity and the steps reached of every position."""
        for seen, symbol, quantity, price in self._held(view) if self._plan.ladder else ():
            entry = next(one.entry_price for one in seen.account.positions if one.symbol == symbol)
            gained = math.copysign(1.0, quantity) * (price / entry - 1.0) if entry > 0.0 else 0.0
            yield seen.account.id, symbol, quantity, [one for one in self._plan.ladder if one[0] <= gained]

    def _at_first(self, view: View) -> dict[tuple[str, str], float]:
        return {
            (account, symbol): max((gain for gain, _ in reached), default=0.0)
            for account, symbol, _, reached in self._reached(view)
            if view.desk.ladders.get((account, symbol), NOTHING).gain is None
        }

    def _profits(self, view: View) -> Iterator[Wanted]:
        """Steps of the ladder that were reached and not taken, and what is owed of those begun."""
        for account, symbol, quantity, reached in self._reached(view):
            taken = view.desk.ladders.get((account, symbol), NOTHING)
            new = [(gain, close) for gain, close in reached if gain > (taken.gain or 0.0)]
            keep = math.prod(1.0 - close for _, close in new)
            step = step_of(taken, quantity, max((gain for gain, _ in new), default=0.0), keep)
            if step is not None:
                found = self._wanted(TAKE_PROFIT, (account, symbol, step.quantity), True)
                yield replace(found, legs=(replace(found.legs[0], step=step),))

    def _exits(self, view: View) -> Iterator[Wanted]:
        """Everything at once, legs on every venue."""
        if "all" in view.desk.exits:
            legs = tuple(
                WantedLeg(account=seen.account.id, symbol=symbol, quantity=-quantity)
                for seen, symbol, quantity, _ in self._held(view)
            )
            if legs:
                yield Wanted(kind=ActionKind.EXIT, rule="exit.all", reason="the plan began", after=RISK, legs=legs)

    def _hedges(self, view: View) -> Iterator[Wanted]:
        """Opens risk: the coin that is net long is sold on the first account."""
        if not self._plan.hedges or view.unknown:
            return
        first = min(view.accounts.values(), key=lambda seen: seen.account.id)
        net = math.fsum(quantity * price for _, symbol, quantity, price in self._held(view) if symbol.startswith("ETH"))
        prices = [
            (symbol, price) for seen, symbol, _, price in self._held(view) if seen is first and symbol.startswith("ETH")
        ]
        if prices and abs(net) > 0.5 * self._plan.limit:
            yield self._wanted("hedge.net", (first.account.id, prices[0][0], -0.2 * net / prices[0][1]), False)

    def _strays(self, view: View) -> Iterator[Wanted]:
        ids = [
            order.id for seen in view.accounts.values() for order in seen.account.orders if order.id.startswith("stray")
        ]
        if ids:
            yield Wanted(
                kind=ActionKind.CANCEL,
                rule="orders.stray",
                reason="nobody knows it",
                after=RISK,
                cancels=tuple(sorted(ids)),
            )

    def _transfers(self, view: View) -> Iterator[Wanted]:
        """From the richest account to one that is worth less than a third of it."""
        worth = sorted((seen.account.reported.equity or 0.0, name) for name, seen in view.accounts.items())
        if self._plan.habits.moves and len(worth) == 2 and 0.0 <= 3.0 * worth[0][0] < worth[1][0]:
            told = f"{worth[1][0] / 4.0:.2f} from {worth[1][1]} to {worth[0][1]}"
            yield Wanted(kind=ActionKind.TRANSFER, rule="treasury.even", reason="uneven", after=RISK, transfer=told)

    def _wanted(self, rule: str, leg: tuple[str, str, float], reduce_only: bool) -> Wanted:
        account, symbol, quantity = leg
        pace = self._plan.pace if reduce_only else Pace()
        legs = (
            WantedLeg(
                account=account, symbol=symbol, quantity=quantity, reduce_only=reduce_only, slices=pace.slices,
                every_ns=pace.every_ns, patience_ns=pace.patience_ns,
            ),
        )  # fmt: skip
        return Wanted(kind=ActionKind.TRIM, rule=rule, reason="too large", after=RISK, legs=legs)
