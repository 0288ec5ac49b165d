"""`treasury report`: state, needs, plan, audit, health and fee economics of one book, gathered for one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import DataError, InputError
from perpbook.model.units import to_iso

if TYPE_CHECKING:
    from perpbook.model.health import LayerHealth
    from perpbook.report.treasury_told import TreasuryTold
    from perpbook.runs.treasury_state import State, StateAsked
    from perpbook.treasury.audit import Audit
    from perpbook.treasury.economics import Economics
    from perpbook.treasury.planned import Planned
    from perpbook.treasury.told import Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAsked:
    """What a page is made of. needs : "PLACE=DOLLARS@MINUTES" each, beside what is short. lake None and not `made_up`: no past.
    volatility : a year's by coin, "*" for every other; without it no chances. rpc, providers : whom to ask for health."""

    state: StateAsked
    lake: Path | None = None
    made_up: bool = False
    venue: str = "binance"
    needs: Sequence[str] = ()
    volatility: Mapping[str, str] = field(default_factory=dict)
    rpc: tuple[str, ...] = ()
    providers: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreasuryReport:
    """What a page tells, and what it is of."""

    told: TreasuryTold
    facts: dict[str, object]


def run_report(asked: ReportAsked, *, now_ns: int | None, terms_folders: Sequence[Path]) -> TreasuryReport:
    """Gather everything that can be told; what cannot says why.

    Raises
    ------
    InputError : a file, a need, a volatility or an address is wrong.
    DataError : a price is missing or stale.
    """
    from perpbook.report.treasury_told import TreasuryTold
    from perpbook.runs.treasury_state import state_of

    why: dict[str, str] = {}
    state = state_of(asked.state, now_ns=now_ns, terms_folders=terms_folders)
    wanted = _wanted(state, asked, why)
    planned = _planned(state, wanted, asked, why)
    audit = audit_of(asked, now_ns, terms_folders)
    economics = _economics(asked, why, now_ns, terms_folders)
    told = TreasuryTold(
        simulated=wanted.simulated if wanted else state.snapshot.market.simulated,
        holdings=state.holdings, forecasts=state.forecasts, names=names_of(state), layers=layers_of(state),
        levels=wanted.levels if wanted else None, planned=planned, audit=audit, health=health_of(asked),
        economics=economics, why=why,
        notes=tuple(dict.fromkeys((*(wanted.notes if wanted else state.notes), *audit.notes))),
    )  # fmt: skip
    book = state.snapshot.book
    facts: dict[str, object] = {
        "book": book.source, "playbook": state.playbook.name, "as_of": to_iso(book.as_of_ns), "storm": asked.state.storm,
    }  # fmt: skip
    return TreasuryReport(told=told, facts=facts)


def write_report(found: TreasuryReport, path: Path) -> None:
    """The page; InputError when the file cannot be written."""
    from perpbook import __version__
    from perpbook.report.treasury_page import treasury_page
    from perpbook.runs.drill_page import write_page

    write_page(path, treasury_page(found.told, found.facts, __version__))


def _wanted(state: State, asked: ReportAsked, why: dict[str, str]) -> Wanted | None:
    """Needs; None without a past to reckon them with."""
    from perpbook.runs.treasury_needs import NeedsAsked, wanted_of

    try:
        return wanted_of(
            state, NeedsAsked(state=asked.state, lake=asked.lake, made_up=asked.made_up, venue=asked.venue)
        )
    except DataError as error:
        why["levels"] = f"Not told: {error}."
        return None


def _planned(state: State, wanted: Wanted | None, asked: ReportAsked, why: dict[str, str]) -> Planned | None:
    """The plan for what is asked, else for what is short; None where there is neither, or nothing may start."""
    from perpbook.runs import treasury_plan as plan

    if not state.holdings.may_start:
        why["plan"] = "Nothing new may start while something is unread."
        return None
    options = plan.Asked(state=asked.state, needs=asked.needs)
    if asked.needs:
        needs = plan.needs_asked(options, state)
        return plan.planned(options, state, needs, plan.spares_for(options, state, needs))
    if wanted is not None and wanted.needs:
        short = {one.place for one in wanted.needs}
        return plan.planned(options, state, wanted.needs, [one for one in wanted.spares if one.place not in short])
    if wanted is None:
        why["plan"] = "What is short is not known, and no --need is given: there is nothing to plan for."
    return None


def audit_of(asked: ReportAsked, now_ns: int | None, terms_folders: Sequence[Path]) -> Audit:
    """What any single failure would break."""
    from perpbook.runs import treasury_audit

    options = treasury_audit.Asked(
        state=asked.state, now_ns=now_ns, terms_folders=terms_folders, volatility=asked.volatility
    )  # fmt: skip
    return treasury_audit.run_audit(options, change=False).audit


def _economics(
    asked: ReportAsked, why: dict[str, str], now_ns: int | None, terms_folders: Sequence[Path]
) -> Economics | None:
    """Fee economics; None where how coins move is not known, or the book is worth nothing."""
    from perpbook.runs.treasury_economics import EconomicsAsked, run_economics

    options = EconomicsAsked(
        book=asked.state.book, playbook=asked.state.playbook, market=asked.state.market, lake=asked.lake,
        venue=asked.venue, volatility=asked.volatility, facts=asked.state.facts,
    )  # fmt: skip
    try:
        return run_economics(options, now_ns=now_ns, terms_folders=terms_folders)
    except (InputError, DataError) as error:
        why["economics"] = f"Not told: {error}."
        return None


def health_of(asked: ReportAsked) -> tuple[LayerHealth, ...] | None:
    """One look at the layers; None when there is nobody to ask."""
    from perpbook.engine.clock import now_ns
    from perpbook.runs import treasury_health

    if not asked.rpc and asked.providers is None:
        return None
    monitor = treasury_health.monitor_of(treasury_health.Asked(rpc=asked.rpc, file=asked.providers))
    try:
        return monitor.look(now_ns)
    finally:
        monitor.close()


def names_of(state: State) -> dict[str, str]:
    """Every place of the book as a reader calls it."""
    facts = state.treasury.facts
    out = {one.id: one.name for one in facts.layers.values()}
    for account in state.snapshot.book.accounts:
        venue = facts.venues.get(account.venue)
        out[account.id] = f"{account.id} ({venue.name if venue else account.venue})"
    return out | {f"wallet:{one.id}": f"{one.name} wallet" for one in facts.venues.values()}


def layers_of(state: State) -> tuple[str, ...]:
    """Ids of the layers where the book's money or its venues are."""
    facts = state.treasury.facts
    at = [facts.layer_id(one.layer) for one in state.snapshot.book.layers]
    at += [facts.venues[one.venue].layer for one in state.snapshot.book.accounts if one.venue in facts.venues]
    return tuple(dict.fromkeys(one for one in at if one))
