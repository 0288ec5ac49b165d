"""The kill switch: pulled by people or by the guard itself, let go of by a person only."""

from __future__ import annotations

from perpbook.guard.turn import Turn, held
from perpbook.model.account import Order
from perpbook.model.alert import Alert, Severity
from perpbook.model.effect import Cancel
from perpbook.model.message import AccountSeen, Arm, Kill, KillLevel
from perpbook.model.record import RecordKind

GUARD = "guard"
"""Who the guard is when it pulls the switch itself."""


def pull(turn: Turn, message: Kill) -> None:
    """Take a word on the switch: up at once, down only as a whole and only by a person."""
    if message.level is KillLevel.NONE:
        _let_go(turn, message)
    elif message.level > turn.desk.kill:
        turn.write(RecordKind.KILL, level=int(message.level), who=message.who, reason=message.reason)
        sentence = (
            f"{message.who} pulled the kill switch to {message.level.name}: {message.reason}; `halt --resume` lets go"
        )
        turn.tell("kill", Severity.PAGE, sentence)


def trip(turn: Turn, reason: str) -> None:
    """The guard stops itself."""
    pull(turn, Kill(level=KillLevel.PAUSE, who=GUARD, reason=reason, received_ns=turn.now_ns))


def _let_go(turn: Turn, message: Kill) -> None:
    if not message.who or message.who == GUARD:
        turn.tell("refused.resume", Severity.WARN, "only a person lets go of the kill switch")
    elif turn.desk.kill is not KillLevel.NONE:
        turn.write(RecordKind.RESUMED, who=message.who, reason=message.reason)
        turn.tell("kill.resumed", Severity.WARN, f"{message.who} let go of the kill switch: {message.reason}")


def arm(turn: Turn, message: Arm) -> None:
    """Acting is allowed until a time, or no more."""
    if message.until_ns <= turn.now_ns:
        turn.write(RecordKind.DISARMED, who=message.who)
        turn.tell("disarmed", Severity.INFO, f"{message.who} disarmed the guard: it proposes only")
        return
    turn.write(RecordKind.ARMED, who=message.who, until_ns=message.until_ns)
    turn.tell(
        "armed",
        Severity.WARN,
        f"{message.who} armed the guard for {(message.until_ns - turn.now_ns) / 3.6e12:.1f} hours",
    )


def cancel_opening(turn: Turn) -> None:
    """At CANCEL and above: take back every resting order that could open risk, until none is seen."""
    if turn.desk.kill < KillLevel.CANCEL:
        return
    for account in turn.settings.accounts:
        seen = turn.fresh_account(account, turn.desk.kill_ns)
        if seen is None:
            continue
        for order in opening(seen):
            _cancel(turn, seen, order)


def opening(seen: AccountSeen) -> list[Order]:
    """Resting orders that do not only make a position smaller; a protective stop does, flagged or not."""
    positions = held(seen)
    return [
        order
        for order in seen.account.orders
        if not order.reduce_only
        and (
            order.quantity * positions.get(order.symbol, 0.0) >= 0 or abs(order.quantity) > abs(positions[order.symbol])
        )
    ]


def _cancel(turn: Turn, seen: AccountSeen, order: Order) -> None:
    account = seen.account
    if not order.id:
        sentence = (
            f"an order of {order.quantity:g} {order.symbol} has no id to cancel it by: cancel it at {account.venue}"
        )
        turn.say(
            Alert(
                kind="kill.order",
                severity=Severity.PAGE,
                at_ns=turn.now_ns,
                sentence=sentence,
                account=account.id,
                symbol=order.symbol,
            ),
            stands=True,
        )
        return
    take_back(
        turn, Cancel(account=account.id, venue=account.venue, symbol=order.symbol, client_id=order.id), "kill switch"
    )


def take_back(turn: Turn, effect: Cancel, why: str) -> None:
    """Cancel an order, at most as often as anything is asked; then look at its account again."""
    name = ("Cancel", effect.account, effect.client_id)
    last = turn.known.asked.get(name)
    if last is None or turn.now_ns - last >= turn.settings.timing.again:
        turn.known.asked[name] = turn.now_ns
        turn.write(
            RecordKind.CANCEL,
            account=effect.account,
            venue=effect.venue,
            symbol=effect.symbol,
            client_id=effect.client_id,
            why=why,
        )
        turn.do(effect)
