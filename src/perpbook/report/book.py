"""A book as text, before any judgement."""

from __future__ import annotations

from rich.console import Console

from perpbook.model.market import Snapshot
from perpbook.model.units import to_iso
from perpbook.report.text import table
from perpbook.report.words import NONE, price, quantity


def tell_book(console: Console, snapshot: Snapshot) -> None:
    """Accounts and positions, orders, layers, transfers, prices."""
    book, market = snapshot.book, snapshot.market
    console.print(f"{book.source}: book of {to_iso(book.as_of_ns)}, prices of {to_iso(market.as_of_ns)}")
    if market.simulated:
        console.print("Prices are examples, not a market.")
    made = table("Accounts", "account", "venue", "layer", "mode", "collateral", left=5)
    for account in book.accounts:
        held = ", ".join(f"{one.amount:,.10g} {one.asset}" for one in account.collateral) or "nothing"
        made.add_row(account.id, account.venue, account.layer or NONE, account.mode.value, held)
    console.print(made)
    made = table("Positions", "position", "account", "quantity", "entry", "mark", "leverage", "tags", left=2)
    for account in book.accounts:
        for one in account.positions:
            quote = market.quotes.get((account.venue, one.symbol))
            mark = None if quote is None else quote.mark_price or quote.oracle_price
            leverage = f"{one.leverage:g}x" if one.leverage else NONE
            made.add_row(
                one.symbol, account.id, quantity(one.quantity), price(one.entry_price), price(mark), leverage,
                ", ".join(one.tags) or NONE,
            )  # fmt: skip
    console.print(made)
    for account in book.accounts:
        for order in account.orders:
            only = ", reduce only" if order.reduce_only else ""
            console.print(
                f"Order in {account.id}: {quantity(order.quantity)} {order.symbol} at {price(order.limit_price)}{only}"
            )
    for holding in book.layers:
        console.print(f"On {holding.layer}: {holding.balance.amount:,.10g} {holding.balance.asset}")
    for transfer in book.transfers:
        arrival = f", arrives {to_iso(transfer.arrives_ns)}" if transfer.arrives_ns is not None else ""
        console.print(
            f"On its way: {transfer.amount:,.10g} {transfer.asset} from {transfer.source} to {transfer.destination}{arrival}"
        )
