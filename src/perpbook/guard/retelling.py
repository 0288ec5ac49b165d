"""What a crash may have kept from people is told again at the start; who tells it on leaves out what was told before."""

from __future__ import annotations

from perpbook.files.rebuild import rebuild
from perpbook.guard.case import Phase
from perpbook.guard.turn import Turn
from perpbook.model.alert import Alert, Severity
from perpbook.model.effect import Tell
from perpbook.model.message import KillLevel

WORDS = {Phase.ABORTED: "proposal.stopped", Phase.INCIDENT: "incident"}
"""Kinds of alerts that tell an end, where they are not "proposal." and its phase."""


def tell_again(turn: Turn) -> None:
    """The last alert; ends that nobody was told; incidents, proposals and a kill switch that wait for a person."""
    desk = turn.desk
    if desk.alert is not None:
        turn.do(Tell(alert=rebuild(Alert, desk.alert)))
    for case in [desk.cases[digest] for digest in desk.untold if digest in desk.cases]:
        kind = WORDS.get(case.phase, f"proposal.{case.phase.value}")
        turn.tell(kind, Severity.PAGE, f"{case.proposal.rule}: {case.phase.value}, {case.why}", proposal=case.digest)
    for one in tuple(desk.incidents.values()):
        sentence = f"{one.why}; nothing opens risk until `{one.key}` is acknowledged"
        turn.tell("incident", Severity.PAGE, sentence, account=one.account)
    for case in desk.live_cases():
        if case.phase is Phase.PROPOSED:
            sentence = f"{case.proposal.rule}: {case.proposal.reason} It still waits."
            turn.tell("proposal.waits", Severity.PAGE, sentence, proposal=case.digest)
    if desk.kill is not KillLevel.NONE:
        turn.tell("kill", Severity.PAGE, f"the kill switch is at {desk.kill.name}: {desk.kill_reason}")
