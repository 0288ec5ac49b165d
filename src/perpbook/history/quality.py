"""What is wrong with history: every check over the lake, or over the bars of one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from perpbook.history.check_across import across_findings
from perpbook.history.check_funding import ANY_CAP, Paid, funding_findings
from perpbook.history.check_gas import gas_findings
from perpbook.history.check_order import gap_findings, order_findings, tidy
from perpbook.history.check_prices import price_findings
from perpbook.history.choose import Wanted, choose_prices
from perpbook.history.column import Column, columns_of
from perpbook.history.lake import PRICED, Held, Lake
from perpbook.history.widths import MILLISECOND_NS
from perpbook.model.bars import Bars, Settlements
from perpbook.model.data_finding import DataFinding, Severity
from perpbook.model.units import HOUR_NS

ORDER = {Severity.FATAL: 0, Severity.WARNING: 1, Severity.NOTE: 2}


def silent(step: str, number: int, total: int) -> None:
    """A progress nobody watches."""


def examine(
    lake: Lake,
    *,
    kind: str = "*",
    venue: str = "*",
    symbol: str = "*",
    caps: Mapping[str, float] | None = None,
    tell: Callable[[str, int, int], None] = silent,
) -> tuple[DataFinding, ...]:
    """Every finding in the series asked for, worst first. `caps` is the most a venue settles at once, by venue."""
    held = lake.held(kind, venue, symbol)
    groups: dict[tuple[str, str], list[Held]] = {}
    for one in held:
        groups.setdefault((one.id.kind, one.id.symbol.rsplit("-", 1)[0]), []).append(one)
    found: list[DataFinding] = []
    done = 0
    for (group, base), series in groups.items():
        tell(f"{group} {base}", done, len(held))
        found += _group(lake, group, series, caps or {})
        done += len(series)
    return sorted_findings(found)


def findings_for(bars: Bars, lake: Lake | None = None, wanted: Sequence[Wanted] = ()) -> tuple[DataFinding, ...]:
    """What is wrong with the bars of one run, worst first; a backtest refuses fatal findings unless told to accept them.

    With the lake and the contracts the run was loaded from, also what loading put right without a word: rows out of
    order, repeated, or in conflict.
    """
    found: list[DataFinding] = []
    for column, paid in zip(columns_of(bars), bars.settlements, strict=True):
        found += [*gap_findings(column), *price_findings(column)]
        found += funding_findings(Paid(venue=column.venue, symbol=column.symbol, settlements=paid))
    span = int(bars.open_ns[0]), int(bars.open_ns[-1]) + bars.bar_ns
    for one, key in zip(wanted, bars.series, strict=False):
        if lake is not None:
            proxies = {one.venue: key.proxy} if key.proxy else {}
            held = choose_prices(lake, one, bars.bar_ns, span, proxies).held
            found += [note for note in order_findings(_column(lake, held)) if note.touches(*span)]
    return sorted_findings(found)


def sorted_findings(found: Sequence[DataFinding]) -> tuple[DataFinding, ...]:
    """Worst first, then by series and time."""
    return tuple(sorted(found, key=lambda one: (ORDER[one.severity], one.kind, one.venue, one.symbol, one.start_ns)))


def _group(lake: Lake, kind: str, series: Sequence[Held], caps: Mapping[str, float]) -> Iterator[DataFinding]:
    """All series of one kind and base."""
    if kind == "funding":
        for held in series:
            yield from funding_findings(_paid(lake, held, caps.get(held.id.venue, ANY_CAP)))
    elif kind == "gas":
        for held in series:
            yield from gas_findings(lake, held)
    elif kind in PRICED:
        yield from _prices(lake, series)


def _prices(lake: Lake, series: Sequence[Held]) -> Iterator[DataFinding]:
    tidied = []
    for held in series:
        column = _column(lake, held)
        yield from order_findings(column)
        ordered = tidy(column)
        yield from gap_findings(ordered)
        yield from price_findings(ordered)
        tidied.append(ordered)
        if held.simulated:
            yield column.finding(Severity.NOTE, "simulated", (0, column.size - 1), "no market ever made these prices")
    yield from across_findings(tidied)


def _column(lake: Lake, held: Held) -> Column:
    rows = lake.read(held)
    prices = {name: rows[name].to_numpy() for name in ("open", "high", "low", "close")}
    return Column(
        kind=held.id.kind,
        venue=held.id.venue,
        symbol=held.id.symbol,
        bar_ns=held.id.bar_ns or 1,
        times_ns=rows["ts"].to_numpy().astype(np.int64) * MILLISECOND_NS,
        volume=rows["volume"].to_numpy() if "volume" in rows.columns else None,
        simulated=held.simulated,
        **prices,
    )


def _paid(lake: Lake, held: Held, cap: float) -> Paid:
    rows = lake.read(held, ["ts", "rate", "interval_hours"])
    settlements = Settlements(
        times_ns=rows["ts"].to_numpy().astype(np.int64) * MILLISECOND_NS,
        rates=rows["rate"].to_numpy(),
        interval_ns=(rows["interval_hours"].to_numpy() * HOUR_NS).astype(np.int64),
    )
    return Paid(venue=held.id.venue, symbol=held.id.symbol, settlements=settlements, cap=cap)
