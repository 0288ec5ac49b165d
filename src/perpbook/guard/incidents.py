"""What a person must look at before anything opens risk again, or approves itself, in the account it is about."""

from __future__ import annotations

from perpbook.guard.case import Case
from perpbook.guard.turn import Turn
from perpbook.model.alert import Severity
from perpbook.model.message import Acknowledge
from perpbook.model.record import RecordKind


def open_one(turn: Turn, key: str, account: str, why: str, digest: str = "") -> None:
    """Open an incident and page, unless it is open."""
    if key in turn.desk.incidents:
        return
    turn.write(RecordKind.INCIDENT, key=key, account=account, why=why, digest=digest)
    turn.tell(
        "incident",
        Severity.PAGE,
        f"{why}; nothing opens risk until `{key}` is acknowledged",
        account=account,
        proposal=digest,
    )


def open_case(turn: Turn, case: Case, account: str, why: str) -> None:
    """Open an incident about a proposal, which ends it."""
    open_one(turn, f"proposal.{case.proposal.short}", account, why, case.digest)


def acknowledge(turn: Turn, message: Acknowledge) -> None:
    """A person has seen it."""
    if message.key not in turn.desk.incidents:
        turn.tell("refused.acknowledge", Severity.INFO, f"there is no open incident `{message.key}`")
        return
    turn.write(RecordKind.ACKNOWLEDGED, key=message.key, who=message.who)
    turn.tell("incident.acknowledged", Severity.INFO, f"{message.who} acknowledged `{message.key}`")


def is_open(turn: Turn, account: str) -> bool:
    """An incident of this account, or of all, is open."""
    return any(one.account in ("", account) for one in turn.desk.incidents.values())
