"""Which series of the lake stands for a contract: its own by base and quote, or the proxy's that was declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from perpbook.errors import InputError, MissingData
from perpbook.history.lake import Held, Lake
from perpbook.history.widths import word_of
from perpbook.model.contract import Contract
from perpbook.model.units import DAY_NS, to_iso

DOLLARS = ("USDT", "USDC", "USD", "FDUSD", "BUSD")
"""Quotes read as one another, in order of preference after the contract's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A contract a run needs: venue id and native symbol (its name in `Bars`), and the base and quote of its terms.

    `spot` asks for the coin itself, which pays no funding.
    """

    venue: str
    symbol: str
    base: str
    quote: str
    spot: bool = False

    @property
    def kind(self) -> str:
        """The lake's kind of its prices."""
        return "candles_spot" if self.spot else "candles"

    def __str__(self) -> str:
        return f"{self.venue} {self.symbol}"


def wanted_of(contract: Contract) -> Wanted:
    """A contract as a run needs it."""
    return Wanted(venue=contract.venue, symbol=contract.symbol, base=contract.base, quote=contract.quote)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The series that stands for a contract; `proxy` is the venue it is borrowed from, None for its own."""

    held: Held
    proxy: str | None


def check_proxies(lake: Lake, proxies: Mapping[str, str], wanted: Sequence[Wanted]) -> None:
    """Refuse a proxy for a venue no contract is on, or one the lake has nothing of.

    Raises
    ------
    InputError : naming the proxy.
    """
    venues = {one.venue for one in wanted}
    for venue, stand_in in proxies.items():
        if venue not in venues:
            raise InputError(
                f"--proxy {venue}={stand_in}: no contract is on {venue}; there are {', '.join(sorted(venues))}"
            )
        if not lake.held("candles*", stand_in):
            known = ", ".join(sorted({one.id.venue for one in lake.held("candles*")})) or "none"
            raise InputError(
                f"--proxy {venue}={stand_in}: the lake has no candles of {stand_in}; it has those of {known}"
            )


def of_contract(lake: Lake, kind: str, venue: str, wanted: Wanted) -> tuple[Held, ...]:
    """Series of the contract's base on a venue, all of the best quote that is there."""
    choice = dict.fromkeys([wanted.quote, *(DOLLARS if wanted.quote in DOLLARS else ())])
    for base in same_unit(wanted.base):
        for quote in choice:
            found = lake.held(kind, venue, f"{base}-{quote}")
            if found:
                return found
    return ()


def same_unit(base: str) -> tuple[str, ...]:
    """A base and the other name of the same thousand coins: kPEPE on one venue is 1000PEPE on another."""
    if base.startswith("1000"):
        return base, f"k{base[4:]}"
    if base.startswith("k") and base[1:].isupper():
        return base, f"1000{base[1:]}"
    return (base,)


def choose_prices(lake: Lake, wanted: Wanted, bar_ns: int, span: tuple[int, int], proxies: Mapping[str, str]) -> Chosen:
    """The price series of a contract over a span: its own where it covers the span, else the declared proxy's.

    Raises
    ------
    MissingData : there is none; says what there is, and the option that would borrow one.
    """
    own = of_contract(lake, wanted.kind, wanted.venue, wanted)
    best = _best(lake, own, bar_ns, span)
    if best is not None:
        return Chosen(held=best, proxy=None)
    stand_in = proxies.get(wanted.venue)
    if stand_in is None:
        raise MissingData(_why(lake, wanted, own, bar_ns, span))
    borrowed = of_contract(lake, wanted.kind, stand_in, wanted)
    best = _best(lake, borrowed, bar_ns, span)
    if best is None:
        at_proxy = replace(wanted, venue=stand_in)
        raise MissingData(
            f"--proxy {wanted.venue}={stand_in} does not help: {_why(lake, at_proxy, borrowed, bar_ns, span, False)}"
        )
    return Chosen(held=best, proxy=stand_in)


def span_of(lake: Lake, wanted: Sequence[Wanted], *, bar_ns: int, proxies: Mapping[str, str]) -> tuple[int, int]:
    """The longest span [start, end) in which every contract has prices of its own or of its declared proxy.

    Raises
    ------
    MissingData : a contract has none, or they never overlap.
    """
    starts, ends = [], []
    for one in wanted:
        own = _usable(of_contract(lake, one.kind, one.venue, one), bar_ns)
        found = own
        if one.venue in proxies:
            found = (*own, *_usable(of_contract(lake, one.kind, proxies[one.venue], one), bar_ns))
        if not found:
            raise MissingData(_why(lake, one, own, bar_ns, None))
        longest = max(found, key=lambda held: held.end_ns - held.first_ns)
        starts.append(longest.first_ns)
        ends.append(longest.end_ns)
    start, end = -(-max(starts) // bar_ns) * bar_ns, min(ends) // bar_ns * bar_ns
    if start >= end:
        raise MissingData(
            f"the contracts have no span in common: one starts {to_iso(max(starts))} and one ends {to_iso(min(ends))}"
        )
    return start, end


def _usable(found: Sequence[Held], bar_ns: int) -> tuple[Held, ...]:
    return tuple(one for one in found if one.id.bar_ns and bar_ns % one.id.bar_ns == 0)


def covers(held: Held, span: tuple[int, int]) -> bool:
    """Whether a series has begun by the start of a span and has not ended before its end."""
    return held.first_ns <= span[0] and held.end_ns >= span[1]


def _best(lake: Lake, found: Sequence[Held], bar_ns: int, span: tuple[int, int]) -> Held | None:
    """Of those that cover the span in bars as fine as wanted: the one with the fewest holes, then the coarsest.

    One that has not a single row within the span is none.
    """
    best, worth = None, (0.0, 0)
    for held in _usable(found, bar_ns):
        if covers(held, span):
            this = round(_filled(lake, held, span), 6), held.id.bar_ns or 1
            if this[0] > 0 and this > worth:
                best, worth = held, this
    return best


def _filled(lake: Lake, held: Held, span: tuple[int, int]) -> float:
    """The share of a span in which a series has bars."""
    width = held.id.bar_ns or 1
    if held.rows * width == held.end_ns - held.first_ns:
        return 1.0
    return lake.read(held, ["ts"], start_ns=span[0], end_ns=span[1]).height * width / (span[1] - span[0])


def _why(
    lake: Lake, wanted: Wanted, found: Sequence[Held], bar_ns: int, span: tuple[int, int] | None, offer: bool = True
) -> str:
    """What is missing, what there is, and the option that would borrow the rest."""
    usable = _usable(found, bar_ns)
    if not found:
        said = f"{wanted}: the lake has no {wanted.base} {'spot ' if wanted.spot else ''}prices of {wanted.venue}"
    elif not usable:
        have = ", ".join(sorted({one.id.bar for one in found}))
        said = f"{wanted}: prices of {wanted.venue} come in bars of {have}, which make no bars of {word_of(bar_ns)}"
    else:
        spans = ", ".join(f"{one.id.bar} from {to_iso(one.first_ns)} to {to_iso(one.end_ns)}" for one in usable)
        asked = f" for {to_iso(span[0])} to {to_iso(span[1])}" if span else ""
        hole = " (with a hole there)" if span and any(covers(one, span) for one in usable) else ""
        said = f"{wanted}: no {wanted.venue} prices{asked}: the lake has {spans}{hole}"
    return f"{said}\n    {_next_step(lake, wanted, bar_ns, span, offer)}"


def _next_step(lake: Lake, wanted: Wanted, bar_ns: int, span: tuple[int, int] | None, offer: bool) -> str:
    if not lake.held():
        return (
            f"the lake at {lake.root} is empty: fill it with `perpbook data import FOLDER` or `perpbook data generate`"
        )
    others = []
    for venue in sorted({one.id.venue for one in lake.held(wanted.kind, symbol=f"{wanted.base}-*")} - {wanted.venue}):
        usable = _usable(of_contract(lake, wanted.kind, venue, wanted), bar_ns)
        if usable if span is None else _best(lake, usable, bar_ns, span):
            others.append(venue)
    if not others:
        return "see what there is with `perpbook data status`; add more with `perpbook data import` or `data pull`"
    others.sort(key=lambda venue: (venue != "binance", venue))
    if not offer:
        return f"these have them: {', '.join(others)}"
    return (
        f"borrow another venue's prices with --proxy {wanted.venue}={others[0]} (these have them: {', '.join(others)})"
    )


def choose_funding(lake: Lake, wanted: Wanted, span: tuple[int, int], stand_in: str | None) -> Chosen | None:
    """The funding of a contract over a span: the venue's own where it covers it, else the stand-in's; None for neither.

    A day without settlements at either end is let pass; `load` notes it.
    """
    for venue, proxy in ((wanted.venue, None), (stand_in, stand_in)):
        for held in of_contract(lake, "funding", venue, wanted) if venue else ():
            if held.first_ns <= span[0] + DAY_NS and held.end_ns >= span[1] - DAY_NS:
                return Chosen(held=held, proxy=proxy)
    return None
