"""Where money stands, for a check: what is free, posted and under way, and what is short of the playbook's own reserves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import MissingData

if TYPE_CHECKING:
    from perpbook.report.treasury_told import TreasuryTold
    from perpbook.runs.check import CheckResult
    from perpbook.treasury.needs import Level


def money_of(result: CheckResult) -> TreasuryTold | None:
    """The money of a checked book; None where all of it is in accounts and nothing is under way."""
    book = result.snapshot.book
    if not book.layers and not book.transfers:
        return None
    from perpbook.report.treasury_told import TreasuryTold
    from perpbook.runs.check import load_all_terms
    from perpbook.runs.treasury_needs import NeedsAsked, wanted_of
    from perpbook.runs.treasury_report import layers_of, names_of
    from perpbook.runs.treasury_state import StateAsked, state_from

    terms = load_all_terms(result.snapshot, result.terms_folders)
    asked = StateAsked(book=Path(book.source))
    state = state_from(result.snapshot, result.playbook, terms, asked)
    why: dict[str, str] = {}
    levels: tuple[Level, ...] | None = None
    try:
        levels = wanted_of(state, NeedsAsked(state=asked)).levels
    except MissingData:
        why = {"levels": "What places should hold: `perpbook treasury needs`."}
    return TreasuryTold(
        simulated=result.snapshot.market.simulated, holdings=state.holdings, forecasts=state.forecasts,
        names=names_of(state), layers=layers_of(state), levels=levels, why=why, notes=state.notes,
    )  # fmt: skip
