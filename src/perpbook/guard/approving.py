"""Who may let a proposal act: a person's word on exactly its digest, in time; or its rule, within the playbook's band."""

from __future__ import annotations

from perpbook.guard import incidents
from perpbook.guard.case import Case, Phase
from perpbook.guard.controls import PREAUTHORISED, outdated, within_band
from perpbook.guard.turn import Turn
from perpbook.model.action import ActionKind
from perpbook.model.alert import Severity
from perpbook.model.message import Answered, KillLevel
from perpbook.model.record import RecordKind


def answer(turn: Turn, message: Answered) -> None:
    """Take a person's word: it counts once, for one digest, and in time; a no counts as long as something can be stopped."""
    case = turn.desk.cases.get(message.digest)
    if case is None:
        _refuse(turn, message, "no proposal has this digest")
    elif not message.approve:
        _deny(turn, case, message)
    elif case.phase is not Phase.PROPOSED:
        _refuse(turn, message, f"it was answered before: it is {case.phase.value}")
    else:
        why = _not_now(turn, case)
        if why:
            _refuse(turn, message, why)
        else:
            turn.write(RecordKind.APPROVED, digest=case.digest, who=message.who, channel=message.channel)
            turn.tell(
                "proposal.approved", Severity.INFO, f"{message.who} approved {case.proposal.rule}", proposal=case.digest
            )


def approve_itself(turn: Turn, case: Case) -> bool:
    """A rule whose playbook allows it approves its own proposal, where nothing is amiss."""
    proposal = case.proposal
    amiss = any(incidents.is_open(turn, leg.account) or not leg.reduce_only for leg in proposal.legs)
    if amiss or not proposal.legs or _not_now(turn, case):
        return False
    dollars = turn.settings.traded(proposal.legs)
    if not within_band(turn.desk, turn.settings, proposal.rule, dollars, turn.now_ns):
        return False
    turn.write(RecordKind.APPROVED, digest=case.digest, who=proposal.rule, channel=PREAUTHORISED)
    sentence = f"{proposal.rule} acts by itself, as the playbook allows: {proposal.reason}"
    turn.tell("proposal.approved", Severity.WARN, sentence, proposal=case.digest)
    return True


def expire(turn: Turn, case: Case) -> None:
    """No answer in time is a no."""
    if case.phase is Phase.PROPOSED and turn.now_ns >= case.proposal.expires_ns:
        turn.write(RecordKind.EXPIRED, digest=case.digest, why="nobody answered in time, which is a no")
        turn.tell(
            "proposal.expired",
            Severity.WARN,
            f"{case.proposal.rule}: nobody answered in time, which is a no",
            proposal=case.digest,
        )


def _not_now(turn: Turn, case: Case) -> str:
    if turn.now_ns >= case.proposal.expires_ns:
        return "it has expired"
    why = outdated(turn.settings, case.proposal)
    if why:
        return why
    if turn.desk.kill is not KillLevel.NONE:
        return f"the kill switch is at {turn.desk.kill.name}"
    trades = case.proposal.kind is not ActionKind.TRANSFER
    if trades and turn.settings.arming and not turn.desk.is_armed(turn.now_ns):
        return "the guard is not armed: `perpbook guard arm` first"
    return ""


def _deny(turn: Turn, case: Case, message: Answered) -> None:
    said = {"digest": case.digest, "who": message.who, "channel": message.channel, "why": f"{message.who} said no"}
    if case.phase is Phase.PROPOSED:
        turn.write(RecordKind.DENIED, **said)
    elif case.phase in (Phase.APPROVED, Phase.EXECUTING) and not case.stopped:
        turn.write(RecordKind.ABORTED, **said)
    else:
        _refuse(turn, message, f"it is {case.stopped or case.phase.value}, and nothing is left to stop")
        return
    turn.tell("proposal.denied", Severity.INFO, f"{message.who} said no to {case.proposal.rule}", proposal=case.digest)


def _refuse(turn: Turn, message: Answered, why: str) -> None:
    turn.write(
        RecordKind.NOTE,
        what="answer refused",
        digest=message.digest[:64],
        who=message.who,
        channel=message.channel,
        why=why,
    )
    turn.tell(
        "refused.answer",
        Severity.WARN,
        f"the answer of {message.who} to {message.digest[:12]} is refused: {why}",
        proposal=message.digest[:64],
    )
