"""Which sleeve a position belongs to, and how much of the book's equity each sleeve holds."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from perpbook.margin.arrays import Item
from perpbook.margin.assess import Assessed
from perpbook.model.verdict import SleeveShare
from perpbook.playbook.schema import RESERVE, Playbook, Sleeve


def sleeve_of(playbook: Playbook, venue: str, item: Item) -> int:
    """The sleeve of an assessed position (`sleeve_of_position`)."""
    assert item.position is not None
    return sleeve_of_position(playbook, venue, item.position.symbol, item.position.tags)


def sleeve_of_position(playbook: Playbook, venue: str, symbol: str, tags: Sequence[str]) -> int:
    """The number of the first sleeve all of whose filters match a position, -1 for none."""
    for number, sleeve in enumerate(playbook.capital.sleeves if playbook.capital else ()):
        if _belongs(sleeve, venue, symbol, tags):
            return number
    return -1


def _belongs(sleeve: Sleeve, venue: str, symbol: str, tags: Sequence[str]) -> bool:
    """A sleeve without any filter takes no position: it is money set aside."""
    if not (sleeve.venues or sleeve.symbols or sleeve.tags):
        return False
    return (
        (not sleeve.venues or venue in sleeve.venues)
        and (not sleeve.symbols or any(fnmatchcase(symbol, pattern) for pattern in sleeve.symbols))
        and (not sleeve.tags or any(tag in sleeve.tags for tag in tags))
    )


def sleeve_capital(playbook: Playbook, assessed: Assessed, sleeves: list[int]) -> tuple[list[float], float]:
    """Dollars of equity in each sleeve, and what is in none; together they are the book's equity.

    An account's equity belongs to the sleeves of its positions by their initial margin. Accounts without positions,
    money on layers and money in transit belong to the sleeve named "reserve", or to none.
    """
    arrays, measures = assessed.arrays, assessed.measures
    names = [sleeve.name for sleeve in playbook.capital.sleeves] if playbook.capital else []
    capital, unassigned = [0.0] * len(names), 0.0
    idle = sum(assessed.outside.layers.values()) + assessed.outside.in_transit
    rows = arrays.positions()
    for number in range(len(arrays.accounts)):
        own = [k for k, row in enumerate(rows) if arrays.items[row].account == number]
        margin = sum(float(measures.row_initial[rows[k]]) for k in own)
        equity = float(measures.equity[number])
        if not own or margin <= 0:
            idle += equity
            continue
        for k in own:
            part = equity * float(measures.row_initial[rows[k]]) / margin
            if sleeves[k] >= 0:
                capital[sleeves[k]] += part
            else:
                unassigned += part
    if RESERVE in names:
        capital[names.index(RESERVE)] += idle
        return capital, unassigned
    return capital, unassigned + idle


def sleeve_shares(playbook: Playbook, capital: Sequence[float], equity: float) -> tuple[SleeveShare, ...]:
    """Every sleeve's dollars (in the playbook's order) and share of book equity, and what is in none."""
    sleeves = playbook.capital.sleeves if playbook.capital else ()
    if not sleeves:
        return ()
    shares = [
        SleeveShare(
            name=sleeve.name,
            capital=dollars,
            share=dollars / equity if equity > 0 else 0.0,
            target=sleeve.target,
            least=sleeve.min,
            most=sleeve.max,
        )
        for sleeve, dollars in zip(sleeves, capital, strict=True)
    ]
    rest = equity - sum(capital)
    if abs(rest) > 1e-6 * max(abs(equity), 1.0):
        share = rest / equity if equity > 0 else 0.0
        shares.append(SleeveShare(name="unassigned", capital=rest, share=share, target=None, least=None, most=None))
    return tuple(shares)
