"""What was noticed beside the book, told as it begins and as it ends: signals of a market, layers, transfers, drills.

It reaches the guard as messages, so that its decisions hang on nothing that is not among its inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perpbook.guard.signals import MEASURED, TURNED
from perpbook.guard.turn import Turn
from perpbook.model.alert import Alert, Severity

Key = tuple[str, str, str]

BESIDE = ("layer.health", "layer.gas", "bridge.late", "bridge.stuck", "drill.overdue")
"""Kinds that files and layers are read for."""


def notice(turn: Turn, alerts: Iterable[Alert]) -> None:
    """Tell what begins, and what is over of what stood. Who decides does not end what was noticed."""
    for alert in alerts:
        if not alert.resolved:
            turn.known.noticed.add(alert.key)
            turn.say(alert, stands=True)
        elif alert.key in turn.known.noticed:
            turn.known.noticed.discard(alert.key)
            turn.over(*alert.key)


def noticed_in(standing: Mapping[Key, str]) -> set[Key]:
    """What stood by something noticed, before a start."""
    return {key for key, severity in standing.items() if _is_noticed(key, severity)}


def _is_noticed(key: Key, severity: str) -> bool:
    kind, account, symbol = key
    if kind in BESIDE:
        return True
    if severity != Severity.WARN.value:
        return False
    return (kind in MEASURED and ":" in symbol and not account) or (kind == TURNED and bool(account))
