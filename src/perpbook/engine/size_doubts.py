"""Where one pass over the futures does not tell what a size survives, and what is done about it."""

from __future__ import annotations

from perpbook.engine.trial import is_whole
from perpbook.engine.trims import Task
from perpbook.kernels.seize import WHOLE
from perpbook.model.account import MarginMode
from perpbook.model.book import Book


def doubts_of(task: Task, book: Book, *, playbook: bool) -> tuple[str, ...]:
    """One sentence for each case that this book is."""
    made, out = task.ground.stage.ready.arrangement, []
    alone = [account.id for account in made.accounts if account.mode is MarginMode.ISOLATED]
    if alone:
        out.append(
            f"{', '.join(alone)}: isolated, a bucket of its own: it dies alone, and what it loses is at most its own margin"
        )
    whole = [
        f"{item.terms.contract.symbol} in {task.accounts[item.account]}"
        for item in task.items
        if item.terms is not None and is_whole(item)
    ]
    if whole:
        out.append(
            f"{', '.join(whole)}: margin jumps with the whole position. Smaller sizes are sought under today's rate, which is "
            "the safe side, trims also in lower tiers that they reach, and larger sizes by drills"
        )
    parts = [
        account.id
        for number, account in enumerate(made.accounts)
        if int(made.slots.accounts[number].manner) != WHOLE
    ]  # fmt: skip
    if parts:
        out.append(
            f"{', '.join(parts)}: liquidated in parts. The chance counts the first part; what is lost after it is what the "
            "drill says"
        )
    resting = [account.id for account in book.accounts if account.orders]
    if resting:
        out.append(
            f"{', '.join(resting)}: resting orders may fill on the way; sizes are sought without them and drilled with them"
        )
    if any(one.arrives_ns is not None for one in book.transfers):
        out.append("money under way: sizes are sought without it and drilled with it")
    around = task.ground.drill.surroundings
    if around is not None and around.taken.size:
        out.append("the storm takes winning positions: sizes are sought as if it left them, and drilled as it does")
    if playbook:
        out.append(
            "the playbook's rules change sizes on the way: sizes are sought without them, and drilled with and without them"
        )
    return tuple(out)
