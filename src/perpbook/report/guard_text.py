"""A guard in words: how it stands, what waits for a person, what it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perpbook.model.alert import Alert, Severity
from perpbook.model.units import to_iso

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.report.guard_told import Flattened, GuardStatus, ProposalTold

UNITS = {"equity": "${:,.0f}", "effective": "{:.2f}x", "margin_ratio": "{:.1%}", "liquidation_move": "{:+.1%}"}
NAMES = {
    "equity": "equity",
    "effective": "effective leverage",
    "margin_ratio": "worst margin ratio",
    "liquidation_move": "dies when prices move",
}
MARKS = {Severity.INFO: " ", Severity.WARN: "!", Severity.PAGE: "!!"}


def alert_line(alert: Alert) -> str:
    """One alert on a line: when, how loud, what."""
    where = " ".join(one for one in (alert.account, alert.symbol) if one)
    named = f"{alert.kind}{f' ({where})' if where else ''}"
    asked = f" [{alert.proposal[:12]}]" if alert.proposal else ""
    if alert.resolved:
        more = "" if alert.sentence == "over" else f": {alert.sentence}"
        return f"{to_iso(alert.at_ns)}    over: {named}{more}{asked}"
    return f"{to_iso(alert.at_ns)} {MARKS[alert.severity]:>2} {named}: {alert.sentence}{asked}"


def tell_status(console: Console, status: GuardStatus) -> None:
    """How the guard stands."""
    _say(console, "A guard runs." if status.running else "No guard runs: nothing is watched.")
    if status.kill != "none":
        _say(console, f"The kill switch is at {status.kill}: {status.kill_reason}")
    if status.halt_flag != "none":
        _say(console, f"The halt flag is up: {status.halt_flag}.")
    _say(
        console,
        f"Armed for {status.armed_for_s / 3600:.1f} hours."
        if status.armed_for_s
        else "Not armed: on a live venue it proposes only.",
    )
    for account, held in status.accounts.items():
        told = ", ".join(f"{quantity:+g} {symbol}" for symbol, quantity in held.items()) or "flat"
        _say(console, f"  {account}: {told}")
    _say(console, f"{status.waiting} proposals wait for a person, {status.acting} are under way.")
    for line in status.exits:
        _say(console, f"Exit: {line}")
    for line in status.incidents:
        _say(console, f"Incident: {line}")
    for line in status.alerts:
        _say(console, f"Stands: {line}")
    _say(console, f"{status.records} records, the last of {status.last}; digest {status.head}")


def tell_proposals(console: Console, proposals: tuple[ProposalTold, ...]) -> None:
    """What waits, with what it would do."""
    if not proposals:
        console.print("Nothing waits for you.")
    for one in proposals:
        tell_proposal(console, one)


def tell_proposal(console: Console, one: ProposalTold) -> None:
    """One proposal: why, what, at most how dear, before and after, how long it stands."""
    waits = f"{one.expires_in_s / 60:.0f} minutes left" if one.expires_in_s > 0 else "its time is over"
    stands = waits if one.phase == "proposed" else one.phase
    ended = one.stopped or one.why
    _say(console, f"{one.digest[:12]}  {one.rule}  {one.kind}, {stands}{f': {ended}' if ended else ''}")
    _say(console, f"  {one.reason}")
    for leg in one.legs:
        verb = "buy" if leg.quantity > 0 else "sell"
        _say(
            console,
            f"  {verb} {abs(leg.quantity):g} {leg.symbol} on {leg.account} (of {leg.held:+g}) at {leg.limit_price:g} or better, "
            f"{leg.notional:,.0f}{leg.pace and f', {leg.pace}'}",
        )
    if one.transfer:
        _say(console, f"  move {one.transfer}: you do this; approving it only notes that you will")
    if one.legs:
        _say(console, f"  fees and slippage ${one.cost_max:,.2f} at most")
    for name, (before, after) in one.risk.items():
        if before != after:
            _say(console, f"  {NAMES[name]} {_said(name, before)} -> {_said(name, after)}")


def tell_answered(console: Console, one: ProposalTold) -> None:
    """A proposal that was just answered, and what to do next."""
    tell_proposal(console, one)
    if one.phase == "aborted":
        _say(
            console,
            "Nothing of it was sent. What is still wanted is proposed anew within seconds: `perpbook approvals list`.",
        )
    elif one.phase in ("approved", "executing", "verifying"):
        _say(console, "It is under way: `perpbook approvals list --all` tells what becomes of it.")


def tell_flattened(console: Console, found: Flattened) -> None:
    """What `halt flatten BOOK` came to."""
    for account in found.empty:
        _say(
            console,
            f"{account} shows nothing where the book holds something. Is it flat already, or the address not its own?",
        )
    if found.flat:
        _say(console, "Every account is flat. The halt flag is still up: `perpbook halt --resume` takes it down.")
        return
    held = [
        f"{quantity:+g} {symbol} on {account}"
        for account, own in found.left.items()
        for symbol, quantity in own.items()
    ]
    _say(console, f"Not flat: {', '.join(held) or 'an account could not be read'}. The halt flag is still up.")


def _said(name: str, value: float | None) -> str:
    return "never" if value is None else UNITS[name].format(value)


def _say(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True)
