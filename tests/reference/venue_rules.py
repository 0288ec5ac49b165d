"""A venue's margin and liquidation rules, read from its terms file by hand: nothing of the package has a say here."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "src/perpbook/terms/data"
NOTHING = Decimal(0)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRules:
    """Linear. `tiers` are (lower bound, maintenance fraction), bounds in dollars, or in contracts of `size` coins."""

    tiers: tuple[tuple[Decimal, Decimal], ...]
    by_contracts: bool
    whole_position: bool
    upper_inclusive: bool
    size: Decimal
    lot: Decimal
    close_fee: Decimal
    fee_at_bankruptcy: bool

    def maintenance(self, quantity: Decimal, price: Decimal, leverage: Decimal | None) -> Decimal:
        """Dollars a position must keep: bracket by bracket, and the fee to close where the venue counts it."""
        notional = abs(quantity) * price
        margin, lower, rate = NOTHING, NOTHING, NOTHING
        if self.whole_position:
            margin = notional * self._whole_rate(abs(quantity) / self.size)
        else:
            for bound, fraction in self.tiers:
                if notional > bound:
                    margin += (bound - lower) * rate
                    lower, rate = bound, fraction
            margin += (notional - lower) * rate
        return margin + notional * self._fee_fraction(quantity, leverage)

    def _whole_rate(self, contracts: Decimal) -> Decimal:
        rate = self.tiers[0][1]
        for bound, fraction in self.tiers[1:]:
            if contracts > bound or (contracts == bound and not self.upper_inclusive):
                rate = fraction
        return rate

    def _fee_fraction(self, quantity: Decimal, leverage: Decimal | None) -> Decimal:
        if not self.fee_at_bankruptcy:
            return self.close_fee
        assert leverage is not None, "the fee to close at bankruptcy needs the position's leverage"
        return self.close_fee * (ONE - ONE.copy_sign(quantity) / leverage)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueRules:
    """`backstop` is the share of the maintenance margin under which the venue takes everything (0 none)."""

    contracts: Mapping[str, ContractRules]
    taker: Decimal
    at_or_below: bool
    manner: str
    penalty: Decimal
    fraction: Decimal
    fraction_above: Decimal
    backstop: Decimal
    remainder_lost: bool


@cache
def rules_of(venue: str) -> VenueRules:
    """The newest terms file of a venue."""
    path = sorted(DATA.glob(f"{venue}-[0-9]*.toml"))[-1]
    found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    seizing = found["liquidation"]
    assert "cooldown_seconds" not in seizing or seizing["cooldown_seconds"] <= 60, "bars here outlast every cooldown"
    assert "partial_least" not in seizing and "fillable_spread" not in seizing, "not in this reference"
    return VenueRules(
        contracts=_contracts(found["contracts"], path.parent),
        taker=found["fees"][0]["taker"],
        at_or_below={"at_or_below": True, "below": False}[seizing["trigger"]],
        manner=seizing["manner"],
        penalty=seizing.get("penalty_rate", NOTHING),
        fraction=seizing.get("partial_fraction", ONE),
        fraction_above=seizing.get("partial_above", NOTHING),
        backstop=seizing.get("backstop_ratio", NOTHING),
        remainder_lost=seizing.get("remainder_lost", True),
    )


def _contracts(words: Mapping[str, Any], folder: Path) -> dict[str, ContractRules]:
    out: dict[str, ContractRules] = {}
    rows: dict[str, list[dict[str, str]]] = {}
    symbol = ""
    with (folder / words["table"]).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            symbol = row["symbol"] or symbol
            rows.setdefault(symbol, []).append(row)
    fee = words.get("close_fee", {"rate": NOTHING, "basis": "notional"})
    for symbol, own in rows.items():
        first = {
            **{key: str(word) for key, word in words.items()},
            **{key: word for key, word in own[0].items() if word},
        }
        if first.get("kind", "linear") == "linear":
            out[symbol] = ContractRules(
                tiers=tuple((Decimal(row["lower"]), Decimal(row["mmf"])) for row in own),
                by_contracts=first.get("unit", "notional") == "contracts",
                whole_position=first.get("mode", "marginal") == "whole_position",
                upper_inclusive=first.get("upper_inclusive") == "True",
                size=Decimal(first.get("contract_size", "1")),
                lot=Decimal(first.get("lot", "0.001")),
                close_fee=fee["rate"],
                fee_at_bankruptcy=fee["basis"] == "bankruptcy",
            )
    return out
