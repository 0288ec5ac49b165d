"""`treasury audit`: files and options become a case, its audit, and the smallest change."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.model.units import SECOND_NS
from perpbook.runs.treasury_conditions import conditions_of
from perpbook.runs.treasury_state import StateAsked, check_seed

if TYPE_CHECKING:
    from perpbook.model.market import Snapshot
    from perpbook.terms.terms import VenueTerms
    from perpbook.treasury.audit import Limits
    from perpbook.treasury.endurance import Sigmas
    from perpbook.treasury.facts import Facts
    from perpbook.treasury.failures import Single
    from perpbook.treasury.repair import Audited, Case

DRAWS = 1_000
"""Arrivals drawn of every hop."""

LARGEST = 10.0
"""A volatility above 1,000 % a year is a slip of the pen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Files and options as they were given; `lasting` None: as long as nine in ten halts of the past."""

    state: StateAsked
    now_ns: int | None = None
    terms_folders: Sequence[Path] = ()
    volatility: Mapping[str, str]
    correlation: float | None = None
    lasting: str | None = None
    late: float = 0.01
    naked: float = 0.25
    depeg: float = 0.1
    rails: tuple[str, ...] = ()


def run_audit(asked: Asked, *, names: tuple[str, ...] = (), change: bool = True) -> Audited:
    """Audit a book file.

    Raises
    ------
    InputError : a file, a volatility, a limit, a failure or a rail that is none.
    DataError : a price is missing.
    """
    from perpbook.treasury.audit import singles_of
    from perpbook.treasury.repair import Audited, repaired

    case, playbook = case_of(asked)
    view = case.view()
    singles = singles_of(view, case.limits.fall)
    found = case.audit_of(view, chosen(singles, names) if names else singles)
    broken = bool(found.breaks or found.breaking)
    repair = repaired(case, view, found) if change and broken and not names else None
    return Audited(case=case, view=view, audit=found, repair=repair, playbook=playbook, named=names)


def chosen(singles: Sequence[Single], names: Sequence[str]) -> list[Single]:
    """Failures by their names, whatever the case of their letters."""
    from perpbook.scenario.table_reader import nearest

    by_name = {one.name.lower(): one for one in singles}
    for name in names:
        if name.lower() not in by_name:
            known = tuple(one.name for one in singles)
            raise InputError(f'"{name}" is nothing this book hangs on: {nearest(name, known)}')
    return [by_name[name] for name in dict.fromkeys(one.lower() for one in names)]


def case_of(asked: Asked) -> tuple[Case, str]:
    """The book with all that its audit depends on, and the playbook's name."""
    from perpbook.kernels import jit
    from perpbook.runs.check import SMALL_BOOK, count_positions, load_all_terms, read_inputs
    from perpbook.runs.rescue import scores_by_name
    from perpbook.treasury.own_facts import treasury_facts
    from perpbook.treasury.repair import Case
    from perpbook.treasury.ways import Chance

    state = asked.state
    check_seed(state.seed)
    snapshot, rules = read_inputs(
        state.book, state.playbook, market=state.market, now_ns=asked.now_ns, terms_folders=asked.terms_folders
    )
    if count_positions(snapshot) <= SMALL_BOOK:
        jit.prefer_plain()
    moves = rules.survival.moves if rules.survival else ()
    facts = treasury_facts(state.facts)
    now, told = conditions_of(facts, state.storm, state.look, asked.now_ns)
    terms = load_all_terms(snapshot, asked.terms_folders)
    case = Case(
        snapshot=snapshot, terms=terms, facts=facts,
        chance=Chance(scores=scores_by_name(state.seed, DRAWS)), sigmas=sigmas_of(asked, assets_of(snapshot, terms)),
        limits=limits_of(asked, max((abs(one) for one in moves), default=0.15)), rails=rails_of(asked, facts),
        now=now, told=told,
    )  # fmt: skip
    return case, rules.name


def limits_of(asked: Asked, move: float) -> Limits:
    """What is allowed, checked."""
    from perpbook.runs.moments import length_ns
    from perpbook.treasury.audit import Limits
    from perpbook.treasury.outages import past_stops

    for name, value in (("--late-max", asked.late), ("--depeg", asked.depeg)):
        if not 0.0 < value < 1.0:
            raise InputError(f"{name} {value:g}: write a fraction between 0 and 1, such as 0.01")
    if not (asked.naked > 0.0 and math.isfinite(asked.naked)):
        raise InputError(f"--naked-max {asked.naked:g}: write a fraction above 0, such as 0.25")
    lasting = past_stops().lasting(0.9) if asked.lasting is None else length_ns(asked.lasting) / SECOND_NS
    return Limits(late=asked.late, naked=asked.naked, move=move, lasting=lasting, fall=asked.depeg)


def sigmas_of(asked: Asked, held: set[str]) -> Sigmas:
    """Volatilities as the trader gives them, checked."""
    from perpbook.treasury.endurance import Sigmas

    out = {}
    for asset, text in asked.volatility.items():
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0.0 < value <= LARGEST:
            raise InputError(
                f"--volatility {asset}={text}: write a year's volatility as a fraction, such as {asset}=0.6"
            )
        if asset != "*" and asset not in held:
            raise InputError(
                f"--volatility names {asset}, which the book has no position in: here {', '.join(sorted(held)) or 'none'}"
            )
        out[asset] = value
    if asked.correlation is not None and not 0.0 <= asked.correlation <= 1.0:
        raise InputError(f"--correlation {asked.correlation:g}: write a number from 0 to 1")
    return Sigmas(by_asset=out, correlation=asked.correlation)


def assets_of(snapshot: Snapshot, terms: Mapping[str, VenueTerms]) -> set[str]:
    """What positions are of, and coins that stand as collateral."""
    from perpbook.terms.find import find_contract

    accounts = snapshot.book.accounts
    held = {find_contract(terms[one.venue], two.symbol).contract.base for one in accounts for two in one.positions}
    return held | {two.asset for one in accounts for two in one.collateral}


def rails_of(asked: Asked, facts: Facts) -> frozenset[str] | None:
    """The bridge families in use; None for all."""
    from perpbook.scenario.table_reader import nearest

    families = tuple(dict.fromkeys(one.family for one in facts.routes.values()))
    for one in asked.rails:
        if one not in families:
            raise InputError(f"--rail {one}: there is no such bridge family; {nearest(one, families)}")
    return frozenset(asked.rails) if asked.rails else None
