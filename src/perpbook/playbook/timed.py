"""Rules that one look at a book cannot judge, because they need to know what was before it."""

from __future__ import annotations

from collections.abc import Iterator

from perpbook.playbook.figures import listing
from perpbook.playbook.schema import Playbook


def rules_that_need_history(playbook: Playbook) -> tuple[str, ...]:
    """The dotted keys of the rules in force that a single look leaves unjudged, in the order of the schema."""
    return tuple(_timed(playbook))


def not_judged(playbook: Playbook) -> str | None:
    """What a check must say about them; None when there are none."""
    rules = rules_that_need_history(playbook)
    if not rules:
        return None
    need = "needs" if len(rules) == 1 else "need"
    return f"not judged by check: {listing(rules)} {need} history, and check sees one instant; a backtest judges them"


def _timed(playbook: Playbook) -> Iterator[str]:
    if playbook.rebalance is not None:
        yield "rebalance"
    for section, names in (
        ("guardrails", ("daily_drawdown", "weekly_drawdown", "take_profit")),
        ("funding", ("daily_cap", "daily_cap_asset", "daily_cap_venue", "projected_cap", "flip_after", "expected_max")),
    ):
        for name in names:
            if getattr(getattr(playbook, section), name, None) not in (None, (), {}):
                yield f"{section}.{name}"
