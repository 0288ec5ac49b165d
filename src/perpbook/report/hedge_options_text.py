"""Options beside a hedge, as text and for machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.hedging.laying import Laying


def tell_beside(console: Console, laying: Laying | None) -> None:
    """The overlay below the hedge; nothing without one."""
    from perpbook.report.overlay_text import tell_overlay

    if laying is not None:
        console.print()
        console.print("Options over the book, in place of that hedge:")
        tell_overlay(console, laying)


def beside_document(laying: Laying | None) -> Mapping[str, object]:
    """The overlay under a key of its own; nothing without one."""
    from perpbook.report.overlay_text import overlay_document

    return {} if laying is None else {"overlay": overlay_document(laying)}
