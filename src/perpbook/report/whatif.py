"""A trade on paper as text: allowed or not first, then before and after."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from perpbook.model.trade import Comparison, Sides
from perpbook.report.text import table
from perpbook.report.words import money, move, multiple, price, quantity, share

UNITS = {"x": multiple, "share": share, "dollars": money, "price": price, "move": move}


def tell_whatif(console: Console, found: Comparison) -> None:
    """Print the comparison."""
    trade = found.trade
    mark, colour = ("ALLOWED", "green") if found.is_allowed else ("REFUSED", "red")
    verb = "buy" if trade.quantity > 0 else "sell"
    console.print(
        Text.assemble(
            (f" {mark} ", f"bold reverse {colour}"),
            f"  {verb} {abs(trade.quantity):,.10g} {trade.symbol} in {trade.account} at {price(found.price)}",
        )
    )
    if found.simulated:
        console.print(Text("Prices are examples, not a market: nothing here is a quote.", style="bold yellow"))
    slippage = "fees and slippage" if found.slippage_known else "fees alone: no depth is known"
    console.print(f"Notional {money(found.notional)}, cost {money(found.cost)} ({slippage}).")
    if found.venue_refuses:
        console.print(f"The venue would refuse it: free collateral would be {money(found.free_collateral)}.")
    for finding in found.worse:
        console.print(Text(f"Breaks {finding.rule}: {finding.sentence}", style="red"))
    for finding in found.mended:
        console.print(Text(f"Mends {finding.rule} ({finding.subject}).", style="green"))
    made = table("Before and after", "number", "before", "after")
    for side in found.sides:
        made.add_row(side.name, _shown(side, side.before), _shown(side, side.after))
    console.print(made)
    if found.largest is not None:
        if found.largest == 0:
            console.print("No size of this trade is allowed.")
        else:
            console.print(f"Largest size allowed: {quantity(found.largest)} {trade.symbol}.")


def _shown(side: Sides, value: float | None) -> str:
    return "none" if value is None else UNITS[side.unit](value)
