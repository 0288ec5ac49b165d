"""What a market does against its own past, told as it begins and as it ends."""

from __future__ import annotations

from collections.abc import Iterable

from perpbook.guard.turn import Turn
from perpbook.model.alert import Alert


def signal(turn: Turn, alerts: Iterable[Alert]) -> None:
    """Tell what begins, and what is over of what stood. Who decides does not end what a signal began."""
    for alert in alerts:
        if not alert.resolved:
            turn.known.signalled.add(alert.key)
            turn.say(alert, stands=True)
        elif alert.key in turn.known.signalled:
            turn.known.signalled.discard(alert.key)
            turn.over(*alert.key)
