"""A step of the profit ladder is taken once in a position's life: read from the journal and the truth, not from the guard."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from perpbook.model.record import Record, RecordKind
from tests.simulation.broken import broken_unless
from tests.simulation.reading import Intent, Reading

TAKE_PROFIT = "guardrails.take_profit"
Life = tuple[str, str, int]
"""Account, symbol, and how often the journal saw the position closed or turned before."""


@dataclass(slots=True)
class Stepping:
    """counted : what an order truly traded, or may trade yet.  seen : the step that a life had reached at the first look.
    orders : of every life's steps, by gain, with what the whole step was for when they were made."""

    reading: Reading
    counted: Callable[[Intent], float]
    positions: dict[str, dict[str, float]] = field(default_factory=dict)
    lives: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    seen: dict[Life, float] = field(default_factory=dict)
    orders: defaultdict[Life, list[tuple[float, float, str]]] = field(default_factory=lambda: defaultdict(list))

    def take(self, record: Record) -> None:
        """Follow positions through the journal."""
        body: Mapping[str, Any] = record.body
        if record.kind in (RecordKind.SEEN, RecordKind.ADOPTED):
            self._now(body["account"], body["positions"])
        elif record.kind is RecordKind.VERIFIED:
            for account, symbol, quantity in body["positions"]:
                self._now(account, {**self.positions.get(account, {}), symbol: quantity})
        elif record.kind is RecordKind.STEPS:
            self.seen[self._life(body["account"], body["symbol"])] = body["gain"]

    def _now(self, account: str, held: Mapping[str, float]) -> None:
        was = self.positions.get(account, {})
        for symbol in {*was, *held}:
            if was.get(symbol, 0.0) * held.get(symbol, 0.0) <= 0.0:
                self.lives[account, symbol] += 1
        self.positions[account] = dict(held)

    def _life(self, account: str, symbol: str) -> Life:
        return account, symbol, self.lives[account, symbol]

    def check(self, intent: Intent, proposal: Mapping[str, Any]) -> None:
        """An order leaves."""
        if proposal["rule"] != TAKE_PROFIT:
            return
        leg, name = proposal["legs"][intent.leg], intent.request["client_id"]
        life, gain, whole = self._life(leg["account"], leg["symbol"]), leg["step"]["gain"], abs(leg["step"]["quantity"])
        others = [one for one in self.orders[life] if one[2] != name]
        traded = [(at, of, size) for at, of, other in others if (size := self.counted(self.reading.intents[other]))]
        fresh = gain > self.seen.get(life, 0.0) and all(at <= gain for at, _, _ in traded)
        broken_unless(fresh, "step", f"{name} takes a step at {gain} of {life}, which was taken before")
        same = [(of, size) for at, of, size in traded if at == gain]
        total = math.fsum(size for _, size in same) + abs(intent.request["quantity"])
        most = same[0][0] if same else whole
        broken_unless(
            total <= most * (1 + 1e-9), "step", f"{total} of {life} for a step at {gain}, which asked for {most}"
        )
        self.orders[life] = [*others, (gain, whole, name)]
