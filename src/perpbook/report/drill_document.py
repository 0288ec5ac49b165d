"""A drill as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from perpbook.engine.drilled import Drilled
from perpbook.report.drill_measures import QUANTILES, DrillMeasures, fan_quantiles
from perpbook.report.drill_missed import missed_of
from perpbook.report.drill_orders import death_orders
from perpbook.report.drill_text import sides_of, sizes_of, verdict_of
from perpbook.report.drill_treasury_text import drill_treasury_data
from perpbook.report.rescue_document import rescue_document


def drill_document(drilled: Drilled) -> dict[str, Any]:
    """Everything the text and the page tell, by name."""
    under, without = sides_of(drilled)
    return {
        "verdict": verdict_of(drilled),
        "facts": dict(drilled.facts),
        "under_playbook": side(under) if under else None,
        "without_playbook": side(without),
        "sizes": [asdict(one) for one in sizes_of(drilled)],
        "fan": {
            "quantiles": list(QUANTILES),
            "under_playbook": fan_quantiles(drilled.under).tolist() if drilled.under else None,
            "without_playbook": fan_quantiles(drilled.without).tolist(),
        },
        "rescue": rescue_document(drilled.rescue),
        "treasury": drill_treasury_data(drilled.treasured),
        "standard": drilled.standard,
        "missed": missed_of(drilled),
        "orders": death_orders(drilled, drilled.without),
        "notes": list(drilled.notes),
        "not_modelled": list(drilled.not_modelled),
        "result": drilled.result_hash,
    }


def side(measures: DrillMeasures) -> dict[str, Any]:
    """One side's figures, with the intervals of its chances."""
    told = asdict(measures)
    for name in ("dies", "orphans"):
        told[name] |= {"share": getattr(measures, name).share, "interval": getattr(measures, name).interval}
    for row, one in zip(told["accounts"], measures.accounts, strict=True):
        for name in ("dies", "first"):
            chance = getattr(one, name)
            row[name] |= {"share": chance.share, "interval": chance.interval}
        if one.too_late is not None:
            row["too_late"] |= {"share": one.too_late.share, "interval": one.too_late.interval}
    return told
