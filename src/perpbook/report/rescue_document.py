"""The rescue gap as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from perpbook.report.rescue_told import interval_of
from perpbook.treasury.barrier import ALARM, Closed
from perpbook.treasury.gaps import AccountGap, RescueGaps
from perpbook.treasury.rescue import Alarmed, Arrival, Late


def now_document(gaps: Sequence[AccountGap]) -> list[dict[str, Any]]:
    """The same as plain data."""
    return [
        {
            "account": one.rescue.account,
            "best": _arrival(one.rescue.best),
            "second": _arrival(one.rescue.second),
            "no_money_because": one.rescue.reason or None,
            "closed_form": _closed(one.closed) if one.closed else None,
        }
        for one in gaps
    ]


def rescue_document(gaps: RescueGaps) -> list[dict[str, Any]]:
    """Every account's gap as plain data: seconds, fractions; null for a time that is not known to end."""
    return [
        {
            "account": one.rescue.account,
            "best": _arrival(one.rescue.best),
            "second": _arrival(one.rescue.second),
            "both_need": list(one.rescue.shared),
            "in_calm": _arrival(one.rescue.calm),
            "storm_takes": list(one.rescue.taken),
            "storm_takes_later": list(one.rescue.later),
            "no_money_because": one.rescue.reason or None,
            "under_playbook": _late(one.under),
            "without_playbook": _late(one.without),
            "after_alarm": _alarmed(one.rescue.alarmed) if one.rescue.alarmed else None,
            "closed_form": _closed(one.closed) if one.closed else None,
            "no_closed_form_because": one.not_closed or None,
        }
        for one in gaps.accounts
    ]


def _arrival(found: Arrival | None) -> dict[str, Any] | None:
    if found is None:
        return None
    points = {name: found.point(at) for name, at in (("typical", 0.5), ("p90", 0.9), ("p99", 0.99))}
    return {
        "from": found.way.pot.name,
        "asset": found.way.pot.asset,
        "dollars": found.way.dollars,
        "by": [hop.words for hop in found.way.hops if hop.words],
        "seconds": {name: value if math.isfinite(value) else None for name, value in points.items()},
        "fee_dollars_known": found.way.fee_dollars,
    }


def _late(late: Late | None) -> dict[str, Any] | None:
    if late is None:
        return None
    return {
        "futures": late.futures,
        "dies": late.dies,
        "too_late": late.late,
        "share": late.late / late.futures,
        "interval": interval_of(late),
        "by_moment_in_step": [late.least / late.futures, late.most / late.futures],
    }


def _alarmed(rung: Alarmed) -> dict[str, Any]:
    return {
        "margin_ratio": ALARM,
        "futures": rung.futures,
        "rings": rung.rings,
        "too_late": rung.late,
        "share_of_rung": rung.late / rung.rings if rung.rings else None,
        "by_moment_in_step": [one / rung.rings for one in (rung.least, rung.most)] if rung.rings else None,
    }


def _closed(closed: Closed) -> dict[str, Any]:
    return {
        "asset": closed.asset,
        "volatility_a_year": closed.volatility,
        "dies": closed.dies,
        "too_late": closed.late,
        "too_late_after_alarm": closed.late_after_alarm,
        "alarm_margin_ratio": ALARM,
    }
