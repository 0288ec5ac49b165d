"""Binance: liquidation prices of isolated and cross accounts, coin-margined ones, bracket amounts, funding received."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perpbook.kernels.funding import cash_over, funding_payments
from perpbook.kernels.types import Floats
from perpbook.margin.requirement import requirement_of
from perpbook.model.account import MarginMode, Position
from perpbook.model.contract import Contract
from perpbook.model.units import HOUR_NS, SECOND_NS
from perpbook.terms.terms import ContractTerms, Tier, TierTable, TierUnit
from tests.golden.adapters.one_book import Leg, Rules, first_position, marginal, signed
from tests.golden.registry import adapter

Values = Mapping[str, Any]

LATE_NS = 15 * SECOND_NS
"""A position opened less than this after a settlement still takes part in it (the note of the funding cases)."""


@adapter("binance", "liquidation", needs={"wallet_balance", "position", "entry_price", "side", "mmr", "cum"})
def liquidation(given: Values) -> Values:
    return {"liquidation_price": _liquidation_price(given, [])}


@adapter("binance", "liquidation", needs={"wallet_balance", "position", "entry_price", "side", "mmr", "cum", "other"})
def worked_example(given: Values) -> Values:
    others = given["other"] or []
    return {"liquidation_price": _liquidation_price(given, [others] if isinstance(others, Mapping) else others)}


@adapter("binance", "unexplained", needs={"entry_price", "contracts", "contract_size", "initial_margin", "mmr"})
def unexplained(given: Values) -> Values:
    """What a position with nothing but its initial margin would be liquidated at."""
    bare = {
        "wallet_balance": given["initial_margin"],
        "position": given["contracts"] * given["contract_size"],
        "entry_price": given["entry_price"],
        "mmr": given["mmr"],
        "cum": 0.0,
    }
    return {"liquidation_price": _liquidation_price(bare, [])}


def _liquidation_price(given: Values, others: Sequence[Values]) -> float | None:
    legs = [_leg(one, f"COIN{number}-PERP") for number, one in enumerate([given, *others])]
    return first_position("binance", legs, given["wallet_balance"]).liquidation_price


def _leg(given: Values, symbol: str) -> Leg:
    size = given["position"]
    return Leg(
        rules=Rules(tiers=marginal([(given["mmr"], given["cum"])])),
        quantity=signed(given["side"], size) if "side" in given else size,
        entry=given["entry_price"],
        mark=given.get("mark_price"),
        symbol=symbol,
    )


@adapter(
    "binance",
    "inverse",
    needs={"isolated_wallet", "cum", "side", "contracts", "contract_multiplier", "entry_price", "mmr"},
    observes={"notional_value"},
)
def coin_margined(given: Values) -> Values:
    """Where the payload does not show the mark price, its notional value does: contracts x multiplier / mark."""
    dollars = given["contracts"] * given["contract_multiplier"]
    seen = dollars / abs(given["notional_value"]) if given.get("notional_value") else None
    leg = Leg(
        rules=Rules(
            tiers=marginal([(given["mmr"], given["cum"])], TierUnit.BASE),
            inverse=True,
            contract_size=given["contract_multiplier"],
        ),
        quantity=signed(given["side"], given["contracts"] * given["contract_multiplier"]),
        entry=given["entry_price"],
        mark=given.get("mark_price") or seen,
    )
    found = first_position("binance-coinm", [leg], given["isolated_wallet"], MarginMode.ISOLATED)
    values: dict[str, Any] = {"liquidation_price": found.liquidation_price}
    if leg.mark is not None:
        values["notional_value"] = found.notional / found.settle_price
        values["unrealized_pnl"] = found.unrealized_pnl / found.settle_price
    return values


@adapter("binance", "tiers", needs={"brackets"}, gives={"cum"})
def bracket_amounts(given: Values) -> Values:
    """The amounts that make the requirement continuous; they all match when it is so at every floor."""
    brackets = given["brackets"]
    table = TierTable(
        tiers=tuple(
            Tier(
                lower=one["floor"],
                maintenance_margin_fraction=one["mmr"],
                initial_margin_fraction=1.0 / one["max_leverage"],
            )
            for one in brackets
        ),
        covers=brackets[-1]["cap"],
    )
    symbol = given.get("symbol", "OWN/USDT:USDT")
    contract = Contract(venue="binance", symbol=symbol, base=symbol.split("/")[0], quote="USDT", settle="USDT")
    rule = requirement_of(
        Position(symbol=symbol, quantity=1.0, entry_price=1.0),
        ContractTerms(contract=contract, tiers=table),
        mode=MarginMode.CROSS,
        price=1.0,
        ratio=1.0,
        open_interest=0.0,
    )
    lines = list(zip(rule.rates, rule.deductions, strict=True))
    needs = [
        [rate * one["floor"] - amount for rate, amount in lines[number - 1 : number + 1]]
        for number, one in enumerate(brackets)
        if number
    ]
    return {"cum": list(rule.deductions), "cum_all_match": all(np.isclose(low, high) for low, high in needs)}


@adapter("binance", "funding", needs={"side", "amount", "settlements"})
def funding_of_all(given: Values) -> Values:
    return {"funding_received": float(_payments(given).sum())}


@adapter("binance", "funding", needs={"side", "amount", "settlements", "open_offset_s", "close_hour"})
def funding_while_held(given: Values) -> Values:
    times = np.array([round(one["hour"] * HOUR_NS) for one in given["settlements"]], dtype=np.int64)
    opened, closed = round(given["open_offset_s"] * SECOND_NS), round(given["close_hour"] * HOUR_NS)
    return {"funding_received": cash_over(_payments(given), times, opened, closed, LATE_NS)}


def _payments(given: Values) -> Floats:
    settlements = given["settlements"]
    count = len(settlements)
    out = np.empty(count)
    funding_payments(
        np.full(count, signed(given["side"], given["amount"])),
        np.array([one["mark_price"] for one in settlements], dtype=np.float64),
        np.array([one["rate"] for one in settlements], dtype=np.float64),
        np.zeros(count, dtype=np.uint8),
        out,
    )
    return out
