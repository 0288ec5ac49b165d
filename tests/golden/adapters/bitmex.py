"""BitMEX: values, profit and commission in whole satoshis, by `perpbook.terms.bitmex`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perpbook.terms.bitmex import commission, position_value, unrealized_pnl
from tests.golden.registry import adapter

Values = Mapping[str, Any]


@adapter("bitmex", "inverse", needs={"qty", "mark_price", "pos_cost"})
def values(given: Values) -> Values:
    quantity, mark = given["qty"], given["mark_price"]
    return {
        "mark_value": position_value(quantity, mark),
        "unrealised_pnl": unrealized_pnl(quantity, mark, given["pos_cost"]),
    }


@adapter("bitmex", "inverse", needs={"pos_cost", "pos_init", "taker_fee"})
def closing_commission(given: Values) -> Values:
    return {"pos_comm": commission(given["pos_cost"], given["pos_init"], given["taker_fee"])}
