"""What the lake says of a book's funding up to the book's time, for the rules on rates that `check` judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perpbook.errors import DataError
from perpbook.model.units import DAY_NS, HOUR_NS, to_iso

if TYPE_CHECKING:
    from perpbook.history.lake import Held, Lake
    from perpbook.kernels.types import Floats, Integers
    from perpbook.margin.assessment import PositionAssessment
    from perpbook.model.bars import Bars, SeriesKey, Settlements
    from perpbook.model.contract import Contract
    from perpbook.model.market import Snapshot
    from perpbook.playbook.past import Past, PastFunding
    from perpbook.playbook.schema import Playbook
    from perpbook.terms.terms import VenueTerms

SPAN_NS = 60 * DAY_NS
"""How far back settlements are looked at: twenty half-lives of what is expected."""

WHOLE_NS = 3 * DAY_NS
"""The last days in which none may be missing: one half-life, and more than any UTC day so far."""

LATE = 2.0
"""Intervals after which the last settlement is too old."""

HOLE = 1.5
"""Intervals between two settlements beyond which one is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The lake's funding of one contract: `settled_ns` the last settlement before the book's time; `why` it is of no use, and
    what to do, "" when it is."""

    venue: str
    symbol: str
    series: str = ""
    settled_ns: int | None = None
    simulated: bool = False
    why: str = ""

    @property
    def name(self) -> str:
        """Venue and symbol."""
        return f"{self.venue} {self.symbol}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPast:
    """`past` of every position, and where it is from, by contract: nowhere for what venues themselves told a guard."""

    past: Past
    sources: tuple[Source, ...]

    def document(self, positions: Sequence[PositionAssessment]) -> dict[str, object]:
        """Both as a JSON document has them, for the positions of the book in its order."""
        told = [
            {"account": of.account, "symbol": of.symbol, "known": one}
            for of, one in zip(positions, self.past, strict=True)
        ]
        return {"sources": self.sources, "positions": told}


def read_past_funding(folder: Path, snapshot: Snapshot, terms: Mapping[str, VenueTerms]) -> KnownPast:
    """Everything the lake knows of funding before the book's time. What it cannot say is told in `sources`, not guessed."""
    from perpbook.terms.find import find_contract

    held = [(account.venue, one) for account in snapshot.book.accounts for one in account.positions]
    contracts = [find_contract(terms[venue], one.symbol).contract for venue, one in held]
    if not folder.is_dir():
        return KnownPast(
            past=(None,) * len(held), sources=tuple(_absent(folder, one) for one in dict.fromkeys(contracts))
        )
    from perpbook.engine.past_funding import past_funding
    from perpbook.history.lake import Lake
    from perpbook.model.bars import SeriesKey

    lake, now = Lake(folder), snapshot.market.as_of_ns
    found = {(one.venue, one.symbol): _history(lake, one, now) for one in dict.fromkeys(contracts)}
    known = {SeriesKey(venue=key[0], symbol=key[1]): past for key, (past, _) in found.items() if past is not None}
    sources = tuple(source for _, source in found.values())
    past: list[PastFunding | None] = [None] * len(held)
    if known:
        bars = _bars(lake, known, snapshot, terms)
        places = [k for k, one in enumerate(contracts) if found[one.venue, one.symbol][0] is not None]
        told = past_funding([held[k] for k in places], terms, bars, now)
        for k, one in zip(places, told, strict=True):
            past[k] = one
    return KnownPast(past=tuple(past), sources=sources)


def _history(lake: Lake, contract: Contract, now_ns: int) -> tuple[Settlements | None, Source]:
    """The settlements of a contract before the book's time, where they are whole; else None, and why."""
    from perpbook.history.choose import of_contract, wanted_of
    from perpbook.history.load import read_settlements

    who, more = Source(venue=contract.venue, symbol=contract.symbol), more_of(contract)
    try:
        series = next(iter(of_contract(lake, "funding", contract.venue, wanted_of(contract))), None)
        if series is None:
            return None, _absent(lake.root, contract)
        past = read_settlements(lake, series, start_ns=now_ns - SPAN_NS, end_ns=now_ns)
    except DataError as error:
        return None, replace(who, why=str(error))
    why = unfit(past, now_ns)
    return (None if why else past), replace(
        who,
        series=str(series.id),
        settled_ns=int(past.times_ns[-1]) if past.times_ns.size else None,
        simulated=series.simulated,
        why=f"the lake's funding of {who.name} {why}: {more}" if why else "",
    )


def more_of(contract: Contract) -> str:
    """How to have more of its funding."""
    return f"import more with `perpbook data import`, or `perpbook data pull {contract.venue} {contract.base} --kinds funding`"


def _absent(root: Path, contract: Contract) -> Source:
    """A contract that the lake has no funding of."""
    who = Source(venue=contract.venue, symbol=contract.symbol)
    return replace(who, why=f"the lake at {root} has no funding of {who.name}: {more_of(contract)}")


def unfit(past: Settlements, now_ns: int) -> str:
    """What makes settlements before `now_ns` of no use; "" for nothing."""
    from perpbook.history.check_funding import ANY_CAP

    times, widths = past.times_ns, past.interval_ns
    if times.size == 0:
        return f"has none in the {SPAN_NS // DAY_NS} days before {to_iso(now_ns)}"
    if (widths <= 0).any() or (widths > WHOLE_NS).any():
        return "has intervals that are none"
    wild = np.flatnonzero(np.abs(past.rates) > ANY_CAP * (1.0 + 1e-9))
    if wild.size:
        rate, at = past.rates[wild[-1]], to_iso(int(times[wild[-1]]))
        return f"has a rate of {rate:.2%} at {at}, beyond any venue's cap (`perpbook data quality` lists such)"
    if now_ns - int(times[-1]) > LATE * int(widths[-1]):
        return f"ends at {to_iso(int(times[-1]))}, more than {LATE:g} intervals before {to_iso(now_ns)}"
    since = now_ns - WHOLE_NS
    if int(times[0]) - since > HOLE * int(widths[0]):
        return f"begins at {to_iso(int(times[0]))}, less than {WHOLE_NS // DAY_NS} days before {to_iso(now_ns)}"
    holes = np.flatnonzero((np.diff(times) > HOLE * np.maximum(widths[1:], widths[:-1])) & (times[1:] > since))
    if holes.size:
        return f"has a hole after {to_iso(int(times[holes[-1]]))}"
    return ""


def _bars(
    lake: Lake, known: Mapping[SeriesKey, Settlements], snapshot: Snapshot, terms: Mapping[str, VenueTerms]
) -> Bars:
    """Hours up to the book's time at the book's prices, those of its UTC day at what the lake says they opened at."""
    from perpbook.engine.stage import start_prices
    from perpbook.model.bars import Bars

    now = snapshot.market.as_of_ns
    start = min(int(one.times_ns[0]) for one in known.values()) // HOUR_NS * HOUR_NS
    open_ns = np.arange(start, now, HOUR_NS, dtype=np.int64)
    prices = np.repeat(start_prices(snapshot, terms, tuple(known))[:, None], open_ns.size, axis=1)
    for column, key in enumerate(known):
        _put_opens(lake, key, terms, open_ns, prices[column])
    return Bars(
        bar_ns=HOUR_NS, open_ns=open_ns, series=tuple(known), open=prices, high=prices, low=prices, close=prices,
        stale=np.zeros(prices.shape, dtype=np.uint8), settlements=tuple(known.values()), source="the lake's funding",
    )  # fmt: skip


def _put_opens(lake: Lake, key: SeriesKey, terms: Mapping[str, VenueTerms], open_ns: Integers, prices: Floats) -> None:
    """Write what the hours of the last UTC day opened at, where the lake has them; others stay."""
    from perpbook.history.widths import MILLISECOND_NS
    from perpbook.terms.find import find_contract

    midnight = (int(open_ns[-1]) // DAY_NS) * DAY_NS
    contract = find_contract(terms[key.venue], key.symbol).contract
    opened: dict[int, float] = {}
    try:
        for held in _candles(lake, contract):
            rows = lake.read(held, ["ts", "open"], start_ns=midnight, end_ns=int(open_ns[-1]) + 1)
            opened |= dict(zip((rows["ts"] * MILLISECOND_NS).to_list(), rows["open"].to_list(), strict=True))
    except DataError:
        return
    for b in np.flatnonzero(open_ns >= midnight):
        price = opened.get(int(open_ns[b]), 0.0)
        if price and 0.0 < price < np.inf:
            prices[b] = price


def _candles(lake: Lake, contract: Contract) -> Sequence[Held]:
    """A contract's candles of an hour or less, the coarsest last."""
    from perpbook.history.choose import of_contract, wanted_of

    found = of_contract(lake, "candles", contract.venue, wanted_of(contract))
    return [one for one in found if one.id.bar_ns and one.id.bar_ns <= HOUR_NS]


def told_of(known: KnownPast, playbook: Playbook) -> list[tuple[str, str]]:
    """What a check must say of it: (code, message) of the rules it leaves unjudged, and of what it took for granted."""
    from perpbook.playbook.figures import listing
    from perpbook.playbook.timed import OF_A_DAY, OF_A_POSITION, rules_on_rates

    by_day, by_position = rules_on_rates(playbook, OF_A_DAY), rules_on_rates(playbook, OF_A_POSITION)
    if not known.sources:
        return []
    lacking = [one for one in known.sources if one.why]
    out = []
    if lacking and len(lacking) == len(known.sources):
        left = listing((*by_day, *by_position))
        by_day = by_position = ()
    else:
        some = f"of {listing([one.name for one in lacking])} {listing(by_position)}" if by_position else ""
        left = ", and ".join(part for part in (listing(by_day), some) if part)
    if lacking and left:
        out.append(("history", f"not judged by check: {left}: {'; '.join(one.why for one in lacking)}"))
    if by_position or (by_day and not lacking):
        last = min(one.settled_ns for one in known.sources if not one.why and one.settled_ns is not None)
        made = " SIMULATED" if any(one.simulated for one in known.sources if not one.why) else ""
        out.append(
            (
                "past",
                f"rules on funding stand on{made} rates of the lake, settled up to {to_iso(last)}, and take every position as "
                "held at its present size: a book does not say since when",
            )
        )
    return out


def told_of_counts(known: KnownPast) -> tuple[str, ...]:
    """What a drill's reader must know of payments in a row at its start."""
    out = [f"funding.flip_after counts {one.name} from nothing: {one.why}" for one in known.sources if one.why]
    if any(one is not None for one in known.past):
        out.append(
            "funding.flip_after counts on from the lake's settlements before the drill, as if held at the present side"
        )
    return tuple(out)
