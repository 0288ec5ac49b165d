"""Quotes of futures that expire, from a trader's CSV file, checked against the book's venues."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.model.units import from_iso, to_iso

if TYPE_CHECKING:
    from perpbook.funding.dated import Dated
    from perpbook.funding.trading import Desk

NEEDED = ("venue", "symbol", "asset", "expiry", "bid", "ask", "bid_size", "ask_size")
MAY = ("index", "like")


def read_dated(path: Path, now_ns: int) -> tuple[Dated, ...]:
    """Every quote of the file.

    Raises
    ------
    InputError : it cannot be read, or a line is no quote of a future that expires later than now.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}): give a CSV file with {', '.join(NEEDED)}") from error
    if not rows:
        raise InputError(f"{path}: holds no quote: write a head ({','.join((*NEEDED, *MAY))}) and a line for each")
    found = []
    for line, row in enumerate(rows, 2):
        try:
            found.append(_dated(row, now_ns))
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(
                f"{path}:{line}: is no quote ({error}): it needs {', '.join(NEEDED)}, and may have {' and '.join(MAY)}"
            ) from error
    keys = [one.key for one in found]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise InputError(f"{path}: {' '.join(twice)} is there twice: leave the older quote out")
    return tuple(found)


def _dated(row: Mapping[str, str], now_ns: int) -> Dated:
    from perpbook.funding.dated import Dated

    index, like = row.get("index") or None, (row.get("like") or "").strip()
    bid, ask, bid_size, ask_size = (_above_zero(name, row[name]) for name in ("bid", "ask", "bid_size", "ask_size"))
    if bid > ask:
        raise ValueError(f"its bid {bid:g} is above its ask {ask:g}")
    expiry = from_iso(row["expiry"])
    if expiry <= now_ns:
        raise ValueError(f"it expired on {row['expiry']}, not after {to_iso(now_ns)}")
    venue, symbol, asset = (row[name].strip() for name in ("venue", "symbol", "asset"))
    if not (venue and symbol and asset):
        raise ValueError("its venue, symbol or asset is empty")
    return Dated(
        venue=venue, symbol=symbol, asset=asset, expiry_ns=expiry, bid=bid, ask=ask, bid_size=bid_size, ask_size=ask_size,
        index=None if index is None else _above_zero("index", index), like=like,
    )  # fmt: skip


def _above_zero(name: str, text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0.0):
        raise ValueError(f"{name} {text} is not above 0")
    return value


def usable(desk: Desk, quoted: tuple[Dated, ...], now_ns: int, notes: list[str]) -> tuple[Dated, ...]:
    """Those whose venue an account of the book is on, whose spot price is known and whose margin is that of a contract of the
    terms; `notes` of the others.

    Raises
    ------
    InputError : one bears the name of a perpetual, or names a contract that its venue does not have, or of another asset.
    """
    from perpbook.funding.dated import spot_price

    out = []
    for one in quoted:
        spot = spot_price(desk, one)
        terms = desk.terms.get(one.venue)
        if terms is None:
            notes.append(f"{one.symbol}: no account of the book is on {one.venue}")
            continue
        _refuse_misnamed(one, desk)
        if spot is None:
            notes.append(f"{one.symbol} on {one.venue}: no spot price of {one.asset} is known: write it as index")
        elif not one.like:
            notes.append(
                f"{one.symbol} on {one.venue} stands {one.basis(spot):+.2%} from spot, {one.yearly(spot, now_ns):+.1%} a year; "
                "its margin is not modelled, because the terms have no tiers of it: name a contract with the same margin as like"
            )
        else:
            out.append(one)
    return tuple(out)


def _refuse_misnamed(one: Dated, desk: Desk) -> None:
    contracts = desk.terms[one.venue].contracts
    if one.symbol in contracts:
        raise InputError(f"{one.symbol} is a perpetual of {one.venue}: a future that expires has a name of its own")
    if one.like and one.like not in contracts:
        raise InputError(f'{one.symbol} margins like "{one.like}", which {one.venue} does not have in its terms')
    if one.like and contracts[one.like].contract.base != one.asset:
        raise InputError(f"{one.symbol} is of {one.asset}, and {one.like} of {contracts[one.like].contract.base}")
