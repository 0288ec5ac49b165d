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
        yield f"{listing(dict.fromkeys(rules.auto))} may act without asking, by trims alone; everything else is proposed."
    else:
        yield "Nothing acts without asking."
    yield from _caps(rules)
    yield (
        f"A proposal waits {plain(rules.approval_expires_minutes)} minutes, and no answer is a no; nothing is traded more than "
        f"{percent(rules.collar)} from the middle of the book, or once that has moved so far."
    )
    if rules.quiet_hours is not None:
        yield f"Between {' and '.join(rules.quiet_hours.split('-'))} UTC nothing acts by itself."


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
