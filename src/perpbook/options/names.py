"""Deribit's names of options, read: BTC-7AUG26-53000-C, BTC_USDC-27SEP24-60000-P, XRP_USDC-30AUG24-0d625-C."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from perpbook.errors import InputError
from perpbook.model.contract import ContractKind
from perpbook.model.units import from_datetime

NAME = re.compile(r"([A-Z0-9]+)(?:_(USDC|USDT))?-(\d{1,2})([A-Z]{3})(\d{2})-(\d+(?:d\d+)?)-([CP])")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

EXPIRY_HOUR = 8
"""Deribit's options end at 08:00 UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a name says. `quote` is USD for a coin-settled option."""

    base: str
    quote: str
    kind: ContractKind
    strike: float
    expiry_ns: int
    is_call: bool


@lru_cache(maxsize=16_384)
def parse_name(name: str) -> Named:
    """What an option's name says.

    Raises
    ------
    InputError : it is no such name, or names a day that is none.
    """
    found = NAME.fullmatch(name)
    if found is None or found[4] not in MONTHS:
        raise InputError(
            f'"{name}" is no name of an option: it reads like BTC-7AUG26-53000-C or BTC_USDC-27SEP24-60000-P'
        )
    try:
        day = datetime(2000 + int(found[5]), MONTHS.index(found[4]) + 1, int(found[3]), EXPIRY_HOUR, tzinfo=UTC)
    except ValueError as error:
        raise InputError(f'"{name}" names a day that is none: {error}') from None
    strike = float(found[6].replace("d", "."))
    if strike <= 0.0:
        raise InputError(f'"{name}" has a strike of 0: it must be above 0')
    return Named(
        base=found[1],
        quote=found[2] or "USD",
        kind=ContractKind.LINEAR if found[2] else ContractKind.INVERSE,
        strike=strike,
        expiry_ns=from_datetime(day),
        is_call=found[7] == "C",
    )
