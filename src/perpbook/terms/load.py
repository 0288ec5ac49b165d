"""Terms files: finding the one that holds at a date, and reading it into `VenueTerms`.

A terms file is `VENUE-YYYY-MM-DD.toml`, with its contracts in the CSV it names: one row per tier, a row with a symbol
beginning a contract. Files in a user's own folder stand beside those of the package, and the newest date wins. Contracts
are built when they are asked for: a venue with hundreds of them loads in milliseconds.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from perpbook.errors import TermsError
from perpbook.model.contract import Contract, ContractKind
from perpbook.model.units import DAY_NS, HOUR_NS, SECOND_NS, from_datetime
from perpbook.terms.terms import (
    CloseFee,
    CloseFeeBasis,
    CollateralTerms,
    ContractTerms,
    FeeTier,
    FundingTerms,
    LiquidationTerms,
    Manner,
    OpenInterestScaling,
    OrderTerms,
    PriceSource,
    Queue,
    SizeSlope,
    Source,
    Tier,
    TierMode,
    TierTable,
    TierUnit,
    Trigger,
    VenueTerms,
)

PACKAGE = Path(__file__).parent / "data"
FILE = re.compile(r"(?P<venue>[a-z0-9-]+)-(?P<date>\d{4}-\d\d-\d\d)\.toml")

Row = Mapping[str, str]


def venues(folders: Sequence[Path] = ()) -> tuple[str, ...]:
    """Every venue that some terms file is about."""
    return tuple(sorted({venue for venue, _, _ in terms_files(folders)}))


def terms_files(folders: Sequence[Path] = ()) -> list[tuple[str, date, Path]]:
    """(venue, date, path) of every terms file, oldest first; of two with one date the later folder's comes last."""
    found = [*_packaged(), *(one for folder in folders for one in _files_in(folder))]
    return sorted(found, key=lambda one: one[1])


@lru_cache(maxsize=1)
def _packaged() -> tuple[tuple[str, date, Path], ...]:
    return tuple(_files_in(PACKAGE))


def _files_in(folder: Path) -> Iterator[tuple[str, date, Path]]:
    for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
        match = FILE.fullmatch(path.name)
        if match is None:
            raise TermsError(f"{path}: a terms file is named VENUE-YYYY-MM-DD.toml; rename it or move it away")
        yield match["venue"], date.fromisoformat(match["date"]), path


def load_terms(venue: str, *, at: date | None = None, folders: Sequence[Path] = ()) -> VenueTerms:
    """A venue's terms as they were on a date: the newest file not after it, or the oldest there is.

    Raises
    ------
    TermsError : the venue is unknown (with the nearest name), or its file does not say what a terms file must.
    """
    dated = [(day, path) for name, day, path in terms_files(folders) if name == venue]
    if not dated:
        raise TermsError(unknown_venue(venue, venues(folders)))
    past = [path for day, path in dated if at is None or day <= at]
    return read_terms(past[-1] if past else dated[0][1])


def unknown_venue(venue: str, known: Sequence[str]) -> str:
    """The message for a venue that has no terms."""
    near = get_close_matches(venue.lower(), known, n=1)
    guess = f'did you mean "{near[0]}"?' if near else f"known venues: {', '.join(known)}"
    return f'no terms for venue "{venue}": {guess}'


def age_days(terms: VenueTerms, now_ns: int) -> float:
    """Days from the date of the terms to a moment; < 0 when they are younger than it."""
    of = from_datetime(datetime(terms.as_of.year, terms.as_of.month, terms.as_of.day, tzinfo=UTC))
    return (now_ns - of) / DAY_NS


@lru_cache(maxsize=64)
def read_terms(path: Path) -> VenueTerms:
    """One terms file."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return _venue_terms(found, path)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TermsError(f"{path}: cannot be read as a terms file: {error}") from error
    except KeyError as error:
        raise TermsError(f"{path}: the key {error} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise TermsError(f"{path}: {error}") from error


def _venue_terms(found: Mapping[str, Any], path: Path) -> VenueTerms:
    if found["schema"] != "terms/1":
        raise ValueError(f'schema is "{found["schema"]}"; this version reads "terms/1"')
    contracts = found["contracts"]
    return VenueTerms(
        venue=found["venue"],
        name=found["name"],
        as_of=found["as_of"],
        risk_price=PriceSource(found["risk_price"]),
        settle=found["settle"],
        contracts=Contracts(found["venue"], contracts, _rows(path.parent / contracts["table"])),
        collateral={
            asset: CollateralTerms(asset=asset, initial_weight=initial, maintenance_weight=maintenance)
            for asset, (initial, maintenance) in found.get("collateral", {}).items()
        },
        fees=tuple(
            FeeTier(minimum_volume=fee["minimum_volume"], maker_fee_rate=fee["maker"], taker_fee_rate=fee["taker"])
            for fee in found["fees"]
        ),
        funding=_funding(found["funding"]),
        liquidation=_liquidation(found["liquidation"]),
        orders=OrderTerms(**found["orders"]),
        sources=tuple(Source(**source) for source in found["sources"]),
        not_modelled=tuple(found.get("not_modelled", ())),
    )


def _funding(found: Mapping[str, Any]) -> FundingTerms:
    return FundingTerms(
        interval_ns=round(found["interval_hours"] * HOUR_NS),
        price=PriceSource(found["price"]),
        interest_rate_8h=found.get("interest_rate_8h"),
        clamp=found.get("clamp"),
        cap=found.get("cap"),
        note=found.get("note", ""),
    )


def _liquidation(found: Mapping[str, Any]) -> LiquidationTerms:
    cooldown = found.get("cooldown_seconds")
    return LiquidationTerms(
        trigger=Trigger(found["trigger"]),
        procedure=found["procedure"],
        manner=Manner(found.get("manner", "whole")),
        penalty_rate=found.get("penalty_rate", 0.0),
        partial_fraction=found.get("partial_fraction"),
        partial_above=found.get("partial_above"),
        partial_least=found.get("partial_least", 0.0),
        cooldown_ns=None if cooldown is None else round(cooldown * SECOND_NS),
        backstop_ratio=found.get("backstop_ratio"),
        remainder_lost=found.get("remainder_lost", True),
        fillable_spread=found.get("fillable_spread", 0.0),
        queue=Queue(found.get("queue", "profit")),
    )


def _rows(path: Path) -> dict[str, list[Row]]:
    """The table's rows by symbol."""
    out: dict[str, list[Row]] = {}
    symbol = ""
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            symbol = row["symbol"] or symbol
            out.setdefault(symbol, []).append(row)
    return out


@dataclass(frozen=True, slots=True)
class Contracts(Mapping[str, ContractTerms]):
    """A venue's contracts by native symbol, each built from its rows when it is first asked for."""

    venue: str
    defaults: Mapping[str, Any]
    rows: Mapping[str, list[Row]]
    built: dict[str, ContractTerms] = field(default_factory=dict, repr=False, compare=False)

    def __getitem__(self, symbol: str) -> ContractTerms:
        found = self.built.get(symbol)
        if found is None:
            found = self.built[symbol] = _contract_terms(self.venue, self.defaults, self.rows[symbol])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def _contract_terms(venue: str, defaults: Mapping[str, Any], rows: Sequence[Row]) -> ContractTerms:
    first = rows[0]

    def word(key: str, default: str = "") -> str:
        return first.get(key) or str(defaults.get(key, default))

    def number(key: str, default: float = 0.0) -> float:
        return float(word(key) or default)

    contract = Contract(
        venue=venue,
        symbol=first["symbol"],
        base=first["base"],
        quote=word("quote"),
        settle=word("settle"),
        kind=ContractKind(word("kind", "linear")),
        contract_size=number("contract_size", 1.0),
        lot_size=number("lot"),
        tick_size=number("tick"),
    )
    upper, initial = number("oi_upper"), number("slope_initial")
    fee = defaults.get("close_fee")
    return ContractTerms(
        contract=contract,
        tiers=TierTable(
            tiers=tuple(_tier(row) for row in rows),
            unit=TierUnit(word("unit", "notional")),
            mode=TierMode(word("mode", "marginal")),
            upper_inclusive=word("upper_inclusive") in ("true", "True"),
            covers=number("covers", float("inf")),
        ),
        open_interest_scaling=OpenInterestScaling(lower=number("oi_lower"), upper=upper) if upper else None,
        size_slope=SizeSlope(initial_per_unit=initial, maintenance_per_unit=number("slope_maintenance"))
        if initial
        else None,
        size_sqrt_fraction=number("sqrt_fraction"),
        close_fee=CloseFee(rate=fee["rate"], basis=CloseFeeBasis(fee["basis"])) if fee else None,
        isolated_only=word("isolated_only") in ("true", "True"),
        isolated_margin_on_entry=word("isolated_margin_on_entry") in ("true", "True"),
        minimum_collateral=number("minimum_collateral"),
    )


def _tier(row: Row) -> Tier:
    return Tier(
        lower=float(row["lower"]),
        maintenance_margin_fraction=float(row["mmf"]),
        initial_margin_fraction=float(row["imf"]),
    )
