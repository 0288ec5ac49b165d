"""`data pull`: a venue's public history into the lake, going on from what is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError, MissingData
from perpbook.model.units import DAY_NS, to_iso

if TYPE_CHECKING:
    from perpbook.history.lake import Held, Lake, SeriesId
    from perpbook.venues.carrier import Carrier, Listing

Tell = Callable[[str, int, int], None]
PULLED = ("candles", "mark", "funding")
KEEP_EVERY = 20
"""Pages after which rows are written, so that little is asked for again after a stop."""

MS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to pull: BASE or BASE-QUOTE names, kinds, bars of `bar_ns`, from `since_ns` (None: where the lake ends)."""

    venue: str
    symbols: tuple[str, ...]
    kinds: tuple[str, ...]
    bar_ns: int
    since_ns: int | None
    until_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What came of one series. `requests` is how many pages were asked for."""

    kind: str
    venue: str
    symbol: str
    bar: str
    added: int
    rows: int
    first: str
    last: str
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One series being pulled."""

    lake: Lake
    carrier: Carrier
    listing: Listing
    series: SeriesId
    since_ms: int
    until_ms: int
    now_ns: int


def run_pull(folder: Path, order: Order, *, endpoint: str | None, now_ns: int, tell: Tell) -> tuple[Pulled, ...]:
    """Pull every symbol and kind in turn; what was stored stays when the venue fails.

    Raises
    ------
    InputError : an unknown kind, venue or width, or no time to start from.
    VenueError : the venue failed after retries; running again goes on where it stopped.
    MissingData : the venue does not list the contract or publish the kind.
    """
    from perpbook.history.lake import Lake, SeriesId
    from perpbook.venues.carrier import Carrier

    wrong = [kind for kind in order.kinds if kind not in PULLED]
    if wrong or not order.symbols or not order.kinds:
        raise InputError(f"cannot pull {', '.join(wrong) or 'nothing'}: name symbols, and kinds of {', '.join(PULLED)}")
    lake, carrier = Lake(folder), Carrier(order.venue, endpoint)
    out = []
    for name in order.symbols:
        base, _, quote = name.partition("-")
        listing = carrier.find(base, quote or None)
        for kind in order.kinds:
            series = SeriesId(
                kind=kind, venue=order.venue, symbol=f"{listing.base}-{listing.quote}",
                bar_ns=None if kind == "funding" else order.bar_ns,
            )  # fmt: skip
            since = _since_ms(lake, series, order)
            run = Run(
                lake=lake, carrier=carrier, listing=listing, series=series, since_ms=since,
                until_ms=min(order.until_ns, now_ns) // MS, now_ns=now_ns,
            )  # fmt: skip
            out.append(_pull(run, tell))
    return tuple(out)


def _since_ms(lake: Lake, series: SeriesId, order: Order) -> int:
    """The first time not yet in the lake: after its last row, or the one asked for where that is earlier than all."""
    held = lake.refuse_mixing(series, simulated=False)
    after = None if held is None else held.last_ms + (order.bar_ns // MS if series.bar_ns else 1)
    if order.since_ns is None:
        if after is None:
            raise InputError(f"the lake has no {series} yet: say from when, as in --since 2024-01-01")
        return after
    asked = order.since_ns // MS
    if held is not None and after is not None and held.first_ms - (order.bar_ns // MS) <= asked <= after:
        return after
    return asked


def _pull(run: Run, tell: Tell) -> Pulled:
    """Page after page; rows are kept now and then, and whatever happens at the end."""
    at, pages = run.since_ms, 0
    before = _rows(run)
    buffer: list[list[float]] = []
    span = max(1, run.until_ms - run.since_ms)
    try:
        while at < run.until_ms:
            tell(str(run.series), at - run.since_ms, span)
            page, step = _page(run, at)
            pages += 1
            buffer += page
            at = int(page[-1][0]) + step[0] if page else at + step[1]
            if pages % KEEP_EVERY == 0:
                _keep(run, buffer)
                buffer = []
    finally:
        _keep(run, buffer)
    held = run.lake.find(run.series)
    if held is None:
        raise MissingData(f"{run.series}: the venue has none from {to_iso(run.since_ms * MS)} on")
    return _pulled(held, held.rows - before, pages)


def _page(run: Run, at: int) -> tuple[list[list[float]], tuple[int, int]]:
    """Rows from a time on and before the end; how far to go after a row, and over an empty page (ms)."""
    if run.series.bar_ns is None:
        found = [[float(time), rate] for time, rate in run.carrier.settlements(run.listing, at)]
        after = (1, 30 * DAY_NS // MS)
    else:
        width = run.series.bar_ns // MS
        mark = run.series.kind == "mark"
        rows = run.carrier.candles(run.listing, run.series.bar, at, mark=mark)
        found = [row for row in rows if row[0] + width <= run.until_ms]
        after = (width, width * run.carrier.page_rows(mark=mark))
    return sorted(row for row in found if at <= row[0] < run.until_ms), after


def _rows(run: Run) -> int:
    held = run.lake.find(run.series)
    return held.rows if held else 0


def _keep(run: Run, rows: list[list[float]]) -> None:
    """Write rows to the lake; funding gets the interval its spacing tells."""
    from perpbook.history.lake import Origin, content_of
    from perpbook.history.rows import pulled_rows

    if not rows:
        return
    held = run.lake.find(run.series)
    before = run.lake.read(held, ["ts"])["ts"].to_list() if held and run.series.bar_ns is None else []
    frame = pulled_rows(run.series, rows, before)
    first = to_iso(int(rows[0][0]) * MS)
    origin = Origin(
        where=f"{run.series.venue} public API from {first}",
        sha256=content_of(frame),
        imported_ns=run.now_ns,
        rows=len(rows),
    )
    run.lake.store(run.series, frame, origin)


def _pulled(held: Held, added: int, pages: int) -> Pulled:
    return Pulled(
        kind=held.id.kind, venue=held.id.venue, symbol=held.id.symbol, bar=held.id.bar, added=added, rows=held.rows,
        first=to_iso(held.first_ns), last=to_iso(held.last_ms * MS), requests=pages,
    )  # fmt: skip
