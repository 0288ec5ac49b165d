"""What a guard may do, from the playbook, the book and the venues' terms."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from perpbook.engine.paper import capabilities_of
from perpbook.engine.ports import Capabilities
from perpbook.guard.settings import Caps, Settings, Timer
from perpbook.model.action import digest_of
from perpbook.model.contract import Contract
from perpbook.model.market import Snapshot
from perpbook.model.units import SECOND_NS
from perpbook.playbook.automation_section import TRADED, Automation
from perpbook.playbook.hours import ends_ns

if TYPE_CHECKING:
    from perpbook.playbook.schema import Playbook
    from perpbook.terms.terms import VenueTerms

NO_CAP = 1e15
"""Dollars that stand for no cap: nothing acts by itself where one is missing, and a person sees what is traded."""


def settings_of(snapshot: Snapshot, playbook: Playbook, terms: Mapping[str, VenueTerms], *, live: bool) -> Settings:
    """The guard's settings. live : acting needs `guard arm` first; the paper venue is always armed."""
    rules = playbook.automation or Automation()
    action, hour, day = (cap or NO_CAP for cap in (rules.max_per_action, rules.max_per_hour, rules.max_per_day))
    can = {name: capabilities(name, live=live) for name in terms}
    caps = Caps(action=action, hour=hour, day=day)
    return Settings(
        accounts={one.id: one.venue for one in snapshot.book.accounts},
        contracts=contracts_of(terms),
        caps=caps,
        collar=rules.collar,
        slice=rules.max_per_order or action,
        expiry_ns=math.ceil(rules.approval_expires_minutes * 60 * SECOND_NS),
        cost_max=2.0 * rules.collar,
        fees={name: max(one.fees[0].taker_fee_rate, 0.0) for name, one in terms.items()},
        bands={rule: caps for rule in acting_rules(rules)},
        rests=frozenset(name for name, one in can.items() if one.rests_reduce_only),
        timers={name: Timer(by_symbol=one.dead_man_by_symbol) for name, one in can.items() if one.dead_man},
        dead_man_ns=int((rules.dead_man_seconds or 0.0) * SECOND_NS),
        quiet=ends_ns(rules.quiet_hours) if rules.quiet_hours else None,
        arming=live,
        playbook=playbook_digest(playbook),
        terms=digest_of({name: digest_of_terms(one) for name, one in terms.items()}),
    )


def capabilities(venue: str, *, live: bool) -> Capabilities:
    """What a venue can do, live or on paper."""
    if live:
        from perpbook.venues.dialect_list import DIALECTS

        if venue in DIALECTS:
            return DIALECTS[venue].capabilities
    return capabilities_of(venue)


def acting_rules(rules: Automation) -> tuple[str, ...]:
    """Rules that approve themselves, every one by the keys that findings have."""
    return tuple(dict.fromkeys(one for one in (*TRADED, *rules.auto) if rules.allows(one)))


def contracts_of(terms: Mapping[str, VenueTerms]) -> dict[tuple[str, str], Contract]:
    """Every contract of the terms, by (venue, symbol)."""
    return {(name, symbol): one.contract for name, venue in terms.items() for symbol, one in venue.contracts.items()}


def playbook_digest(playbook: Playbook) -> str:
    """SHA-256 of what a playbook says, whatever its text looks like."""
    return hashlib.sha256(playbook.model_dump_json().encode()).hexdigest()


def digest_of_terms(terms: VenueTerms) -> str:
    """SHA-256 of a venue's terms."""
    return hashlib.sha256(repr(sorted(asdict(terms).items(), key=lambda pair: pair[0])).encode()).hexdigest()
