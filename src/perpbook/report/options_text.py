"""A chain of options told: its smiles, how well they fit, and one expiry strike by strike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perpbook.errors import InputError
from perpbook.model.units import to_iso
from perpbook.options.revalue import lay, sensitivities
from perpbook.report.words import NONE, price, share

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.model.option import Expiry, OptionChain
    from perpbook.options.surface import Smile, Surface


def arbitrage_words(smile: Smile) -> str:
    """What a fitted smile still allows."""
    found = [name for name, least in (("butterfly", smile.butterfly), ("calendar", smile.calendar)) if least < 0.0]
    return " and ".join(found) or "none"


def tell_chain(console: Console, chain: OptionChain, surface: Surface, expiry: str | None) -> None:
    """Smiles by expiry, or one expiry's strikes."""
    coin = "the coin" if any(quote.contract.is_inverse for one in chain.expiries for quote in one.quotes) else "dollars"
    count = sum(len(one.quotes) for one in chain.expiries)
    console.print(
        f"{chain.venue} {chain.base}: {count} options of {len(chain.expiries)} expiries at {to_iso(chain.as_of_ns)}, spot "
        f"{price(chain.spot)}, settled in {coin}."
    )
    console.print(_smiles(surface) if expiry is None else _strikes(chain, surface, expiry))
    if expiry is None:
        console.print(
            "Errors are of volatility, fitted less quoted: root mean square weighted by vega, and the worst of any strike. "
            "Arbitrage is looked for from a twentieth to twenty times the forward."
        )
    for note in (*chain.notes, *(f"no smile: {why}" for why in surface.left_out)):
        console.print(f"Note: {note}.")


def _table(titles: Sequence[str]) -> object:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, title in enumerate(titles):
        table.add_column(title, justify="left" if number == 0 else "right", no_wrap=number == 0)
    return table


def _smiles(surface: Surface) -> object:
    from rich.table import Table

    table = _table(
        ("expiry", "days", "forward", "at the money", "-1 dev", "+1 dev", "strikes", "error", "worst", "arbitrage")
    )
    assert isinstance(table, Table)
    for one in surface.smiles:
        middle = one.volatility()
        wing = middle * one.years**0.5
        table.add_row(
            to_iso(one.expiry_ns)[:10], f"{365 * one.years:.2f}", price(one.forward), share(middle),
            share(one.volatility(-wing)), share(one.volatility(wing)), str(one.points), share(one.error, 2),
            share(one.worst, 2), arbitrage_words(one),
        )  # fmt: skip
    return table


def expiry_of(chain: OptionChain, day: str) -> Expiry:
    """The expiry of a day such as 2026-09-25.

    Raises
    ------
    InputError : there is none.
    """
    days = {to_iso(one.expiry_ns)[:10]: one for one in chain.expiries}
    if day not in days:
        raise InputError(f"no options on {chain.base} end on {day}: they end on {', '.join(days)}")
    return days[day]


def strikes_of(chain: OptionChain, surface: Surface, day: str) -> list[dict[str, object]]:
    """Every option of an expiry: as quoted, by the smile, and its sensitivities (dollars of one coin)."""
    expiry = expiry_of(chain, day)
    laid = lay(chain, [quote.contract for quote in expiry.quotes])
    found = sensitivities(surface, laid)
    out: list[dict[str, object]] = []
    for number, quote in enumerate(expiry.quotes):
        row: dict[str, object] = {
            "name": quote.contract.name,
            "strike": quote.contract.strike,
            "call": quote.contract.is_call,
            "quoted_volatility": quote.mark_volatility,
            "bid": quote.bid,
            "ask": quote.ask,
            "open_interest": quote.open_interest,
        }
        out.append(row | {name: float(values[number]) for name, values in found._asdict().items()})
    return out


def _strikes(chain: OptionChain, surface: Surface, day: str) -> object:
    from rich.table import Table

    table = _table(
        (
            "option",
            "quoted",
            "fitted",
            "dollars",
            "delta",
            "less premium",
            "theta a day",
            "vega a point",
            "open interest",
        )
    )
    assert isinstance(table, Table)
    for row in strikes_of(chain, surface, day):
        quoted, held = row["quoted_volatility"], row["open_interest"]
        numbers = {name: value for name, value in row.items() if isinstance(value, float)}
        table.add_row(
            str(row["name"]),
            share(quoted) if isinstance(quoted, float) else NONE,
            share(numbers["volatility"]),
            f"{numbers['dollars']:,.2f}",
            f"{numbers['delta']:+.3f}",
            f"{numbers['premium_adjusted_delta']:+.3f}",
            f"{numbers['theta_day']:+,.2f}",
            f"{numbers['vega_point']:,.2f}",
            f"{held:,.6g}" if isinstance(held, float) else NONE,
        )
    return table


def chain_document(chain: OptionChain, surface: Surface, expiry: str | None) -> dict[str, object]:
    """The answer for machines."""
    smiles = [
        {
            "expiry": to_iso(one.expiry_ns),
            "years": one.years,
            "forward": one.forward,
            "forward_by": next(each.by for each in chain.expiries if each.expiry_ns == one.expiry_ns),
            "at_the_money": one.volatility(),
            "svi": one.svi,
            "strikes": one.points,
            "error": one.error,
            "worst": one.worst,
            "butterfly": one.butterfly,
            "calendar": one.calendar if np.isfinite(one.calendar) else None,
            "arbitrage": arbitrage_words(one),
        }
        for one in surface.smiles
    ]
    out: dict[str, object] = {
        "venue": chain.venue, "coin": chain.base, "as_of": to_iso(chain.as_of_ns), "source": chain.source,
        "spot": chain.spot, "smiles": smiles, "left_out": surface.left_out, "notes": chain.notes,
    }  # fmt: skip
    return out | ({} if expiry is None else {"strikes": strikes_of(chain, surface, expiry)})
