"""`backtest run`: a book, its rules and a strategy over history, with and without the playbook."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.engine.arrange import Frictions
from perpbook.engine.backtest import Fills, Journey
from perpbook.engine.outcome import Outcome
from perpbook.engine.overlaid import Overlaid
from perpbook.engine.result import BacktestResult
from perpbook.errors import DataError, InputError
from perpbook.model.data_finding import DataFinding, Severity
from perpbook.model.units import SECOND_NS, to_iso
from perpbook.runs.backtest_overlay import Laid, OverlayGiven, lay
from perpbook.runs.backtest_turns import Idea, Outcomes, outcomes_of
from perpbook.runs.treasury_given import TreasuryGiven, weather
from perpbook.strategies.table import Leg
from perpbook.treasury.past_gas import GasPast

if TYPE_CHECKING:
    from perpbook.history.choose import Wanted
    from perpbook.model.bars import Bars
    from perpbook.model.book import Book
    from perpbook.playbook.schema import Playbook
    from perpbook.terms.terms import VenueTerms

Tell = Callable[[str, int, int], None]


def silent(step: str, number: int, total: int) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which bars: ISO times, None for as far as the data goes, and the width of a bar."""

    start_ns: int | None = None
    end_ns: int | None = None
    bar_ns: int = 3600 * SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where history comes from, and what stands in for what: see `history.load.load_bars`."""

    lake: Path
    proxies: Mapping[str, str]
    funding: Mapping[str, str]
    accept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """Everything a backtest is made of, as the trader gives it."""

    book: Path
    playbook: Path | None
    span: Span
    source: Source
    idea: Idea = field(default_factory=Idea)
    frictions: Frictions = field(default_factory=Frictions)
    latency: int = 0
    seed: int = 0
    terms_folders: tuple[Path, ...] = ()
    overlay: OverlayGiven | None = None
    treasury: TreasuryGiven | None = None


def run_backtest(asked: Backtest, tell: Tell = silent) -> BacktestResult:
    """Run it.

    Raises
    ------
    InputError : a file or option is wrong.
    DataError : history is missing, or has fatal findings that were not accepted.
    """
    journey, findings = plan_journey(asked, tell)
    weathered = None
    if asked.treasury is not None:
        past, more = _past_gas(asked, journey) if asked.treasury.acts else (GasPast(), ())
        findings = (*findings, *more)
        weathered = weather(asked.treasury, journey, past)
    journey = weathered.journey if weathered is not None else journey
    laid = lay(asked.overlay, journey) if asked.overlay is not None else None
    tell("running (the first run compiles for two or three minutes)", 2, 4)
    result = _told(asked, journey, findings, outcomes_of(asked.idea, journey, laid, (asked.treasury, weathered)), laid)
    return result if weathered is None else replace(result, notes=(*result.notes, *weathered.notes))


def _past_gas(asked: Backtest, journey: Journey) -> tuple[GasPast, tuple[DataFinding, ...]]:
    """What gas cost then, and what is wrong with that; errors as `run_backtest`."""
    from perpbook.runs.past_gas import past_of_gas
    from perpbook.treasury.facts_load import packaged_facts

    past, findings = past_of_gas(asked.source.lake, journey, packaged_facts())
    _refuse_fatal(findings, asked.source.accept)
    return past, findings


def plan_journey(asked: Backtest, tell: Tell = silent) -> tuple[Journey, tuple[DataFinding, ...]]:
    """Everything read and laid ready, and what is wrong with the data; errors as `run_backtest`."""
    from perpbook.history.lake import Lake
    from perpbook.history.quality import findings_for
    from perpbook.history.volumes import daily_volumes
    from perpbook.playbook.load import load_playbook

    playbook = load_playbook(asked.playbook) if asked.playbook else None
    book, betas = _read_book(asked)
    terms = _terms(book, asked)
    legs = _legs(book, terms, asked.idea.legs)
    lake = Lake(asked.source.lake)
    wanted = _wanted(book, terms, legs)
    tell("reading history", 0, 4)
    bars = _bars(lake, wanted, asked)
    tell("examining it", 1, 4)
    findings = findings_for(bars, lake, wanted)
    _refuse_fatal(findings, asked.source.accept)
    journey = Journey(
        book=book,
        terms=terms,
        bars=bars,
        playbook=playbook,
        legs=legs,
        betas=betas,
        frictions=asked.frictions,
        fills=Fills(latency=asked.latency),
        daily_volume=daily_volumes(lake, wanted, bars, asked.source.proxies),
        seed=asked.seed,
        due=_due(playbook, bars),
    )
    return journey, findings


def _read_book(asked: Backtest) -> tuple[Book, Mapping[str, float]]:
    from perpbook.snapshot import load_snapshot

    snapshot = load_snapshot(asked.book, now_ns=None, terms_folders=asked.terms_folders)
    return snapshot.book, snapshot.market.betas


def _terms(book: Book, asked: Backtest) -> dict[str, VenueTerms]:
    """Terms as of the span's end: the newest that could have held, or the oldest known."""
    from datetime import UTC, datetime

    from perpbook.terms.load import load_terms

    at = None
    if asked.span.end_ns is not None:
        at = datetime.fromtimestamp(asked.span.end_ns // SECOND_NS, tz=UTC).date()
    venues = dict.fromkeys(account.venue for account in book.accounts)
    return {venue: load_terms(venue, at=at, folders=asked.terms_folders) for venue in venues}


def _legs(book: Book, terms: Mapping[str, VenueTerms], named: Sequence[str]) -> tuple[Leg, ...]:
    """The legs named `account:symbol`; without any, every position of the book."""
    from perpbook.terms.find import find_contract

    accounts = {account.id: account for account in book.accounts}
    if not named:
        named = [f"{account.id}:{one.symbol}" for account in book.accounts for one in account.positions]
    out = []
    for name in named:
        account, colon, symbol = name.partition(":")
        if not colon or account not in accounts:
            known = ", ".join(f"{one}:SYMBOL" for one in accounts)
            raise InputError(f'leg "{name}" is not account:symbol of this book; write {known}')
        venue = accounts[account].venue
        contract = find_contract(terms[venue], symbol).contract
        out.append(Leg(account=account, venue=venue, symbol=contract.symbol))
    return tuple(dict.fromkeys(out))


def _wanted(book: Book, terms: Mapping[str, VenueTerms], legs: Sequence[Leg]) -> list[Wanted]:
    """Every contract that is held or traded."""
    from perpbook.history.choose import Wanted
    from perpbook.terms.find import find_contract

    pairs = [(account.venue, one.symbol) for account in book.accounts for one in account.positions]
    pairs += [(leg.venue, leg.symbol) for leg in legs]
    contracts = [find_contract(terms[venue], symbol).contract for venue, symbol in pairs]
    if not contracts:
        raise InputError("the book holds nothing and no leg is named: say what to trade with --legs account:symbol,…")
    return list(
        dict.fromkeys(Wanted(venue=one.venue, symbol=one.symbol, base=one.base, quote=one.quote) for one in contracts)
    )


def _bars(lake: Any, wanted: Sequence[Wanted], asked: Backtest) -> Bars:
    from perpbook.history.choose import span_of
    from perpbook.history.load import load_bars

    start, end = asked.span.start_ns, asked.span.end_ns
    if start is None or end is None:
        first, last = span_of(lake, wanted, bar_ns=asked.span.bar_ns, proxies=asked.source.proxies)
        start, end = first if start is None else start, last if end is None else end
    return load_bars(
        lake, wanted, bar_ns=asked.span.bar_ns, start_ns=start, end_ns=end, proxies=asked.source.proxies,
        funding=asked.source.funding,
    )  # fmt: skip


def _refuse_fatal(findings: Sequence[DataFinding], accept: bool) -> None:
    fatal = [one for one in findings if one.severity is Severity.FATAL]
    if fatal and not accept:
        told = "; ".join(one.message for one in fatal[:3])
        raise DataError(
            f"the history of this run is unfit ({len(fatal)} fatal findings): {told}. Choose other dates, mend the data, "
            "or run with --accept and read the results knowing it"
        )


def _due(playbook: Playbook | None, bars: Bars) -> np.ndarray | None:
    from perpbook.playbook.schedule import due_bars

    if playbook is None or playbook.rebalance is None:
        return None
    return due_bars(playbook.rebalance, bars.open_ns, bars.bar_ns)


def _told(
    asked: Backtest, journey: Journey, findings: tuple[DataFinding, ...], done: Outcomes, laid: Laid | None
) -> BacktestResult:
    from perpbook import __version__

    bars, idea = journey.bars, asked.idea
    facts = {
        "version": __version__,
        "book": journey.book.source,
        "playbook": journey.playbook.name if journey.playbook else None,
        "strategy": idea.name or (str(idea.targets) if idea.targets else idea.own) or "hold what the book holds",
        "options": dict(idea.options or {}),
        "legs": [leg.name for leg in journey.legs],
        "start": to_iso(int(bars.open_ns[0])),
        "end": to_iso(int(bars.open_ns[-1]) + bars.bar_ns),
        "bar_seconds": bars.bar_ns // SECOND_NS,
        "bars": bars.count,
        "prices": bars.source,
        "simulated": bars.simulated,
        "proxies": dict(asked.source.proxies),
        "funding": dict(asked.source.funding),
        "latency": asked.latency,
        "half_spread": asked.frictions.half_spread,
        "impact": asked.frictions.impact,
        "fee_tier": asked.frictions.fee_tier,
        "minimum_order": asked.frictions.minimum_order,
        "seed": asked.seed,
        "sleeves": [one.name for one in journey.playbook.capital.sleeves]
        if journey.playbook and journey.playbook.capital
        else [],
        "terms": {venue: one.as_of.isoformat() for venue, one in journey.terms.items()},
    }
    overlay = None
    if laid is not None and done.without is not None:
        facts["overlay"] = laid.facts
        overlay = Overlaid(standing=laid.standing, without=done.without, facts=laid.facts)
    facts |= _of_treasury(asked, done)
    return BacktestResult(
        guarded=done.guarded,
        control=done.control,
        hopeful=done.hopeful,
        findings=findings,
        notes=tuple(dict.fromkeys(_notes(journey, done, laid))),
        not_modelled=not_modelled(journey),
        facts=facts,
        result_hash=result_hash(facts, (done.guarded, done.control, done.hopeful)),
        overlay=overlay,
        treasured=done.treasured,
    )


def _notes(journey: Journey, done: Outcomes, laid: Laid | None) -> list[str]:
    """What the reader must know of prices, accounts, terms, options, rules and transfers."""
    from perpbook.playbook.timed import hardship_notes

    told = [*journey.bars.notes, *done.control.arrangement.notes, *_dated(journey), *(laid.notes if laid else ())]
    told += hardship_notes(journey.playbook)
    return [*told, *(done.treasured.notes if done.treasured is not None else _not_followed(journey))]


def _of_treasury(asked: Backtest, done: Outcomes) -> dict[str, Any]:
    """What is asked of a treasurer, and whose gas it paid; nothing where none is asked for."""
    facts: dict[str, Any] = {} if asked.treasury is None else {"treasury": asked.treasury.facts}
    gas = done.treasured.gas if done.treasured is not None else {}
    return facts | ({"gas": dict(gas)} if gas else {})


def _not_followed(journey: Journey) -> list[str]:
    """That nobody follows what the playbook proposes about money, in a run without a treasurer."""
    margin = journey.playbook.margin if journey.playbook is not None else None
    if margin is None or margin.top_up != "propose":
        return []
    return [
        'the playbook proposes to top up accounts (margin.top_up = "propose"): in this run nobody looks for such proposals or '
        "follows them; --treasury puts in a treasurer who tops up"
    ]


def _dated(journey: Journey) -> list[str]:
    """What the reader must know of terms and entries that are of another time than the bars."""
    out = []
    start = int(journey.bars.open_ns[0])
    for venue in journey.terms.values():
        if venue.as_of.isoformat() > to_iso(start)[:10]:
            out.append(
                f"{venue.name}'s margin terms and fees are of {venue.as_of}, after these prices: no older ones are known"
            )
    for account in journey.book.accounts:
        for position in account.positions:
            column = journey.bars.column(account.venue, position.symbol)
            first = float(journey.bars.open[column, 0])
            if not 0.5 < position.entry_price / first < 2.0:
                out.append(
                    f"{position.symbol} in {account.id} was entered at {position.entry_price:g} and the first bar opens at "
                    f"{first:g}: the run starts with that profit or loss"
                )
    return out


def not_modelled(journey: Journey) -> tuple[str, ...]:
    """What a run leaves out, in words."""
    return (
        "mark and oracle prices: margin is tested on the bars' trades",
        "the order of prices inside a bar: the pessimistic run takes every account's worst, the optimistic one closes alone",
        "queues and partial fills: a limit order fills whole when the bar trades through it",
        "auto-deleveraging, and an insurance fund that runs dry",
        "open-interest scaling of initial margin, position limits, and terms that changed inside the span",
        "order-book depth: taking costs half a spread and square-root impact"
        + (
            ""
            if journey.daily_volume is not None and np.isfinite(journey.daily_volume).any()
            else " (no volumes: no impact)"
        ),
    )


def result_hash(facts: Mapping[str, Any], outcomes: Sequence[Outcome | None]) -> str:
    """A hash of everything a run was given and everything it gave: the same anywhere for the same run."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    for one in outcomes:
        if one is not None:
            digest.update(np.ascontiguousarray(one.curve[:, : one.ended]).tobytes())
            digest.update(one.what.tobytes())
            digest.update(np.nan_to_num(one.figures).tobytes())
    return digest.hexdigest()
