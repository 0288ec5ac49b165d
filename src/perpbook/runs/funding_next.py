"""`perpbook funding next`: the coming settlement, from the premium samples of its interval so far."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.model.units import HOUR_NS

if TYPE_CHECKING:
    from perpbook.funding.settlement import NextSettlement

PRICES = ("impact_bid", "impact_ask", "index")


@dataclass(frozen=True, slots=True, kw_only=True)
class NextAsked:
    """Whose settlement, from a CSV file with `time` (ISO) and `premium`, or the prices it comes of. `every_ns` None: the venue's
    interval; `interest` None: the venue's. `swing` is how far the premium may stand off for the rest."""

    venue: str
    samples: Path
    every_ns: int | None = None
    interest: float | None = None
    swing: float = 0.0005


def run_next(asked: NextAsked, terms_folders: tuple[Path, ...] = ()) -> NextSettlement:
    """The settlement at the end of the interval that the last sample lies in.

    Raises
    ------
    InputError : the file cannot be read, has no samples, or they are of several intervals.
    TermsError : the venue, or how it averages, is not known.
    """
    import numpy as np

    from perpbook.funding.rule import PremiumRule
    from perpbook.funding.settlement import next_settlement
    from perpbook.terms.load import load_terms

    terms = load_terms(asked.venue, folders=terms_folders).funding
    every = terms.interval_ns if asked.every_ns is None else asked.every_ns
    if every <= 0 or every > 8 * HOUR_NS:
        raise InputError("--every is the time between settlements, up to 8h")
    times, premiums = _samples(asked.samples)
    settles = -(-times[-1] // every) * every
    interest = terms.interest_rate_8h if asked.interest is None else asked.interest
    rule = PremiumRule(
        interest=interest or 0.0,
        clamp=terms.clamp or 0.0,
        cap=float("inf") if terms.cap is None else terms.cap,
    )
    return next_settlement(
        asked.venue, rule, np.array(times, dtype=np.int64), np.array(premiums), settles_ns=settles, interval_ns=every,
        swing=asked.swing,
    )  # fmt: skip


def _samples(path: Path) -> tuple[list[int], list[float]]:
    """Times (rising) and premiums of a file."""
    from perpbook.model.units import from_iso

    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}): give a CSV file with time and premium") from error
    found: list[tuple[int, float]] = []
    for line, row in enumerate(rows, 2):
        try:
            found.append((from_iso(row["time"]), _premium(row)))
        except (KeyError, ValueError, TypeError, ZeroDivisionError) as error:
            raise InputError(
                f"{path}:{line}: is no sample ({error}): write time as ISO and premium as a fraction, or {', '.join(PRICES)}"
            ) from error
    if not found:
        raise InputError(f"{path}: holds no sample: write a head (time,premium) and a line for each")
    found.sort()
    return [time for time, _ in found], [premium for _, premium in found]


def _premium(row: Mapping[str, str]) -> float:
    """The premium of a sample: given, or how far the impact prices lie wholly off the index."""
    from perpbook.terms.hyperliquid_funding import impact_premium

    if row.get("premium") not in (None, ""):
        return float(row["premium"])
    bid, ask, index = (float(row[name]) for name in PRICES)
    return impact_premium(bid, ask, index)
