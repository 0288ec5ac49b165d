"""Bybit: prices of an isolated position with nothing but its initial margin, and margins with the fee to close."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perpbook.model.account import MarginMode
from tests.golden.adapters.one_book import Leg, Rules, first_position, marginal, signed
from tests.golden.registry import adapter

Values = Mapping[str, Any]


@adapter("bybit", "liquidation", needs={"entry_price", "leverage", "mmr", "side"})
def isolated_prices(given: Values) -> Values:
    entry, leverage = given["entry_price"], given["leverage"]
    leg = Leg(
        rules=Rules(tiers=marginal([(given["mmr"], 0.0)])),
        quantity=signed(given["side"], 1.0),
        entry=entry,
        leverage=leverage,
    )
    found = first_position("bybit", [leg], entry / leverage, MarginMode.ISOLATED)
    return {"liquidation_price": found.liquidation_price, "bankruptcy_price": found.bankruptcy_price}


@adapter("bybit", "margin", needs={"position_value", "leverage", "mmr"})
def position_margins(given: Values) -> Values:
    value, leverage = given["position_value"], given["leverage"]
    leg = Leg(
        rules=Rules(tiers=marginal([(given["mmr"], given.get("mm_deduction", 0.0))]), close_fee=_fee(given)),
        quantity=signed(given.get("side", "long"), 1.0),
        entry=value,
        leverage=leverage,
    )
    found = first_position("bybit", [leg], value / leverage, MarginMode.ISOLATED)
    return {"position_im": found.initial_margin, "position_mm": found.maintenance_margin}


def _fee(given: Values) -> float:
    return float(given.get("taker_fee", 0.0)) if given.get("taker_fee_included", True) else 0.0
