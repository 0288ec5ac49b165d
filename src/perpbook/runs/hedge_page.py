"""Writing the page of a hedge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perpbook.hedging.plan import HedgePlan


def write_hedge(plan: HedgePlan, path: Path) -> None:
    """Write it; InputError when the file cannot be written."""
    from perpbook.report.hedge_page import hedge_page
    from perpbook.runs.drill_page import write_page

    write_page(path, hedge_page(plan))
