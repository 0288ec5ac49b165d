"""Rows of quotes become a chain: checked, by expiry, each with its forward."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from perpbook.errors import InputError
from perpbook.model.contract import ContractKind
from perpbook.model.option import Expiry, OptionChain, OptionContract, OptionQuote
from perpbook.model.units import to_iso
from perpbook.options.names import parse_name

LOTS = {"BTC": 0.1, "ETH": 1.0}
"""Deribit's least trade of coin-settled options, coins (`min_trade_amount` of public/get_instruments)."""

YEAR_NS = 365 * 86_400 * 10**9

SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RawQuote:
    """One row as a venue gives it: prices in the currency that the option settles in, for one coin; None where not given.

    `underlying` is the price the venue prices its expiry by, `index` the coin's own, both dollars.
    """

    name: str
    bid: float | None = None
    ask: float | None = None
    bid_quantity: float | None = None
    ask_quantity: float | None = None
    mark_volatility: float | None = None
    open_interest: float | None = None
    underlying: float | None = None
    index: float | None = None
    lot_size: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where and when rows are from."""

    venue: str
    as_of_ns: int
    source: str
    lots: dict[str, float] | None = None


def years_between(start_ns: int, end_ns: int) -> float:
    """Time by the hour over a year of 365 days."""
    return (end_ns - start_ns) / YEAR_NS


def build_chain(rows: Sequence[RawQuote], base: str, origin: Origin) -> OptionChain:
    """The chain of one coin.

    Raises
    ------
    InputError : no option of the coin is left, a number is negative or none, a name twice, or no forward can be told.
    """
    mine = [(row, parse_name(row.name)) for row in rows]
    mine = [(row, named) for row, named in mine if named.base == base]
    if not mine:
        found = sorted({parse_name(row.name).base for row in rows})
        raise InputError(f"{origin.source} has no options on {base}: it has {', '.join(found) or 'none at all'}")
    if len({named.quote for _, named in mine}) > 1:
        raise InputError(
            f"{origin.source} has options on {base} that settle in different currencies: give those of one at a time"
        )
    names = [row.name for row, _ in mine]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise InputError(f"{origin.source} quotes {twice[0]} twice: give one snapshot of the chain")
    for row, _ in mine:
        _refuse_nonsense(row, origin.source)
    notes: list[str] = []
    alive = [(row, named) for row, named in mine if named.expiry_ns > origin.as_of_ns]
    if len(alive) < len(mine):
        notes.append(f"{len(mine) - len(alive)} options had expired by {to_iso(origin.as_of_ns)} and are left out")
    crossed = [row.name for row, _ in alive if row.bid is not None and row.ask is not None and row.bid > row.ask]
    if crossed:
        shown = ", ".join(crossed[:SHOWN]) + (" and others" if len(crossed) > SHOWN else "")
        notes.append(f"{len(crossed)} options bid more than they ask and are left out: {shown}")
    kept = [(row, named) for row, named in alive if row.name not in set(crossed)]
    if not kept:
        raise InputError(
            f"{origin.source} has no option on {base} left at {to_iso(origin.as_of_ns)}: {'; '.join(notes)}"
        )
    spot, told = _spot(kept, origin)
    return OptionChain(
        venue=origin.venue,
        base=base,
        as_of_ns=origin.as_of_ns,
        source=origin.source,
        spot=spot,
        expiries=tuple(
            _expiry(one, [pair for pair in kept if pair[1].expiry_ns == one], spot, origin)
            for one in sorted({named.expiry_ns for _, named in kept})
        ),
        notes=(*notes, *_unpriced([row for row, _ in kept]), *told),
    )


def _unpriced(rows: Sequence[RawQuote]) -> list[str]:
    """What is said of options that have no price to fit a smile to."""
    count = sum(row.mark_volatility is None and not (row.bid and row.ask) for row in rows)
    said = f"{count} of {len(rows)} options have neither a mark nor both a bid and an ask: no smile is fitted to them"
    return [said] if count else []


POSITIVE = ("mark_volatility", "underlying", "index", "lot_size")
HIGHEST_MARK = 10.0
"""A mark above 1000 % is one in the wrong unit."""

NOT_NEGATIVE = ("bid", "ask", "bid_quantity", "ask_quantity", "open_interest")


def _refuse_nonsense(row: RawQuote, source: str) -> None:
    for key in (*POSITIVE, *NOT_NEGATIVE):
        value = getattr(row, key)
        if value is None:
            continue
        if not math.isfinite(value) or value < 0.0 or (value == 0.0 and key in POSITIVE):
            least = "above 0" if key in POSITIVE else "0 or more"
            raise InputError(f"{source}: {row.name} has a {key} of {value:g}: it must be a number {least}")
    if (row.mark_volatility or 0.0) > HIGHEST_MARK:
        raise InputError(
            f"{source}: {row.name} has a mark_iv of {100.0 * (row.mark_volatility or 0.0):,.0f} %, and none is above "
            f"{HIGHEST_MARK:.0%}: mark_iv is in percent, 35.5 for 35.5 %"
        )


def _spot(rows: Sequence[tuple[RawQuote, object]], origin: Origin) -> tuple[float, tuple[str, ...]]:
    """The coin's price: the venue's index, else read off its two soonest forwards."""
    told = [row.index for row, _ in rows if row.index is not None]
    if told:
        return median(told), ()
    forwards: dict[int, list[float]] = {}
    for row, _ in rows:
        if row.underlying is not None:
            forwards.setdefault(parse_name(row.name).expiry_ns, []).append(row.underlying)
    if not forwards:
        raise InputError(
            f"{origin.source} gives neither an index nor an underlying price: add a ticker, which has both"
        )
    soonest = sorted(forwards)[:2]
    logs = [math.log(median(forwards[one])) for one in soonest]
    years = [years_between(origin.as_of_ns, one) for one in soonest]
    slope = (logs[1] - logs[0]) / (years[1] - years[0]) if len(soonest) == 2 else 0.0
    spot = math.exp(logs[0] - slope * years[0])
    named = parse_name(rows[0][0].name)
    return spot, (f"the chain has no index of {named.base}: {spot:,.2f} is read off its soonest forwards",)


def _expiry(expiry_ns: int, rows: Sequence[tuple[RawQuote, object]], spot: float, origin: Origin) -> Expiry:
    told = [row.underlying for row, _ in rows if row.underlying is not None]
    forward = median(told) if told else parity_forward([row for row, _ in rows], spot)
    if forward is None:
        raise InputError(
            f"{origin.source}: nothing tells the forward of {to_iso(expiry_ns)}: no underlying price, and no strike with a put "
            "and a call that are both bid and offered"
        )
    return Expiry(
        expiry_ns=expiry_ns,
        forward=forward,
        by="venue" if told else "parity",
        quotes=tuple(sorted((_quote(row, spot, origin) for row, _ in rows), key=_by_strike)),
    )


def _by_strike(quote: OptionQuote) -> tuple[float, bool]:
    return quote.contract.strike, quote.contract.is_call


def parity_forward(rows: Sequence[RawQuote], spot: float) -> float | None:
    """The forward that calls less puts imply, the median over the three strikes nearest to where they are equal; None without.

    Linear: C - P = F - K. Inverse, in coins: C - P = 1 - K/F.
    """
    mids: dict[tuple[float, bool], float] = {}
    inverse = False
    for row in rows:
        named = parse_name(row.name)
        inverse = named.kind is ContractKind.INVERSE
        if row.bid and row.ask:
            mids[named.strike, named.is_call] = 0.5 * (row.bid + row.ask)
    found = []
    for strike, is_call in mids:
        if is_call and (strike, False) in mids:
            gap = mids[strike, True] - mids[strike, False]
            forward = (strike / (1.0 - gap) if gap < 1.0 else math.nan) if inverse else strike + gap
            if forward > 0.0:
                found.append((abs(gap if inverse else gap / spot), forward))
    return median(forward for _, forward in sorted(found)[:3]) if found else None


def _quote(row: RawQuote, spot: float, origin: Origin) -> OptionQuote:
    named = parse_name(row.name)
    inverse = named.kind is ContractKind.INVERSE
    dollars = spot if inverse else 1.0
    lot = row.lot_size or (origin.lots or {}).get(named.base) or (LOTS.get(named.base) if inverse else None)
    if lot is None:
        raise InputError(
            f"{origin.source} does not say the least trade of {row.name}: add public/get_instruments, or give --lot"
        )
    return OptionQuote(
        contract=OptionContract(
            venue=origin.venue, name=row.name, base=named.base, quote=named.quote, kind=named.kind, strike=named.strike,
            expiry_ns=named.expiry_ns, is_call=named.is_call, lot_size=lot,
        ),
        bid=row.bid * dollars if row.bid else None,
        ask=row.ask * dollars if row.ask else None,
        bid_quantity=row.bid_quantity,
        ask_quantity=row.ask_quantity,
        mark_volatility=row.mark_volatility,
        open_interest=row.open_interest,
    )  # fmt: skip
