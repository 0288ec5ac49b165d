"""What may act without asking, in plain English."""

from __future__ import annotations

from collections.abc import Iterator

from perpbook.playbook.automation_section import Automation
from perpbook.playbook.figures import listing, percent, plain


def automation_sentences(rules: Automation) -> Iterator[str]:
    """Who may act, within what, and how long a question stands."""
    if rules.default == "auto":
        yield "Every rule that a trim can mend acts by itself; nothing but trims ever does."
    elif rules.auto:
        named = listing(dict.fromkeys(rules.auto))
        yield f"Without asking, {named} may act, by trims alone; everything else is proposed."
    else:
        yield "Nothing acts without asking."
    yield from _caps(rules)
    yield (
        f"A proposal waits {plain(rules.approval_expires_minutes)} minutes, and no answer is a no; nothing is traded more than "
        f"{percent(rules.collar)} from the middle of the book, or once that has moved so far."
    )
    if rules.quiet_hours is not None:
        yield f"Between {' and '.join(rules.quiet_hours.split('-'))} UTC nothing acts by itself."
    yield from _chances(rules)


def chances_values(rules: Automation) -> dict[str, str]:
    """What chances of liquidation are reckoned from, by key, in words."""
    return {
        "automation.volatility": _swings(rules) or "none is given",
        "automation.correlation": plain(rules.correlation),
        "automation.liquidation_budget": "none"
        if rules.liquidation_budget is None
        else percent(rules.liquidation_budget),
        "automation.dead_man_seconds": f"after {plain(rules.dead_man_seconds or 0)} seconds of silence",
        "automation.patience_seconds": f"rests {plain(rules.patience_seconds or 0)} seconds",
    }


def _swings(rules: Automation) -> str:
    named = {name: swing for name, swing in (rules.volatility or {}).items() if name != "default"}
    told = [f"{percent(swing)} for {name}" for name, swing in sorted(named.items())]
    return listing([*told, f"{percent(rules.volatility['default'])} for the rest"]) if rules.volatility else ""


def _chances(rules: Automation) -> Iterator[str]:
    if rules.correlation != Automation().correlation or rules.volatility is not None:
        of = _swings(rules) or "no volatility, so none is"
        yield f"Chances of liquidation are reckoned from {of}, correlated {plain(rules.correlation)}."
    if rules.volatility is not None:
        yield "Where any leg would do, the one that is best after risk and carry is made smaller."
    if rules.liquidation_budget is not None:
        yield (
            "What is larger than its book goes in slices, as slow as leaves no account more likely than "
            f"{percent(rules.liquidation_budget)} to be liquidated before it is done."
        )
    if rules.patience_seconds is not None:
        yield f"Where that leaves time, an order rests {plain(rules.patience_seconds)} seconds before it crosses."
    if rules.dead_man_seconds is not None:
        yield (
            f"While its orders rest, venues that can are to cancel them {plain(rules.dead_man_seconds)} seconds after it fell "
            "silent; not where a protective order rests."
        )


def _caps(rules: Automation) -> Iterator[str]:
    found = [
        (rules.max_per_order, "in one order"),
        (rules.max_per_action, "in one proposal"),
        (rules.max_per_hour, "in any hour"),
        (rules.max_per_day, "in any 24 hours"),
    ]
    told = [f"${cap:,.0f} {where}" for cap, where in found if cap is not None]
    if told:
        yield f"The guard trades at most {listing(told)}."
