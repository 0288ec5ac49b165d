"""Which legs the guard's trims take: those of the cheapest plan, or, where a rule of the whole book asks and the playbook says
how prices swing, those that are best after risk and carry (`execution.placing`).

The choice is kept only where it mends what the plan mends and brings no account nearer to its liquidation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from perpbook.errors import DataError, InputError
from perpbook.model.verdict import Status, Trim
from perpbook.runs.check import CheckResult, check_snapshot

if TYPE_CHECKING:
    from perpbook.execution.chances import Swings
    from perpbook.playbook.schema import Playbook
    from perpbook.terms.terms import VenueTerms

HORIZON_SECONDS = 86_400.0
"""Over which accounts may die, and carry is paid, when legs are weighed."""


def swings_of(playbook: Playbook) -> Swings | None:
    """How prices swing by the playbook; None where it does not say."""
    from perpbook.execution.chances import Swings

    rules = playbook.automation
    if rules is None or rules.volatility is None:
        return None
    named = {name: swing for name, swing in rules.volatility.items() if name != "default"}
    return Swings(volatility=named, other=rules.volatility["default"], correlation=rules.correlation)


def best_legs(
    result: CheckResult, trims: Sequence[Trim], playbook: Playbook, terms: Mapping[str, VenueTerms]
) -> tuple[Trim, ...]:
    """The trims to propose in place of a plan's."""
    from perpbook.execution.placing import is_of_the_book, placed
    from perpbook.execution.reduce import Weighing

    swings = swings_of(playbook)
    if swings is None or not any(is_of_the_book(one.rules) for one in trims):
        return tuple(trims)
    weighing = Weighing(swings=swings, horizon_seconds=HORIZON_SECONDS)
    try:
        found = placed(result.snapshot, terms, trims, weighing)
        serves = _mends_as_much(result, trims, found, playbook, terms)
    except (DataError, InputError):
        return tuple(trims)
    return found if serves else tuple(trims)


def _mends_as_much(
    result: CheckResult,
    plan: Sequence[Trim],
    found: Sequence[Trim],
    playbook: Playbook,
    terms: Mapping[str, VenueTerms],
) -> bool:
    from perpbook.execution.exit_margin import accounts_after, nearer_than

    after = checked_after(result, changes_of(found), playbook, terms)
    if not _broken(after) <= _broken(checked_after(result, changes_of(plan), playbook, terms)):
        return False
    start, now = accounts_after(result.assessed.arrays), accounts_after(after.assessed.arrays)
    return not any(nearer_than("trims", start, now))


def _broken(result: CheckResult) -> set[tuple[str, str]]:
    return {(one.rule, one.subject) for one in result.verdict.findings if one.status is Status.BREACH}


Pair = tuple[str, str]
"""Account and symbol."""


def changes_of(trims: Sequence[Trim]) -> dict[Pair, tuple[float, float]]:
    """Of every position that is trimmed: what is left of it, and dollars of cost."""
    return {(one.account, one.symbol): (one.quantity_after, one.cost) for one in trims}


def checked_after(
    result: CheckResult,
    wanted: Mapping[Pair, tuple[float, float]],
    playbook: Playbook,
    terms: Mapping[str, VenueTerms],
) -> CheckResult:
    """A check of the book once some positions have another quantity, each as (quantity, dollars of cost), at today's prices."""
    from perpbook.sizing.apply import with_quantities

    arrays, changes = result.assessed.arrays, {}
    for row in arrays.positions():
        item = arrays.items[row]
        assert item.position is not None
        key = (arrays.accounts[item.account].id, item.position.symbol)
        if key in wanted:
            changes[row] = wanted[key]
    book = with_quantities(result.snapshot.book, arrays, changes, keep_closed=result.past is not None)
    return check_snapshot(replace(result.snapshot, book=book), playbook, terms, with_plans=False, past=result.past)
