"""Writing the betas of a report as a market file, for checks that have no history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.hedging.plan import HedgePlan

ONTO = "BTC"
"""The factor that joint moves are told in."""


def betas_of(plan: HedgePlan) -> dict[str, float]:
    """Every held asset's beta to bitcoin by the estimator in force; 1 for each where no asset stands for another."""
    from perpbook.hedging.betas import NONE

    if plan.beta == NONE:
        return {one.asset: 1.0 for one in plan.exposures if one.without != 0.0}
    found = {one.asset: getattr(one, plan.beta).value for one in plan.weighted.betas if one.factor == ONTO}
    return {asset: value for asset, value in found.items() if value is not None}


def write_betas(plan: HedgePlan, path: Path) -> None:
    """Write them, as old as the book is.

    Raises
    ------
    InputError : the file cannot be written, or too little is known for any beta.
    """
    from perpbook.playbook.keys import dotted

    betas, facts = betas_of(plan), plan.facts
    if not betas:
        raise InputError("too little is known for any beta: give more history with --since")
    lines = [
        'schema = "book/1"',
        f'as_of = "{facts["as_of"]}"',
        f"simulated = {str(facts['simulated_prices'] or facts['simulated_history']).lower()}",
        "",
        f"# Betas to {ONTO} by {plan.beta}: {facts['rows']} moves of {facts['move_hours']:g} h, {facts['history_from']} to "
        f"{facts['history_to']}, {facts['venue']}",
        "[betas]",
        *(f"{dotted((asset,))} = {value:.6g}" for asset, value in betas.items()),
    ]
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: the betas cannot be written: {error}; name another file") from error
