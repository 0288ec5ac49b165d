"""The carried shapes with any values: the adapters agree with the closed forms that the venues publish."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perpbook.errors import TermsError
from perpbook.terms.bitmex import commission, contract_value, position_value, unrealized_pnl
from tests.golden import registry
from tests.golden.runner import load_adapters
from tests.laws.strategies import between, magnitudes

sides = st.sampled_from(("long", "short"))
rates = magnitudes(0.002, 0.2)
prices = magnitudes(0.01, 1e5)
sizes = magnitudes(0.01, 1e4)
leverages = st.sampled_from((1, 2, 5, 10, 50))


def ours(venue: str, topic: str, inputs: Mapping[str, Any], expected: tuple[str, ...]) -> Mapping[str, Any]:
    assert load_adapters() == []
    found = registry.find(venue, topic, inputs, dict.fromkeys(expected))
    assert found is not None
    return found.adapt(inputs)


def sign(side: str) -> float:
    return 1.0 if side == "long" else -1.0


def same(price: float | None, closed_form: float, *, rel: float = 1e-9, off: float = 0.0) -> bool:
    """A closed form that is no price above 0 says that there is none."""
    return price is None if closed_form <= 0 else price == pytest.approx(closed_form, rel=rel, abs=off)


@given(
    side=sides, size=sizes, entry=prices, rate=rates, share=between(0.05, 3.0), off=between(0.0, 0.2), other=st.data()
)
def test_binance_liquidation_price_counts_the_other_positions(
    side: str, size: float, entry: float, rate: float, share: float, off: float, other: st.DataObject
) -> None:
    quantity, amount = sign(side) * size, off * rate * size * entry
    free = share * size * entry
    given_: dict[str, Any] = {
        "wallet_balance": free, "position": size, "entry_price": entry, "side": side, "mmr": rate, "cum": amount,
    }  # fmt: skip
    if other.draw(st.booleans()):
        held, way = other.draw(between(0.01, 0.3)) * size * entry / 50.0, other.draw(sides)
        given_["other"] = {
            "position": held, "side": way, "entry_price": 40.0, "mark_price": 50.0, "mmr": 0.02, "cum": 0.0,
        }  # fmt: skip
        free += sign(way) * held * (50.0 - 40.0) - 0.02 * held * 50.0
    closed_form = (free + amount - quantity * entry) / (size * rate - quantity)
    survives_zero = side == "long" and free > quantity * entry
    assume(rate * size * closed_form > amount or survives_zero)
    found = ours("binance", "liquidation", given_, ("liquidation_price",))["liquidation_price"]
    assert same(found, closed_form, off=0.0051 if "other" in given_ else 0.0)


@given(
    side=sides,
    contracts=st.integers(1, 10**4),
    entry=prices,
    rate=rates,
    share=between(0.05, 3.0),
    ratio=between(0.8, 1.2),
)
def test_coin_margined_prices_values_and_profits(
    side: str, contracts: int, entry: float, rate: float, share: float, ratio: float
) -> None:
    size, mark = contracts * 100.0, entry * ratio
    wallet, quantity = share * size / entry, sign(side) * size
    given_ = {
        "isolated_wallet": wallet, "cum": 0, "side": side, "contracts": contracts, "contract_multiplier": 100,
        "entry_price": entry, "mmr": rate, "mark_price": mark,
    }  # fmt: skip
    found = ours("binance", "inverse", given_, ("liquidation_price",))
    below = wallet + quantity / entry
    assert same(found["liquidation_price"], (size * rate + quantity) / below if below else 0.0, rel=1e-8)
    assert found["notional_value"] == pytest.approx(size / mark)
    assert found["unrealized_pnl"] == pytest.approx(quantity * (1 / entry - 1 / mark), abs=1e-12 * size / entry)


@given(side=sides, entry=prices, leverage=leverages, rate=rates, fee=between(0.0, 0.001))
def test_bybit_isolated_prices_and_margins(side: str, entry: float, leverage: int, rate: float, fee: float) -> None:
    s = sign(side)
    given_ = {"entry_price": entry, "leverage": leverage, "mmr": rate, "side": side}
    found = ours("bybit", "liquidation", given_, ("liquidation_price",))
    if rate < 1 / leverage:
        assert found["liquidation_price"] == pytest.approx(entry * (1 - s / leverage + s * rate))
    if leverage > 1 or s < 0:
        assert found["bankruptcy_price"] == pytest.approx(entry * (1 - s / leverage))
    given_ = {"position_value": entry, "leverage": leverage, "mmr": rate, "taker_fee": fee, "side": side}
    margins = ours("bybit", "margin", given_, ("position_im", "position_mm"))
    close = entry * (1 - s / leverage) * fee
    assert margins["position_mm"] == pytest.approx(entry * rate + close)
    assert margins["position_im"] == pytest.approx(entry * max(1 / leverage, rate) + close)


@given(side=sides, size=sizes, entry=prices, share=between(0.1, 0.9), rate=rates, contract=st.sampled_from((0.01, 1.0)))
def test_okx_prices_from_margin_and_from_ratio(
    side: str, size: float, entry: float, share: float, rate: float, contract: float
) -> None:
    s, margin, fee = sign(side), share * size * entry, 0.0005
    given_ = {"entry_price": entry, "size": size, "margin": margin, "mmr": rate, "taker_fee": fee, "side": side}
    closed_form = (entry - s * margin / size) / (1 - s * (rate + fee))
    assert same(ours("okx", "liquidation", given_, ("liquidation_price",))["liquidation_price"], closed_form)
    needed = size * entry * (rate + fee)
    given_ = {
        "contracts": size / contract, "ct_val": contract, "mark_px": entry, "mgn_ratio": margin / needed,
        "mmr_rate": rate, "taker_fee": fee, "side": side,
    }  # fmt: skip
    assert same(ours("okx", "liquidation", given_, ("liq_px",))["liq_px"], closed_form)
    value = size * entry
    given_ = {**given_, "position_value": value, "mmr": rate * value}
    del given_["mark_px"], given_["mmr_rate"]
    found = ours("okx", "liquidation", given_, ("liq_px", "mmr"))
    assert same(found["liq_px"], closed_form)
    assert found["mmr"] == pytest.approx(rate * value)


@given(size=st.integers(1, 9000), steps=st.lists(st.integers(1, 3000), min_size=1, max_size=4))
def test_okx_tiers_hold_up_to_their_largest_size(size: int, steps: list[int]) -> None:
    tops = [sum(steps[: k + 1]) for k in range(len(steps))]
    rows = [
        {"min_sz": before + 1 if before else 0, "max_sz": top, "mmr": 0.01 * (number + 1)}
        for number, (before, top) in enumerate(zip([0, *tops], tops, strict=False))
    ]
    inside = next((row["mmr"] for row in rows if size <= row["max_sz"]), rows[-1]["mmr"])
    assert ours("okx", "tiers", {"contracts": size, "tiers": rows}, ("mmr",))["mmr"] == inside


@given(size=sizes, price=prices, base=between(0.01, 0.05), slope=magnitudes(1e-7, 1e-4))
def test_deribit_fractions_grow_with_the_size(size: float, price: float, base: float, slope: float) -> None:
    shared = {"im_base": 2 * base, "mm_base": base, "size_increment_per_unit": slope}
    found = ours("deribit", "margin", {**shared, "size": size, "index_price": price}, ("initial_margin",))
    assert found["initial_margin"] == pytest.approx((2 * base + slope * size) * size * price)
    assert found["maintenance_margin"] == pytest.approx((base + slope * size) * size * price)
    coins = ours("deribit", "margin", {**shared, "size_currency": size, "inverse": True}, ("initial_margin",))
    assert coins["initial_margin"] == pytest.approx((2 * base + slope * size) * size)
    assert coins["maintenance_margin"] == pytest.approx((base + slope * size) * size)


@pytest.mark.parametrize(("offset", "hours"), [(0, (0, 8)), (1, (0, 8)), (14, (0, 8)), (15, (8,)), (3600, (8,))])
@pytest.mark.parametrize("side", ["long", "short"])
def test_binance_settlements_count_for_fifteen_seconds_and_at_the_close(
    offset: int, hours: tuple[int, ...], side: str
) -> None:
    day = [{"hour": hour, "mark_price": 2.0, "rate": 0.001 * (hour + 1)} for hour in (0, 8, 16)]
    given_ = {"side": side, "amount": 10.0, "settlements": day, "open_offset_s": offset, "close_hour": 8}
    received = ours("binance", "funding", given_, ("funding_received",))["funding_received"]
    assert received == pytest.approx(-sign(side) * sum(0.02 * (hour + 1) for hour in hours))


@given(quantity=st.integers(-(10**9), 10**9), price=magnitudes(1.0, 1e6), cost=st.integers(-(10**14), 10**14))
def test_bitmex_values_are_the_exact_ones_to_half_a_satoshi_a_contract(quantity: int, price: float, cost: int) -> None:
    exact = -quantity * 10**8 / Fraction(str(price))
    assert abs(position_value(quantity, price) - exact) <= Fraction(abs(quantity), 2)
    assert position_value(-quantity, price) == -position_value(quantity, price)
    assert unrealized_pnl(quantity, price, cost) == position_value(quantity, price) - cost
    assert unrealized_pnl(quantity, price, position_value(quantity, price)) == 0


def test_bitmex_keeps_to_whole_satoshis() -> None:
    assert contract_value(6726.8) == 14866
    assert commission(7435000, 297400, 0.00075) == commission(-7435000, 297400, 0.00075) == 5800
    for price in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(TermsError, match="above 0"):
            contract_value(price)
