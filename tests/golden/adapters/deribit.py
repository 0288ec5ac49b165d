"""Deribit: standard margin, whose fractions grow with the size; linear in dollars, inverse in coins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from perpbook.terms.terms import SizeSlope
from tests.golden.adapters.one_book import Leg, Rules, first_position, marginal, signed
from tests.golden.registry import adapter

Values = Mapping[str, Any]


@adapter("deribit", "margin", needs={"size", "index_price", "im_base", "mm_base", "size_increment_per_unit"})
def linear_margins(given: Values) -> Values:
    price = given["index_price"]
    quantity = signed(given.get("side", "long"), given["size"])
    return _margins(given, Leg(rules=_rules(given, inverse=False), quantity=quantity, entry=price))


@adapter("deribit", "margin", needs={"size_currency", "im_base", "mm_base", "size_increment_per_unit", "inverse"})
def coin_margins(given: Values) -> Values:
    """A size given in coins needs the same coins at any price: any will do."""
    price = given.get("index_price", 1_000.0)
    quantity = signed(given.get("side", "long"), given["size_currency"] * price)
    return _margins(given, Leg(rules=_rules(given, inverse=True), quantity=quantity, entry=price))


def _rules(given: Values, *, inverse: bool) -> Rules:
    table = marginal([(given["mm_base"], 0.0)])
    first = replace(table.tiers[0], initial_margin_fraction=given["im_base"])
    slope = given["size_increment_per_unit"]
    return Rules(
        tiers=replace(table, tiers=(first,)),
        size_slope=SizeSlope(initial_per_unit=slope, maintenance_per_unit=slope),
        inverse=inverse,
    )


def _margins(given: Values, leg: Leg) -> Values:
    found = first_position("deribit", [leg], 0.0)
    return {
        "initial_margin": found.initial_margin / found.settle_price,
        "maintenance_margin": found.maintenance_margin / found.settle_price,
    }
