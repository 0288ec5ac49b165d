"""The lake's verbs: import files, tell what is there, examine it, make some up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError, MissingData
from perpbook.model.data_finding import DataFinding, Severity
from perpbook.model.units import DAY_NS, HOUR_NS, to_iso

if TYPE_CHECKING:
    from perpbook.history.importing import ImportedFile
    from perpbook.history.lake import Held, Lake, SeriesId
    from perpbook.history.rows import Frame
    from perpbook.scenario.generate import Made

Tell = Callable[[str, int, int], None]

QUOTES = {"hyperliquid": "USDC", "dydx": "USD", "drift": "USD", "gmx": "USD", "deribit": "USD"}
"""What a venue's made-up contracts are quoted in; USDT elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did, and where the lake is."""

    lake: Path
    files: tuple[ImportedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesStatus:
    """One series in the lake, for people and for JSON. `first` and `last` are ISO times of the first and last bar."""

    kind: str
    venue: str
    symbol: str
    bar: str
    rows: int
    first: str
    last: str
    source: str
    simulated: bool
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which series a verb looks at; None means all."""

    kind: str | None = None
    venue: str | None = None
    symbol: str | None = None

    def globs(self) -> dict[str, str]:
        """The three as patterns."""
        return {"kind": self.kind or "*", "venue": self.venue or "*", "symbol": self.symbol or "*"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What was examined and found, worst first."""

    lake: Path
    series: int
    findings: tuple[DataFinding, ...]

    def counted(self, severity: Severity) -> int:
        """Findings of one severity."""
        return sum(one.severity is severity for one in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """A made-up market that was stored."""

    lake: Path
    seed: int
    series: tuple[SeriesStatus, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to make up: how many assets, for which venues, from when, how long, in bars of what width (ns)."""

    assets: int
    venues: tuple[str, ...]
    start_ns: int
    days: float
    bar_ns: int
    seed: int


def open_lake(folder: Path) -> Lake:
    """The lake in a folder."""
    from perpbook.history.lake import Lake

    return Lake(folder)


def run_import(
    paths: Sequence[Path], folder: Path, said: Which, *, simulated: bool, now_ns: int, tell: Tell
) -> Imported:
    """Import files and folders; `said` names what the files do not."""
    from perpbook.history.importing import import_files
    from perpbook.history.lake import KINDS
    from perpbook.history.recognise import Naming

    if said.kind is not None and said.kind not in KINDS:
        raise InputError(f'there is no kind "{said.kind}": the lake keeps {", ".join(KINDS)}')
    naming = Naming(venue=said.venue, symbol=said.symbol, kind=said.kind, simulated=simulated)
    files = import_files(paths, open_lake(folder), naming, now_ns=now_ns, tell=tell)
    return Imported(lake=folder, files=files)


def run_status(folder: Path, which: Which) -> tuple[SeriesStatus, ...]:
    """Every series asked for.

    Raises
    ------
    MissingData : there is none.
    """
    return tuple(status_of(one) for one in _held(folder, which))


def run_quality(folder: Path, which: Which, tell: Tell, *, terms_folders: tuple[Path, ...] = ()) -> Quality:
    """Examine every series asked for, with today's funding caps of the venues' terms."""
    from perpbook.history.quality import examine
    from perpbook.terms.load import load_terms, venues

    held = _held(folder, which)
    known = set(venues(terms_folders)) & {one.id.venue for one in held}
    caps = {venue: load_terms(venue, folders=terms_folders).funding.cap for venue in sorted(known)}
    found = examine(
        open_lake(folder), **which.globs(), caps={venue: cap for venue, cap in caps.items() if cap}, tell=tell
    )
    return Quality(lake=folder, series=len(held), findings=found)


def run_generate(folder: Path, recipe: Recipe, *, now_ns: int) -> Generated:
    """Make a market up and store it for every venue, marked as simulated.

    Raises
    ------
    InputError : the recipe makes nothing, or the lake holds real prices under these names.
    """
    import numpy as np

    from perpbook.scenario.generate import DESK, Plan, generate

    count = int(recipe.days * DAY_NS // recipe.bar_ns)
    if count < 2 or not 1 <= recipe.assets <= len(DESK) or not recipe.venues:
        raise InputError(
            f"nothing to make of {recipe.assets} assets, {recipe.days:g} days and {len(recipe.venues)} venues: "
            f"choose 1 to {len(DESK)} assets and at least two bars"
        )
    start = -(-recipe.start_ns // recipe.bar_ns) * recipe.bar_ns
    made = generate(
        Plan(assets=DESK[: recipe.assets], start_ns=start, bar_ns=recipe.bar_ns, count=count),
        np.random.default_rng(recipe.seed),
    )
    lake = open_lake(folder)
    for venue in recipe.venues:
        quote = {"hyperliquid": "USDC", "dydx": "USD", "drift": "USD", "gmx": "USD", "deribit": "USD"}.get(
            venue, "USDT"
        )
        for one in made:
            for series, rows in _series_of(one, (venue, f"{one.base}-{quote}"), recipe.bar_ns):
                _store_made(lake, series, rows, recipe.seed, now_ns)
    names = {one.base for one in made}
    stored = [
        one for venue in recipe.venues for one in lake.held(venue=venue) if one.id.symbol.rsplit("-", 1)[0] in names
    ]
    return Generated(lake=folder, seed=recipe.seed, series=tuple(status_of(one) for one in stored))


def status_of(held: Held) -> SeriesStatus:
    """A series in words."""
    sources = [(f"{one.where} ({', '.join(one.credits)})" if one.credits else one.where) for one in held.origins]
    return SeriesStatus(
        kind=held.id.kind,
        venue=held.id.venue,
        symbol=held.id.symbol,
        bar=held.id.bar,
        rows=held.rows,
        first=to_iso(held.first_ns),
        last=to_iso(held.last_ms * 1_000_000),
        source="; ".join(sources) or "unknown",
        simulated=held.simulated,
        content=held.content,
    )


def _held(folder: Path, which: Which) -> tuple[Held, ...]:
    lake = open_lake(folder)
    held = lake.held(**which.globs())
    if held:
        return held
    if lake.held():
        raise MissingData(f"the lake at {folder} has no such series: `perpbook data status` lists what it has")
    raise MissingData(
        f"the lake at {folder} is empty\n    fill it with `perpbook data import FOLDER`, or `perpbook data generate` for a trial"
    )


def _series_of(one: Made, whose: tuple[str, str], bar_ns: int) -> list[tuple[SeriesId, Frame]]:
    from perpbook.history.lake import SeriesId
    from perpbook.history.rows import bars_as_rows, funding_as_rows

    venue, symbol = whose
    prices = (one.open, one.high, one.low, one.close, one.volume)
    return [
        (SeriesId(kind="candles", venue=venue, symbol=symbol, bar_ns=bar_ns), bars_as_rows(one.open_ns, prices)),
        (
            SeriesId(kind="funding", venue=venue, symbol=symbol, bar_ns=None),
            funding_as_rows(one.funding_ns, one.rates, 8 * HOUR_NS),
        ),
    ]


def _store_made(lake: Lake, series: SeriesId, rows: Frame, seed: int, now_ns: int) -> Held:
    from perpbook.history.lake import Origin, content_of

    origin = Origin(
        where=f"perpbook data generate, seed {seed}", sha256=content_of(rows), imported_ns=now_ns, rows=rows.height
    )
    return lake.store(series, rows, origin, simulated=True).held
