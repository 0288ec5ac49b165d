"""OKX: margins without the fee to close, ratio and liquidation prices with it, tiers by contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perpbook.margin.requirement import requirement_of
from perpbook.model.account import MarginMode, Position
from perpbook.model.contract import Contract
from perpbook.terms.terms import ContractTerms, Tier, TierMode, TierTable, TierUnit
from tests.golden.adapters.one_book import Leg, Rules, first_position, read, signed, whole_position
from tests.golden.registry import adapter

Values = Mapping[str, Any]


@adapter("okx", "margin", needs={"contracts", "ct_val", "avg_px", "mark_px", "leverage", "mmr_rate"})
def linear_margins(given: Values) -> Values:
    size = signed(given.get("side", "long"), given["contracts"] * given["ct_val"])
    rules = Rules(tiers=whole_position(given["mmr_rate"]), contract_size=given["ct_val"])
    now = Leg(rules=rules, quantity=size, entry=given["avg_px"], mark=given["mark_px"], leverage=given["leverage"])
    at_entry = Leg(rules=rules, quantity=size, entry=given["avg_px"], leverage=given["leverage"])
    paid_in = first_position("okx", [at_entry], 0.0).initial_margin
    found = first_position("okx", [now], paid_in)
    return {
        "imr": found.initial_margin,
        "mmr": found.maintenance_margin,
        "upl": found.unrealized_pnl,
        "upl_ratio": found.unrealized_pnl / paid_in,
    }


@adapter("okx", "inverse", needs={"contracts", "ct_val_usd", "avg_px", "mark_px", "leverage", "mmr_rate", "taker_fee"})
def coin_margins(given: Values) -> Values:
    entry, mark, leverage = given["avg_px"], given["mark_px"], given["leverage"]
    size = signed(given.get("side", "long"), given["contracts"] * given["ct_val_usd"])
    tiers = whole_position(given["mmr_rate"])
    bare = Rules(tiers=tiers, inverse=True, contract_size=given["ct_val_usd"])
    with_fee = Rules(tiers=tiers, inverse=True, contract_size=given["ct_val_usd"], close_fee=given["taker_fee"])
    opened = first_position("okx", [Leg(rules=bare, quantity=size, entry=entry, leverage=leverage)], 0.0)
    margin = opened.initial_margin / opened.settle_price
    found = first_position("okx", [Leg(rules=bare, quantity=size, entry=entry, mark=mark, leverage=leverage)], margin)
    account = read(
        "okx",
        [Leg(rules=with_fee, quantity=size, entry=entry, mark=mark, leverage=leverage)],
        margin,
        MarginMode.ISOLATED,
    )
    return {
        "margin": margin,
        "upl": found.unrealized_pnl / found.settle_price,
        "mmr": found.maintenance_margin / found.settle_price,
        "mgn_ratio": 1.0 / account.accounts[0].summary.margin_ratio,
        "liq_px": account.positions[0].liquidation_price,
    }


@adapter("okx", "liquidation", needs={"entry_price", "size", "margin", "mmr", "taker_fee", "side"})
def isolated_price(given: Values) -> Values:
    leg = Leg(
        rules=Rules(tiers=whole_position(given["mmr"]), close_fee=given["taker_fee"]),
        quantity=signed(given["side"], given["size"]),
        entry=given["entry_price"],
    )
    return {"liquidation_price": first_position("okx", [leg], given["margin"], MarginMode.ISOLATED).liquidation_price}


@adapter("okx", "liquidation", needs={"contracts", "ct_val", "mark_px", "mgn_ratio", "mmr_rate", "taker_fee", "side"})
def cross_price(given: Values) -> Values:
    return _price_from_ratio(given, given["mark_px"], given["mmr_rate"])


@adapter("okx", "liquidation", needs={"contracts", "ct_val", "position_value", "mmr", "mgn_ratio", "taker_fee", "side"})
def cross_price_from_value(given: Values) -> Values:
    value = given["position_value"]
    return _price_from_ratio(given, value / (given["contracts"] * given["ct_val"]), given["mmr"] / value)


def _price_from_ratio(given: Values, mark: float, rate: float) -> Values:
    """The ratio says what the account's equity is, once Perpbook says what it needs."""
    size = signed(given["side"], given["contracts"] * given["ct_val"])
    tiers = whole_position(rate)
    bare = Leg(rules=Rules(tiers=tiers, contract_size=given["ct_val"]), quantity=size, entry=mark)
    leg = Leg(
        rules=Rules(tiers=tiers, contract_size=given["ct_val"], close_fee=given["taker_fee"]),
        quantity=size,
        entry=mark,
    )
    needed = first_position("okx", [leg], 0.0).maintenance_margin
    found = first_position("okx", [leg], given["mgn_ratio"] * needed)
    return {
        "liq_px": found.liquidation_price,
        "mmr": first_position("okx", [bare], 0.0).maintenance_margin,
    }


@adapter("okx", "tiers", needs={"contracts", "tiers"}, gives={"mmr"})
def tier_rate(given: Values) -> Values:
    """A tier reaches from above the largest size of the one before to its own, both in contracts."""
    rows = given["tiers"]
    bounds = [0.0, *(row["max_sz"] for row in rows[:-1])]
    table = TierTable(
        tiers=tuple(
            Tier(lower=lower, maintenance_margin_fraction=row["mmr"], initial_margin_fraction=row["mmr"])
            for lower, row in zip(bounds, rows, strict=True)
        ),
        unit=TierUnit.CONTRACTS,
        mode=TierMode.WHOLE_POSITION,
        upper_inclusive=True,
        covers=rows[-1]["max_sz"],
    )
    contract = Contract(venue="okx", symbol="OWN-USDT-SWAP", base="OWN", quote="USDT", settle="USDT")
    rule = requirement_of(
        Position(symbol=contract.symbol, quantity=given["contracts"], entry_price=1.0),
        ContractTerms(contract=contract, tiers=table),
        mode=MarginMode.CROSS,
        price=1.0,
        ratio=1.0,
        open_interest=0.0,
    )
    return {"mmr": rule.rates[0]}
