"""A native document in the making: what importers fill in, and where each part of it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from perpbook.files.places import Key
from perpbook.snapshot.answer import Answer
from perpbook.snapshot.issues import Origin, dotted
from perpbook.snapshot.moments import LATEST_NS, moment_text
from perpbook.snapshot.native import SCHEMA

DUST = 1e-12
"""Coins below this are rounding of a difference, not money."""


@dataclass(slots=True)
class Draft:
    """Accounts, markets and money outside accounts, as native tables.

    `times_ns`: when the answers say they were given; `exchange`: the one that the user named for ccxt's answers.
    """

    accounts: list[dict[str, Any]] = field(default_factory=list)
    markets: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    layers: list[dict[str, Any]] = field(default_factory=list)
    origins: dict[Key, Origin] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    times_ns: list[int] = field(default_factory=list)
    exchange: str | None = None

    def account(self, answer: Answer, name: str, venue: str, **fields: Any) -> dict[str, Any]:
        """A new account; positions are added to what this returns."""
        self.origins["accounts", len(self.accounts)] = origin_of(answer)
        found: dict[str, Any] = {"id": name, "venue": venue, "positions": [], **without_none(fields)}
        self.numbers[id(found)] = len(self.accounts)
        self.accounts.append(found)
        return found

    def position(self, account: dict[str, Any], answer: Answer, **fields: Any) -> None:
        """A position of an account of this draft."""
        number = self.numbers[id(account)]
        self.origins["accounts", number, "positions", len(account["positions"])] = origin_of(answer)
        account["positions"].append(without_none(fields))

    def market(self, answer: Answer, venue: str, symbol: str, **prices: float | None) -> None:
        """Prices of a contract; what is already known of it stays."""
        known = self.markets.get((venue, symbol))
        if known is None:
            if not without_none(prices):
                return
            self.origins["markets", len(self.markets)] = origin_of(answer)
            known = self.markets[venue, symbol] = {"venue": venue, "symbol": symbol}
        for key, price in without_none(prices).items():
            known.setdefault(key, price)

    def date(self, answer: Answer, key: str, unit_ns: int) -> None:
        """Note when an answer says it was given, in units of so many nanoseconds; 0 and blank say nothing."""
        moment = (answer.number(key) or 0.0) * unit_ns
        if 0 <= moment < LATEST_NS:
            self.times_ns += [int(answer.number(key) or 0) * unit_ns] if moment else []
        else:
            answer.issue(key, "is not a time", "save the venue's answer again, whole")

    def layer(self, answer: Answer, layer: str, asset: str, amount: float) -> None:
        """Money outside any margin account."""
        self.origins["layers", len(self.layers)] = origin_of(answer)
        self.layers.append({"layer": layer, "asset": asset, "amount": amount})

    def document(self, as_of_ns: int, source: str) -> dict[str, Any]:
        """The native document."""
        return {
            "schema": SCHEMA,
            "as_of": moment_text(as_of_ns),
            "source": "".join(letter if letter.isprintable() else "?" for letter in source),
            "accounts": self.accounts,
            "markets": list(self.markets.values()),
            "layers": self.layers,
        }


def balances(amounts: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Signed coins by asset as the native tables `collateral` and `debts`."""
    held = {asset: (amount if amount >= DUST else 0.0) for asset, amount in amounts.items() if amount > -DUST}
    owed = {asset: -amount for asset, amount in amounts.items() if amount <= -DUST}
    return {"collateral": held} | ({"debts": owed} if owed else {})


def reported(**fields: float | bool | None) -> dict[str, Any] | None:
    """What the venue said, as a native table; None when it said nothing."""
    return without_none(fields) or None


def without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that have a value."""
    return {key: value for key, value in fields.items() if value is not None}


def origin_of(answer: Answer) -> Origin:
    """Where an answer stands."""
    return Origin(path=dotted(answer.at), file=answer.report.file)
