"""Positions and resting orders of one account, read from their tables."""

from __future__ import annotations

from math import isclose

from perpbook.model.account import Order, Position, Reported
from perpbook.model.contract import Contract
from perpbook.snapshot.fields import LARGEST, Sign, Table
from perpbook.snapshot.issues import nearest
from perpbook.snapshot.listings import Listings

POSITION_KEYS = frozenset(
    {
        "symbol", "quantity", "side", "contracts", "entry_price", "leverage", "tags", "kind", "settle",
        "contract_size", "reported",
    }
)  # fmt: skip
ORDER_KEYS = frozenset({"symbol", "quantity", "limit_price", "reduce_only"})
REPORTED_KEYS = frozenset(
    {
        "liquidation_price", "no_liquidation_price", "initial_margin", "maintenance_margin", "unrealized_pnl", "equity",
        "free_collateral",
    }
)  # fmt: skip
REPORTED_NUMBERS = tuple(sorted(REPORTED_KEYS - {"no_liquidation_price", "liquidation_price"}))

SIGNED = "write how much is held: above 0 for a long, below 0 for a short; leave a closed position out"
NO_REPORT = Reported()


def read_position(table: Table, venue: str | None, listings: Listings) -> Position:
    """One position; its symbol becomes the venue's own."""
    table.only(POSITION_KEYS)
    contract = listings.contract(table, venue)
    if contract is not None:
        _check_kind(table, contract)
    return Position(
        symbol=contract.symbol if contract else "?",
        quantity=_quantity(table, contract),
        entry_price=table.needed("entry_price", Sign.POSITIVE, "write the average price it was opened at"),
        leverage=table.number("leverage", Sign.POSITIVE, "write 10 for 10x, or leave it out"),
        tags=_tags(table),
        reported=read_reported(table),
    )


def read_order(table: Table, venue: str | None, listings: Listings) -> Order:
    """One resting order; its symbol becomes the venue's own."""
    table.only(ORDER_KEYS)
    contract = listings.contract(table, venue)
    return Order(
        symbol=contract.symbol if contract else "?",
        quantity=table.needed("quantity", Sign.NOT_ZERO, "write above 0 to buy, below 0 to sell"),
        limit_price=table.needed("limit_price", Sign.POSITIVE, "write the price it rests at"),
        reduce_only=table.flag("reduce_only"),
    )


def read_reported(owner: Table) -> Reported:
    """What the venue said of an account or a position."""
    table = owner.table("reported")
    if table is None:
        return NO_REPORT
    table.only(REPORTED_KEYS)
    price = table.number("liquidation_price", Sign.POSITIVE, "leave it out, or write no_liquidation_price = true")
    none = table.flag("no_liquidation_price")
    if price is not None and none:
        table.issue("no_liquidation_price", "contradicts the liquidation_price beside it", "keep one of the two")
    found = {key: table.number(key) for key in REPORTED_NUMBERS}
    return Reported(liquidation_price=price, no_liquidation_price=none, **found)


def _quantity(table: Table, contract: Contract | None) -> float:
    """Signed quantity: written as such, or as a side and a number of contracts."""
    if "quantity" in table.found:
        for other in ("side", "contracts"):
            if other in table.found:
                table.issue(other, "is given beside quantity", "write quantity (signed), or side and contracts")
        return table.needed("quantity", Sign.NOT_ZERO, SIGNED)
    if "side" not in table.found and "contracts" not in table.found:
        table.require("quantity", SIGNED)
        return 1.0
    contracts = table.needed(
        "contracts", Sign.POSITIVE, "write how many contracts are held, above 0; side says which way"
    )
    side = table.needed_text("side", 'write side = "long" or side = "short"')
    if side is not None and side not in ("long", "short"):
        table.issue("side", "must be long or short", nearest(side, ("long", "short")))
    quantity = contracts * (contract.contract_size if contract else 1.0)
    if quantity > LARGEST:
        table.issue("contracts", "is more than can be true", "check its digits")
    return -quantity if side == "short" else quantity


def _check_kind(table: Table, contract: Contract) -> None:
    """What the file says of the contract must be what the venue's terms say."""
    for key, true in (("kind", contract.kind.value), ("settle", contract.settle)):
        said = table.text(key)
        if said is not None and said != true:
            table.issue(
                key,
                f"{contract.symbol} on {contract.venue} is {true} ({key}), not {said}",
                f'write {key} = "{true}" or leave it out, or name the contract that is meant in symbol',
            )
    size = table.number("contract_size", Sign.POSITIVE)
    if size is not None and not isclose(size, contract.contract_size, rel_tol=1e-9):
        hint = "if the venue has changed it, write a terms file of your own with the new one"
        table.issue("contract_size", f"is {contract.contract_size:g} for {contract.symbol} on {contract.venue}", hint)


def _tags(table: Table) -> tuple[str, ...]:
    found = []
    for number, tag in enumerate(table.list("tags")):
        text = table.check_text(tag, (*table.at, "tags", number))
        if text is not None:
            found.append(text)
    return tuple(found)
