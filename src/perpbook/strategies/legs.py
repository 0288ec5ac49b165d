"""Legs by the names a trader writes for them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from perpbook.errors import StrategyError
from perpbook.model.units import to_iso
from perpbook.strategies.table import Leg


def leg_number(legs: Sequence[Leg], leg: Leg | str, now_ns: int) -> int:
    """The number of a leg given as itself or as `account:symbol`.

    Raises
    ------
    StrategyError : there is no such leg; names the time and the nearest one.
    """
    name = leg if isinstance(leg, str) else leg.name if isinstance(leg, Leg) else None
    for number, known in enumerate(legs):
        if known.name == name:
            return number
    hint = nearest_leg(str(leg) if name is None else name, legs)
    raise StrategyError(f'at {to_iso(now_ns)} the strategy names a leg "{leg if name is None else name}": {hint}')


def nearest_leg(name: str, legs: Sequence[Leg]) -> str:
    """What to write instead of a name that is no leg's."""
    return nearest(name, [leg.name for leg in legs])


def nearest(name: str, known: Sequence[str]) -> str:
    """What to write instead of a name that is not known."""
    folded = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), list(folded), n=1, cutoff=0.6)
    return f'did you mean "{folded[near[0]]}"?' if near else f"there are {', '.join(known) or 'none'}"
