"""A sweep told in a terminal: its best variants, and how little that may mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

MEASURED = frozenset(
    [
        *("end_equity", "least_equity", "drawdown", "fills", "liquidations", "rules_fired", "fees"),
        *("days_in", "sharpe_in", "skew_in", "kurtosis_in", "days_out", "sharpe_out", "skew_out", "kurtosis_out"),
    ]
)


def tell_best(console: Console, best: Sequence[Mapping[str, float]]) -> None:
    """The best variants by the part looked at first, with what they did afterwards."""
    from rich.table import Table

    if not best:
        console.print("Nothing is done yet.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    keys = [key for key in best[0] if key not in MEASURED]
    for title in (*(key.rpartition(".")[2] for key in keys), "Sharpe", "after", "drawdown", "end", "liq.", "rules"):
        table.add_column(title, justify="right")
    for row in best:
        table.add_row(
            *(f"{row[key]:.4g}" for key in keys),
            f"{row['sharpe_in']:.2f}",
            f"{row['sharpe_out']:.2f}",
            f"{row['drawdown']:.1%}",
            f"{row['end_equity']:,.0f}",
            f"{row['liquidations']:.0f}",
            f"{row['rules_fired']:.0f}",
        )
    console.print(table)


def tell_luck(console: Console, deflated: float | None, luck: float | None, ranks: float | None, variants: int) -> None:
    """What the best of so many would show by luck, and whether the order held out of sample."""
    if luck is not None and deflated is not None:
        console.print(
            f"The best of {variants:,} worthless variants would show a Sharpe ratio of about {luck:.2f}; the chance that "
            f"the best one here is better than that is {deflated:.0%} (deflated Sharpe ratio)."
        )
    if ranks is not None:
        held = "held" if ranks > 0.5 else "hardly held" if ranks > 0.1 else "did not hold"
        console.print(
            f"The order of the variants {held} out of sample (rank correlation {ranks:+.2f}): "
            + ("still no promise." if ranks > 0.5 else "do not choose by the first column.")
        )
