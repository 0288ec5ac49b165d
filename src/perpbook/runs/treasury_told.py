"""What a trader writes on the command line of a plan: needs, fees, limits."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.model.book import Book
    from perpbook.treasury.facts import Facts
    from perpbook.treasury.task import Need

LARGEST = 1e12
"""Dollars above which a figure is a slip of the pen."""

LONGEST_MINUTES = 60.0 * 24 * 30

FEE = re.compile(r"(?:(?P<dollars>[0-9.eE]+))?(?:\+?(?P<bps>[0-9.eE]+)bps)?")


def need_of(text: str, minutes: float, book: Book, facts: Facts) -> Need:
    """PLACE=DOLLARS@MINUTES, the minutes those of --deadline where they are left out.

    Raises
    ------
    InputError : it is none, or names no account of the book and no layer.
    """
    from perpbook.scenario.table_reader import nearest
    from perpbook.treasury.standing_money import WALLET, place_of
    from perpbook.treasury.task import Need

    name, equals, rest = text.partition("=")
    amount, _, within = rest.partition("@")
    if not equals or not name:
        raise InputError(f"--need {text}: write PLACE=DOLLARS@MINUTES, such as hl-main=20000@30")
    place = place_of(name, book, facts)
    if place is None or place.startswith(WALLET):
        known = (*(one.id for one in book.accounts), *facts.layers)
        raise InputError(f"--need {text}: {name} is no account of the book and no layer: {nearest(name, known)}")
    dollars = number(amount, f"--need {text}", "dollars", LARGEST)
    lasts = number(within, f"--need {text}", "minutes", LONGEST_MINUTES) if within else minutes
    account = next((one for one in book.accounts if one.id == place), None)
    if account is not None and account.venue not in facts.venues:
        raise InputError(
            f"--need {text}: no way to {account.venue} is known: {nearest(account.venue, tuple(facts.venues))}"
        )
    holds = account is not None and bool(account.positions)
    return Need(
        place=place, dollars=dollars, seconds=lasts * 60.0, why="as asked", critical=holds, assets=_coins(place, facts)
    )


def _coins(place: str, facts: Facts) -> tuple[str, ...]:
    """On a layer dollars are wanted, as any stablecoin; in an account whatever its margin takes."""
    from perpbook.model.market import STABLECOINS

    return tuple(sorted(STABLECOINS)) if place in facts.layers else ()


def number(text: str, where: str, what: str, largest: float) -> float:
    """A number above 0.

    Raises
    ------
    InputError : it is none, or not above 0, or too large to be meant.
    """
    try:
        value = float(text.replace(",", "").replace("_", ""))
    except ValueError:
        value = math.nan
    if not 0.0 < value <= largest:
        raise InputError(f'{where}: "{text}" should be {what} above 0 and at most {largest:,.0f}')
    return value


def fees_of(texts: Sequence[str], known: Sequence[str]) -> dict[str, tuple[float, float]]:
    """ROUTE=DOLLARS+BPSbps each, as (dollars, fraction).

    Raises
    ------
    InputError : one is none, or its route is unknown.
    """
    out = {}
    for text in texts:
        name, _, rest = text.partition("=")
        _refuse_unknown(name, known, f"--fee {text}")
        found = FEE.fullmatch(rest.strip())
        try:
            dollars, bps = (float(found[part] or 0.0) if found else math.nan for part in ("dollars", "bps"))
        except ValueError:
            dollars = bps = math.nan
        if not rest.strip() or not (0.0 <= dollars <= LARGEST and 0.0 <= bps < 1e4):
            raise InputError(
                f"--fee {text}: write ROUTE=DOLLARS+BPSbps, such as across=0.5+4bps, across=2 or across=4bps"
            )
        out[name] = (dollars, bps * 1e-4)
    return out


def amounts_of(texts: Sequence[str], option: str, known: Sequence[str]) -> dict[str, float]:
    """NAME=DOLLARS each.

    Raises
    ------
    InputError : one is none, or its name is unknown.
    """
    out = {}
    for text in texts:
        name, _, rest = text.partition("=")
        _refuse_unknown(name, known, f"{option} {text}")
        out[name] = number(rest, f"{option} {text}", "dollars", LARGEST)
    return out


def _refuse_unknown(name: str, known: Sequence[str], where: str) -> None:
    from perpbook.scenario.table_reader import nearest

    if name not in known:
        raise InputError(f'{where}: there is no "{name}": {nearest(name, known)}')
