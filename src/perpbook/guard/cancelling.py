"""A proposal to take orders back: each is cancelled for as long as its account shows it."""

from __future__ import annotations

from perpbook.guard import incidents
from perpbook.guard.case import Case
from perpbook.guard.killing import take_back
from perpbook.guard.turn import Turn
from perpbook.guard.verifying import close
from perpbook.model.effect import AskAccount, Cancel


def take_all_back(turn: Turn, case: Case) -> None:
    """Cancel what still rests of a proposal's orders; close it when none does."""
    wanted = frozenset(case.proposal.cancels)
    resting = [
        Cancel(account=account, venue=venue, symbol=order.symbol, client_id=order.id)
        for account, venue in turn.settings.accounts.items()
        if (seen := turn.fresh_account(account, case.since_ns)) is not None
        for order in seen.account.orders
        if order.id in wanted
    ]
    unread = [name for name in turn.settings.accounts if turn.fresh_account(name, case.since_ns) is None]
    for effect in resting:
        take_back(turn, effect, case.proposal.rule)
        turn.ask(AskAccount(account=effect.account, venue=effect.venue), -1)
    late = turn.now_ns - case.since_ns > turn.settings.timing.verify
    if late and (resting or unread):
        account = resting[0].account if resting else unread[0]
        incidents.open_case(
            turn, case, account, f"{case.proposal.rule}: orders that were taken back are still there, or cannot be seen"
        )
    elif not resting and not unread:
        close(turn, case, [])
