"""Alerts on the console of a running guard: one line each, on standard error."""

from __future__ import annotations

import sys

from perpbook.model.alert import Alert
from perpbook.report.guard_text import alert_line


class ConsoleSink:
    """Prints every alert."""

    async def tell(self, alert: Alert) -> None:
        """One line."""
        print(alert_line(alert), file=sys.stderr, flush=True)


def say_error(text: str) -> None:
    """A line to people, not on the channel of data."""
    print(text, file=sys.stderr, flush=True)
